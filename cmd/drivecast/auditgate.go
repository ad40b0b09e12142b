package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/audit"
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// auditGate is what stands between a model trained on doubtful data and the
// registry.
type auditGate struct {
	override []string // checks that may block without consequence
	policy   string   // block or warn
}

func (g *auditGate) addTo(c *cobra.Command) {
	c.Flags().StringSliceVar(&g.override, "override-audit", nil, "checks of \"drivecast audit\" that may not stop --register; recorded as the tag audit=overridden")
	c.Flags().StringVar(&g.policy, "audit", "block", "what --register does on data that the audit blocks: block refuses, warn registers with the tag audit=blocked")
}

// check finds faults of the command line.
func (g *auditGate) check() error {
	if g.policy != "block" && g.policy != "warn" {
		return errs.New(errs.Usage, "--audit %q is neither block nor warn", g.policy)
	}
	_, err := (&audit.Report{}).Left(g.override)
	return err
}

// The tags of runs and versions.
const (
	tagAudit         = "audit"          // clean, overridden, blocked, or unknown when the data could not be audited
	tagAuditChecks   = "audit.checks"   // the checks that block
	tagAuditOverride = "audit.override" // those that were overridden by name
	auditArtifact    = "audit.json"
)

// audited is what the gate found.
type audited struct {
	report   *audit.Report // nil when the data could not be audited
	verdict  string
	override []string
}

// run audits the data of a training. It fails when the model was to be registered
// and a check blocks that is not overridden, and prints a warning otherwise.
func (g *auditGate) run(ctx context.Context, a *app, o *trainOptions) (*audited, error) {
	out := &audited{verdict: "unknown"}
	source, err := audit.Load(ctx, o.spec.Data)
	if err == nil {
		out.report, err = audit.Table(ctx, source, audit.Options{Target: o.spec.Target})
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // train says itself what it cannot read
		a.warnAudit("the data could not be audited: " + err.Error())
		return out, nil
	}
	if len(o.spec.Features) > 0 {
		out.report = out.report.Using(o.spec.Features)
	}
	left, err := out.report.Left(g.override)
	if err != nil {
		return nil, err
	}
	blocking := out.report.Blocking()
	for _, c := range blocking {
		if slices.Contains(g.override, c) {
			out.override = append(out.override, c)
		}
	}
	switch {
	case len(blocking) == 0:
		out.verdict = "clean"
		return out, nil
	case len(left) == 0:
		out.verdict = "overridden"
	default:
		out.verdict = "blocked"
	}
	see := "drivecast audit " + o.spec.Data
	if o.spec.Target != "" {
		see += " --target " + o.spec.Target
	}
	if o.register != "" && g.policy == "block" && len(left) > 0 {
		return nil, errs.New(errs.Invalid, "the audit of %s blocks --register %s: %s; see %q, repair the data, or name the checks with --override-audit %s",
			o.spec.Data, o.register, out.reasons(left), see, strings.Join(left, ","))
	}
	a.warnAudit(fmt.Sprintf("the figures of this model do not hold: the audit of %s finds %s; see %q", o.spec.Data, out.reasons(blocking), see))
	return out, nil
}

func (a *app) warnAudit(text string) {
	fmt.Fprintln(a.stderr, "drivecast: WARNING: "+text)
}

// reasons says, of each check, the first thing it found.
func (d *audited) reasons(checks []string) string {
	var parts []string
	for _, c := range checks {
		for _, f := range d.report.Findings {
			if f.Check == c && f.Severity == audit.Block {
				where := ""
				if f.Column != "" {
					where = " (" + f.Column + ")"
				}
				parts = append(parts, c+where+": "+f.Says)
				break
			}
		}
	}
	return strings.Join(parts, "; ")
}

// tags are those of the run and of the version.
func (d *audited) tags() []client.Tag {
	if d == nil {
		return nil
	}
	out := []client.Tag{{Key: tagAudit, Value: d.verdict}}
	if d.report != nil && d.report.Blocked() {
		out = append(out, client.Tag{Key: tagAuditChecks, Value: strings.Join(d.report.Blocking(), ",")})
	}
	if len(d.override) > 0 {
		out = append(out, client.Tag{Key: tagAuditOverride, Value: strings.Join(d.override, ",")})
	}
	return out
}

// warnBlocked says loudly that what was registered rests on data that the audit
// blocks.
func (l *loop) warnBlocked(versions []client.Version) {
	for _, v := range versions {
		mine := slices.ContainsFunc(l.result.Jobs, func(j jobResult) bool { return j.RunID == v.RunID })
		if !mine || tagOf(v, tagAudit) != "blocked" {
			continue
		}
		l.result.Audit, l.result.AuditChecks = "blocked", strings.Split(tagOf(v, tagAuditChecks), ",")
		l.warnAudit(fmt.Sprintf("the audit blocks this data (%s): do not trust these models; their versions carry the tag audit=blocked. Run \"drivecast audit %s\" for the reasons and the repairs",
			tagOf(v, tagAuditChecks), l.data.Path))
		return
	}
}
