package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/table"
)

func (a *app) routesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "routes",
		Short: "Judge challengers by labels that arrive later",
		Args:  cli.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.routesJudge())
	return c
}

func (a *app) routesJudge() *cobra.Command {
	var log, labels, key, label string
	var opt route.JudgeOptions
	var out output
	c := &cobra.Command{
		Use:   "judge --log PATH --labels FILE",
		Short: "Test whether a challenger is better than the champion",
		Long: `Join an inference log with labels and test whether champion or challenger loses less.

FILE is CSV or Parquet with the label and correlation_id (and request_row), or the drive and its
date, or the drive alone. The p-value is always valid: look again whenever labels arrive, and
stop when you like; the chance of ever deciding without a difference is at most --alpha.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "log", "labels"); err != nil {
				return err
			}
			t, err := table.ReadFile(c.Context(), labels, table.ReadOptions{})
			if err != nil {
				return err
			}
			if label == "" {
				for _, name := range []string{"label", "failure", "failed"} {
					if t.Column(name) != nil {
						label = name
						break
					}
				}
			}
			if label == "" {
				return errs.New(errs.Usage, "%s has no column label, failure or failed; name the label with --label", labels)
			}
			known, err := route.ReadLabels(t, labels, key, label)
			if err != nil {
				return err
			}
			answers, err := route.ReadLog(c.Context(), log)
			if err != nil {
				return err
			}
			v, err := route.Judge(answers, known, opt)
			if err != nil {
				return err
			}
			return a.tellVerdict(v, out)
		},
	}
	f := c.Flags()
	f.StringVar(&log, "log", "", "inference log: the folder or file that serve --inference-log named (required)")
	f.StringVar(&labels, "labels", "", "file of labels (required)")
	f.StringVar(&key, "key", "serial_number", "column of the drive in the labels")
	f.StringVar(&label, "label", "", "column of the label (default: label, failure or failed)")
	f.StringVar(&opt.Challenger, "challenger", "", "route to judge, when there are several")
	f.Float64Var(&opt.Weight, "weight", 0, "per cent of the drives of both that the challenger answered for, as configured (default: as the log shows)")
	f.Float64Var(&opt.Alpha, "alpha", .05, "rate of wrong decisions that is allowed")
	f.StringVar(&opt.Loss, "loss", "brier", "brier: squared distance of probability and label; error: 1 for a wrong class")
	out.addTo(c)
	return c
}

func (a *app) tellVerdict(v *route.Verdict, out output) error {
	if out == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	fmt.Fprintf(a.stdout, "%s design, %s loss, %d answers, %d of them labelled\n", v.Design, v.Loss, v.Answers, v.Labelled)
	if v.Design == "split" {
		from := "configured"
		if v.WeightFromLog {
			from = "as the log shows"
		}
		fmt.Fprintf(a.stdout, "weight      %.4g %% (%s)\n", v.Weight, from)
	}
	fmt.Fprintf(a.stdout, "champion    loss %.6g over %d drives\n%-11s loss %.6g over %d drives\n", v.ChampionLoss, v.Drives[0], v.Challenger, v.ChallengerLoss, v.Drives[1])
	fmt.Fprintf(a.stdout, "p           %.4g (always valid, alpha %.4g)\n", v.P, v.Alpha)
	if v.Decision == "undecided" {
		fmt.Fprintln(a.stdout, "undecided: wait for more labels")
		return nil
	}
	fmt.Fprintf(a.stdout, "decision: %s loses less\n", v.Decision)
	return nil
}
