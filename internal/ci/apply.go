package ci

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

// apply appends the outcome of every rule.
func (c *Case) apply(t *table.Table, s *sample, rules *Rules, d *Decision) error {
	if r := rules.Detection; r != nil {
		v := d.metric(metricDetection).Candidate.Value
		d.outcome(float64(v) >= r.Min, "detection", v, fmt.Sprintf("≥ %v at %v false alarms", r.Min, r.Budget),
			fmt.Sprintf("%s of the failures are found when %v of the healthy rows may alarm", v.String(), r.Budget))
	}
	if r := rules.Champion; r != nil {
		d.againstChampion(r)
	}
	if r := rules.Calibration; r != nil {
		v := d.metric(metricECE).Candidate.Value
		d.outcome(float64(v) <= r.MaxECE, "calibration", v, fmt.Sprintf("≤ %v", r.MaxECE), "expected calibration error "+v.String())
	}
	if rules.Audit != nil {
		reason := "the audit of the data is " + d.Audit.Verdict
		if len(d.Audit.Blocking) > 0 {
			reason += " by " + strings.Join(d.Audit.Blocking, ", ")
		}
		d.outcome(d.Audit.Verdict != "blocked", "audit", Number(len(d.Audit.Blocking)), "0 checks block", reason)
	}
	if rules.Slices != nil {
		if err := s.slices(t, rules.Slices, d); err != nil {
			return err
		}
	}
	if r := rules.Latency; r != nil {
		v, err := c.latency(t)
		if err != nil {
			return err
		}
		d.outcome(v <= r.P99, "latency", Number(v), fmt.Sprintf("≤ %v ms", r.P99), fmt.Sprintf("99 of 100 rows are scored within %.4f ms, one at a time", v))
	}
	return nil
}

func (d *Decision) outcome(ok bool, rule string, value Number, bound, reason string) {
	verdict := Failed
	if ok {
		verdict = Passed
	}
	d.Rules = append(d.Rules, Outcome{rule, value, bound, verdict, reason})
}

func (d *Decision) againstChampion(r *ChampionRule) {
	m := d.metric(r.Metric)
	bound := fmt.Sprintf("%s not worse by more than %v", r.Metric, r.MaxDrop)
	if m.Difference == nil {
		d.Rules = append(d.Rules, Outcome{"champion", Number(math.NaN()), bound, Skipped, "there is no champion yet"})
		return
	}
	gain, least := m.Difference.Value, m.Difference.Low
	if r.Metric == "brier" { // less is better
		gain, least = -m.Difference.Value, -m.Difference.High
	}
	d.outcome(float64(least) >= -r.MaxDrop, "champion", gain, bound,
		fmt.Sprintf("%s is better by %s; at confidence %v by at least %s", r.Metric, gain.String(), d.Confidence, least.String()))
}

// slices measures every value of a column; the worst that has failures enough decides.
func (s *sample) slices(t *table.Table, r *SlicesRule, d *Decision) error {
	column := t.Column(r.Column)
	if column == nil {
		return errs.New(errs.Invalid, "there is no column %q, which gate.slices names", r.Column)
	}
	rows := make(map[string][]int)
	for i := range t.Rows() {
		rows[column.TextAt(i)] = append(rows[column.TextAt(i)], i)
	}
	d.SliceColumn = r.Column
	worst := Slice{AUC: Number(math.Inf(1))}
	for value, in := range rows {
		one := s.slice(value, in)
		one.Judged = one.Failures >= r.MinFailures && one.Failures < one.Rows
		if one.Judged && one.AUC < worst.AUC || one.Judged && one.AUC == worst.AUC && one.Value < worst.Value {
			worst = one
		}
		d.Slices = append(d.Slices, one)
	}
	slices.SortFunc(d.Slices, func(a, b Slice) int { return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Value, b.Value)) })
	bound := fmt.Sprintf("roc_auc ≥ %v in each %s", r.MinAUC, r.Column)
	if !worst.Judged {
		d.Rules = append(d.Rules, Outcome{"slices", Number(math.NaN()), bound, Skipped, fmt.Sprintf("no %s has %d failures", r.Column, r.MinFailures)})
		return nil
	}
	d.outcome(float64(worst.AUC) >= r.MinAUC, "slices", worst.AUC, bound, fmt.Sprintf("the worst is %s with %s on %d failures", worst.Value, worst.AUC.String(), worst.Failures))
	return nil
}

func (s *sample) slice(value string, rows []int) Slice {
	out := Slice{Value: value, Rows: len(rows), Champion: Number(math.NaN())}
	truth, a, b := make([]int, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		truth[i], a[i] = s.truth[r], s.a[r]
		out.Failures += s.truth[r]
		if s.b != nil {
			b[i] = s.b[r]
		}
	}
	out.AUC = Number(auc(truth, a))
	if s.b != nil {
		out.Champion = Number(auc(truth, b))
	}
	return out
}

// latency is the 99th percentile, in milliseconds, of scoring up to 2000 rows one
// by one, after as many to warm up.
func (c *Case) latency(t *table.Table) (float64, error) {
	n := min(t.Rows(), 2000)
	taken := make([]time.Duration, 0, n)
	for pass := range 2 {
		for i := range n {
			begin := c.Now()
			if err := scoreOne(c.Candidate, t, i); err != nil {
				return 0, err
			}
			if pass == 1 {
				taken = append(taken, c.Now().Sub(begin))
			}
		}
	}
	slices.Sort(taken)
	return float64(taken[(99*n-1)/100]) / float64(time.Millisecond), nil
}

func scoreOne(m *model.Model, t *table.Table, row int) error {
	x, err := m.Matrix(t, row, row+1)
	if err != nil {
		return err
	}
	m.Estimator.Scores(make([]float64, m.Outputs()), x)
	return nil
}
