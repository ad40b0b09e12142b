package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/dataver"
	"github.com/drivecast/drivecast/internal/progress"
)

// liveBars shows progress of work in several steps.
type liveBars struct {
	reporter *progress.Reporter
	mu       sync.Mutex
	label    string
	bar      *progress.Bar
}

func (l *liveBars) set(label string, done, total int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if label != l.label {
		l.label, l.bar = label, l.reporter.Start(label, "files", total)
	}
	l.bar.Set(done, total)
	if done == total {
		l.bar.Done()
	}
}

func (a *app) dataDiff() *cobra.Command {
	v, o := &versions{a: a}, dataver.ProfileOptions{}
	c := &cobra.Command{
		Use: "diff A B [PATH]", Short: "What changed between two versions: files, rows, drives, schema, label rate",
		Long: `diff compares two versions of data: which files, how many rows and drives, which
columns and of what kind, and the share of labels that are positive.

A and B are files or folders; or, with PATH, Git revisions that record it ("." is the
workspace); or REVISION:PATH each.`,
		Example: `  drivecast data diff v1 v2 drives
  drivecast data diff HEAD:drives.csv drives.csv
  drivecast data diff old.csv new.csv --label failure`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 && len(args) != 3 {
				return errs.New(errs.Usage, "%s wants A B [PATH]; see %s --help", c.CommandPath(), c.CommandPath())
			}
			return v.diff(c.Context(), args, o)
		},
	}
	v.out.addTo(c)
	c.Flags().StringVar(&o.Drive, "drive", "", "column that names the drive (default: serial_number and the like)")
	c.Flags().StringVar(&o.Label, "label", "", "column of labels (default: failure and the like)")
	return c
}

func (v *versions) diff(ctx context.Context, args []string, o dataver.ProfileOptions) error {
	var repo *dataver.Repo
	var sides [2]*dataver.Version
	var folders []func()
	defer func() {
		for _, remove := range folders {
			remove()
		}
	}()
	for i := range sides {
		revision, path := "", args[i]
		if len(args) == 3 {
			revision, path = args[i], args[2]
			if revision == "." {
				revision = ""
			}
		} else if _, err := os.Stat(path); err != nil {
			rev, p, ok := strings.Cut(path, ":")
			if !ok {
				return errs.New(errs.NotFound, "%s is no file or folder; a version of the past is written REVISION:PATH", path)
			}
			revision, path = rev, p
		}
		if repo == nil {
			r, err := v.open(".")
			if err != nil && (revision != "" || !errs.Is(err, errs.NotFound)) {
				return err
			}
			repo = r
		}
		var err error
		switch {
		case revision != "":
			dir, remove, e := temporary(repo)
			if e != nil {
				return e
			}
			folders = append(folders, remove)
			sides[i], err = repo.At(ctx, revision, path, dir)
		default:
			sides[i], err = dataver.OnDisk(ctx, path)
		}
		if err != nil {
			return err
		}
	}
	d, err := dataver.Diff(ctx, sides[0], sides[1], o)
	if err != nil {
		return err
	}
	if v.out == "json" {
		return v.a.printJSON(d)
	}
	return v.printDiff(sides, d)
}

func (v *versions) printDiff(sides [2]*dataver.Version, d *dataver.Difference) error {
	w := tabwriter.NewWriter(v.a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\t%s\tchange\n", sides[0].Label, sides[1].Label)
	count := func(what string, a, b int64) { fmt.Fprintf(w, "%s\t%d\t%d\t%+d\n", what, a, b, b-a) }
	fmt.Fprintf(w, "md5\t%s\t%s\t\n", sides[0].OID, sides[1].OID)
	count("files", int64(d.A.Files), int64(d.B.Files))
	count("rows", d.A.Rows, d.B.Rows)
	count("drives", int64(d.A.Drives), int64(d.B.Drives))
	count("columns", int64(len(d.A.Columns)), int64(len(d.B.Columns)))
	rate := func(x float64) string {
		if math.IsNaN(x) {
			return "no labels"
		}
		return fmt.Sprintf("%.4g%%", 100*x)
	}
	fmt.Fprintf(w, "label rate\t%s\t%s\t\n", rate(d.A.LabelRate()), rate(d.B.LabelRate()))
	if err := w.Flush(); err != nil {
		return err
	}
	names := func(what string, list []string) {
		for i, n := range list {
			if i == 20 {
				fmt.Fprintf(v.a.stdout, "%s: and %d more\n", what, len(list)-i)
				return
			}
			fmt.Fprintf(v.a.stdout, "%s: %s\n", what, n)
		}
	}
	names("file added", d.Added)
	names("file removed", d.Removed)
	names("file modified", d.Modified)
	columns := func(what string, list []dataver.Column) {
		for _, c := range list {
			fmt.Fprintf(v.a.stdout, "%s: %s (%s)\n", what, c.Name, c.Kind)
		}
	}
	columns("column added", d.AddedColumns)
	columns("column removed", d.RemovedColumns)
	columns("column changed", d.ChangedColumns)
	if d.AppearedDrives+d.DisappearedDrives > 0 {
		fmt.Fprintf(v.a.stdout, "drives: %d appeared, %d disappeared\n", d.AppearedDrives, d.DisappearedDrives)
	}
	return nil
}
