package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/simulate"
)

func (a *app) simulateCommand() *cobra.Command {
	o := simulate.Defaults
	start := o.Start.Format(time.DateOnly)
	var dir string
	var out output
	c := &cobra.Command{
		Use:   "simulate --out DIR",
		Short: "Make up a fleet of drives and write its daily statistics",
		Long: `Make up a fleet of drives and write its days as Backblaze Drive Stats files.

Drives of several models age, wear, fail with and without warning, leave without
failing, and new ones arrive. What an oracle that knows the hazard would reach is
printed: no model can be expected to do better. The same seed gives the same files.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "out"); err != nil {
				return err
			}
			var err error
			if o.Start, err = time.Parse(time.DateOnly, start); err != nil {
				return errs.New(errs.Usage, "--start %q is no date like 2025-01-31", start)
			}
			if o.Drives < 1 || o.Days < 1 || o.Horizon < 1 {
				return errs.New(errs.Usage, "--drives, --days and --horizon must be at least 1")
			}
			bars := &steps{reporter: a.progress()}
			o.Progress = func(day, days int) { bars.set("simulate", "days", int64(day), int64(days)) }
			r, err := simulate.Write(c.Context(), dir, o)
			bars.done()
			if err != nil {
				return err
			}
			if out == "json" {
				return a.printJSON(map[string]any{"out": dir, "report": r})
			}
			fmt.Fprintf(a.stdout, "%s: %d drives, %d drive-days, %d failures (%d without warning), %d left\n",
				dir, r.Drives, r.Rows, r.Failures, r.Unwarned, r.Left)
			fmt.Fprintf(a.stdout, "an oracle that knows the hazard reaches a row AUC of %.3f for failure within %d days\n", r.OracleAUC, r.Options.Horizon)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "out", "", "new folder to write to (required)")
	f.IntVar(&o.Drives, "drives", o.Drives, "drives on the first day")
	f.IntVar(&o.Days, "days", o.Days, "days, one file each")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "which fleet")
	f.StringVar(&start, "start", start, "first day")
	f.IntVar(&o.Horizon, "horizon", o.Horizon, "days ahead that the oracle is asked about")
	out.addTo(c)
	return c
}
