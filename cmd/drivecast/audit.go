package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/audit"
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/table"
)

// auditOptions are the flags of `drivecast audit`.
type auditOptions struct {
	columns  audit.Options
	fixes    []string
	fixedOut string
	seed     uint32
	output   output
}

func (a *app) auditCommand() *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use:   "audit DATA",
		Short: "Find what makes a model's figures on this data untrue",
		Long: `Find what makes a model's figures on this data untrue: leaks, copies, artefacts.

DATA is a CSV file (plain, gzip or zip) or a folder of daily statistics. Each
finding has a verdict (block, warn, note), the rows that show it, what it means and
how to mend it. --fix repairs a copy of the data and shows the metrics of both
learners of "train --iteration" before and after, cross-validated five times in
five folds grouped by drive. docs/audit.md describes every check.

Exit codes: 0 nothing blocks, 1 blocked, 2 the command line is wrong. With --fix
the repaired data decides.`,
		Example: `  drivecast audit drives.csv --target failure
  drivecast audit drives.csv --fix capacity=nominal --fix lifetime=days --fixed-out mended.csv`,
		Args: cli.ExactArgs("DATA"),
		RunE: func(c *cobra.Command, args []string) error { return a.audit(c.Context(), args[0], &o) },
	}
	f := c.Flags()
	f.StringVar(&o.columns.Target, "target", "", "target column of two values (default: found by its name, such as failure)")
	f.StringVar(&o.columns.Group, "group", "", "column that names the drive (default: found by its name, such as serial_number)")
	f.StringVar(&o.columns.Time, "time", "", "column with the day of the row (default: found by its name, such as date)")
	f.StringArrayVar(&o.fixes, "fix", nil, "repair COLUMN=HOW, such as capacity=nominal, lifetime=days, COLUMN=drop, rows=distinct; may be given many times")
	f.StringVar(&o.fixedOut, "fixed-out", "", "CSV file to write the repaired data to")
	f.Uint32Var(&o.seed, "seed", 42, "random state of folds and learners")
	o.output.addTo(c)
	return c
}

// auditReport is what `drivecast audit` prints.
type auditReport struct {
	*audit.Report
	Fixes  []audit.Repaired `json:"fixes,omitempty"`
	Before []audit.Figures  `json:"before,omitempty"`
	After  []audit.Figures  `json:"after,omitempty"`
	Mended *audit.Report    `json:"mended,omitempty"`
}

func (a *app) audit(ctx context.Context, path string, o *auditOptions) error {
	var fixes []audit.Fix
	for _, s := range o.fixes {
		f, err := audit.ParseFix(s)
		if err != nil {
			return err
		}
		fixes = append(fixes, f)
	}
	if o.fixedOut != "" && len(fixes) == 0 {
		return errs.New(errs.Usage, "--fixed-out needs --fix")
	}
	source, err := audit.Load(ctx, path)
	if err != nil {
		return err
	}
	r := auditReport{}
	if r.Report, err = audit.Table(ctx, source, o.columns); err != nil {
		return err
	}
	last := r.Report
	if len(fixes) > 0 {
		if err := a.repair(ctx, source, fixes, o, &r); err != nil {
			return err
		}
		last = r.Mended
	}
	if o.output == "json" {
		err = a.printJSON(r)
	} else {
		printAudit(a.stdout, r)
	}
	if err == nil && last.Blocked() {
		err = errs.New(errs.Invalid, "%s is blocked by %s", path, strings.Join(last.Blocking(), ", "))
	}
	return err
}

func (a *app) repair(ctx context.Context, source *audit.Source, fixes []audit.Fix, o *auditOptions, r *auditReport) error {
	mended, done, err := audit.Repair(source, fixes, o.columns)
	if err != nil {
		return err
	}
	r.Fixes = done
	if r.Mended, err = audit.Table(ctx, mended, o.columns); err != nil {
		return err
	}
	if o.fixedOut != "" {
		if err := table.WriteCSV(o.fixedOut, mended.Table); err != nil {
			return errs.Wrap(err, "write the repaired data")
		}
	}
	bars := &steps{reporter: a.progress()}
	defer bars.done()
	for _, side := range []struct {
		name string
		of   *audit.Source
		to   *[]audit.Figures
	}{{"judge the data as it is", source, &r.Before}, {"judge the repaired data", mended, &r.After}} {
		*side.to, err = audit.Judge(ctx, side.of, o.columns, o.seed, func(done, total int) { bars.set(side.name, "fits", int64(done), int64(total)) })
		if err != nil {
			return err
		}
	}
	return nil
}

func printAudit(w io.Writer, r auditReport) {
	fmt.Fprintf(w, "%s: %s\n", r.Data, strings.ToUpper(r.Verdict))
	fmt.Fprintf(w, "%d rows, %d columns, target %s (%d failures)", r.Rows, r.Columns, r.Target, r.Failures)
	if r.Group != "" {
		fmt.Fprintf(w, ", %d drives by %s", r.Drives, r.Group)
	}
	fmt.Fprintln(w)
	printFindings(w, r.Report)
	for _, f := range r.Fixes {
		fmt.Fprintf(w, "\nfix %s=%s: %s\n", f.Column, f.How, f.Says)
	}
	if r.Mended == nil {
		return
	}
	fmt.Fprintf(w, "\n%-24s %18s %18s\n", "5 × 5 folds by drive", "accuracy", "AUC")
	for i, b := range r.Before {
		fmt.Fprintf(w, "%-24s %8.4f → %.4f %8.4f → %.4f\n", b.Learner, b.Accuracy, r.After[i].Accuracy, b.AUC, r.After[i].AUC)
	}
	fmt.Fprintf(w, "\nafter the repair: %s\n", strings.ToUpper(r.Mended.Verdict))
	for _, f := range r.Mended.Findings {
		if f.Severity == audit.Block {
			fmt.Fprintf(w, "  still %s %s: %s\n", f.Check, f.Column, f.Says)
		}
	}
}

func printFindings(w io.Writer, r *audit.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "\n%s  %s  %s\n  %s\n", strings.ToUpper(f.Severity.String()), f.Check, f.Column, f.Says)
		fmt.Fprintf(w, "  means: %s\n  mend:  %s\n", f.Means, f.Mend)
		for _, e := range f.Evidence {
			fmt.Fprintf(w, "    %s  %s\n", e.Where, e.Values)
		}
	}
	passed := slices.DeleteFunc(slices.Clone(r.Passed), func(check string) bool {
		return slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return string(f.Check) == check })
	})
	fmt.Fprintf(w, "\nnothing found by: %s\n", strings.Join(passed, ", "))
	if len(r.Skipped) > 0 {
		fmt.Fprintf(w, "no ground for: %s\n", strings.Join(r.Skipped, ", "))
	}
}
