package ci

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/audit"
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Case is what a gate judges.
type Case struct {
	Candidate, Champion         *model.Model // Champion may be nil
	CandidateName, ChampionName string       // what the reader calls them
	CandidateHash               string       // what HashModel says
	Data                        string       // a table of labelled rows that neither has learned from
	Columns                     audit.Options
	Now                         func() time.Time
}

// Judge measures both models on the same rows and applies the rules. Rows of one
// drive are drawn together when the data names drives. Daily statistics are of
// kind Unsupported, rows of a single class of kind Invalid.
func Judge(ctx context.Context, c *Case, rules *Rules) (*Decision, error) {
	if smart.IsBackblaze(c.Data) {
		return nil, errs.New(errs.Unsupported, "%s: a gate takes a table of labelled rows, not daily statistics", c.Data)
	}
	source, err := audit.Load(ctx, c.Data)
	if err != nil {
		return nil, err
	}
	report, err := audit.Table(ctx, source, c.Columns)
	if err != nil {
		return nil, err
	}
	d := &Decision{Candidate: c.CandidateName, ModelHash: c.CandidateHash, Champion: c.ChampionName, Data: c.Data, Target: report.Target,
		Rows: report.Rows, Drives: report.Drives, Confidence: rules.Bootstrap.Confidence, Audit: audited(report, c.Candidate, rules.Audit)}
	if d.DataHash, err = table.HashPath(ctx, c.Data); err != nil {
		return nil, err
	}
	s, err := c.sample(source.Table, report, rules, d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Data, err)
	}
	if d.Metrics, err = s.measure(ctx); err != nil {
		return nil, err
	}
	if err := s.curves(d); err != nil {
		return nil, err
	}
	if err := c.apply(source.Table, s, rules, d); err != nil {
		return nil, err
	}
	d.decide()
	return d, nil
}

func (c *Case) sample(t *table.Table, report *audit.Report, rules *Rules, d *Decision) (*sample, error) {
	s := &sample{budget: defaultBudget, boot: eval.Bootstrap{Samples: rules.Bootstrap.Samples, Confidence: rules.Bootstrap.Confidence, Seed: rules.Bootstrap.Seed}}
	if rules.Detection != nil {
		s.budget = rules.Detection.Budget
	}
	var err error
	if s.a, s.truth, err = probabilities(c.Candidate, t, report.Target); err != nil {
		return nil, errs.Wrap(err, "candidate")
	}
	if c.Champion != nil {
		var truth []int
		if s.b, truth, err = probabilities(c.Champion, t, report.Target); err != nil {
			return nil, errs.Wrap(err, "champion")
		}
		if !slices.Equal(truth, s.truth) {
			return nil, errs.New(errs.Invalid, "candidate and champion call other rows failing: their classes stand in another order")
		}
	}
	for _, y := range s.truth {
		d.Failures += y
	}
	if d.Failures == 0 || d.Failures == len(s.truth) {
		return nil, errs.New(errs.Invalid, "all %d rows are of one class of %s; a gate needs both", len(s.truth), report.Target)
	}
	if group := t.Column(report.Group); report.Group != "" && group != nil {
		names := make([]string, t.Rows())
		for i := range names {
			names[i] = group.TextAt(i)
		}
		s.boot.Group = table.GroupsOf(names)
	}
	return s, nil
}

// audited reports what blocks among the columns that the model reads.
func audited(report *audit.Report, m *model.Model, rule *AuditRule) Audited {
	report = report.Using(m.Columns())
	out := Audited{Verdict: "clean"}
	for _, f := range report.Findings {
		out.Findings = append(out.Findings, fmt.Sprintf("%s: %s %s: %s", f.Severity, f.Check, f.Column, f.Says))
	}
	var override []string
	if rule != nil {
		override = rule.Override
	}
	left, _ := report.Left(override) // the names were checked with the rules
	switch {
	case len(left) > 0:
		out.Verdict, out.Blocking = "blocked", left
	case report.Blocked():
		out.Verdict = "overridden"
	}
	return out
}

// decide sums the rules up.
func (d *Decision) decide() {
	var failed []string
	for _, o := range d.Rules {
		if o.Verdict == Failed {
			failed = append(failed, o.Rule+" ("+o.Reason+")")
		}
	}
	d.Verdict, d.Reason = Passed, "every rule holds"
	if len(failed) > 0 {
		d.Verdict, d.Reason = Failed, strings.Join(failed, "; ")
	}
}

func (d *Decision) metric(name string) Measure {
	i := slices.IndexFunc(d.Metrics, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		nan := Number(math.NaN())
		return Measure{Name: name, Candidate: Span{nan, nan, nan}}
	}
	return d.Metrics[i]
}
