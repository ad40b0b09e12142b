package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/audit"
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/ci"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

func (a *app) ciCommand() *cobra.Command {
	c := &cobra.Command{Use: "ci", Short: "Judge a model in continuous integration, and report on it",
		Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.ciGateCommand(), a.ciReportCommand(), a.ciLintCommand())
	return c
}

// gateOptions are the flags of `drivecast ci gate`.
type gateOptions struct {
	rules, candidate, champion, data, out, tracking string
	columns                                         audit.Options
	json                                            bool
}

func (a *app) ciGateCommand() *cobra.Command {
	var o gateOptions
	c := &cobra.Command{Use: "gate -m MODEL --data HELDOUT.csv [--champion MODEL]",
		Short: "Decide by stated rules whether a model may be deployed",
		Long: `Decide by stated rules whether a model may be deployed.

Candidate and champion are measured on the same labelled rows, which neither should
have learned from; rows of one drive count as one piece of evidence. The rules stand
under "gate" in drivecast.yaml; docs/delivery.md describes each. MODEL is a folder, a
file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model.

Exit codes: 0 every rule holds, 1 one fails or the data cannot be judged, 2 the command
line is wrong.`,
		Example: `  drivecast ci gate -m models/new --champion models:/hdd@champion --data heldout.csv --out gate.json`,
		Args:    cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model", "data"); err != nil {
				return err
			}
			return a.ciGate(c.Context(), &o)
		}}
	f := c.Flags()
	f.StringVarP(&o.rules, "file", "f", ci.RulesFile, "rules")
	f.StringVarP(&o.candidate, "model", "m", "", "the candidate (required)")
	f.StringVar(&o.champion, "champion", "", "the model it must not be worse than; without one that rule is skipped")
	f.StringVar(&o.data, "data", "", "labelled rows: CSV file, plain, gzip or zip, or Parquet file (required)")
	f.StringVar(&o.columns.Target, "target", "", "target column (default: found by its name, such as failure)")
	f.StringVar(&o.columns.Group, "group", "", "column that names the drive (default: found by its name, such as serial_number)")
	f.StringVar(&o.out, "out", "", "file to write the decision to as JSON, which \"drivecast ci report\" reads")
	f.BoolVar(&o.json, "json", false, "print the decision as JSON")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	return c
}

func (a *app) ciGate(ctx context.Context, o *gateOptions) error {
	rules, err := ci.ReadRules(o.rules)
	if err != nil {
		return err
	}
	c := &ci.Case{CandidateName: o.candidate, ChampionName: o.champion, Data: o.data, Columns: o.columns, Now: a.now}
	err = a.env().Local(ctx, o.candidate, o.tracking, func(path string) (err error) {
		if c.Candidate, err = model.Open(ctx, path); err != nil {
			return err
		}
		c.Candidate.Source = o.candidate
		c.CandidateHash, err = ci.HashModel(path)
		return err
	})
	if err != nil {
		return err
	}
	if o.champion != "" {
		if c.Champion, err = a.env().Open(ctx, o.champion, o.tracking); err != nil {
			return err
		}
	}
	d, err := ci.Judge(ctx, c, rules)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeDecision(o.out, d); err != nil {
			return err
		}
	}
	if o.json {
		err = a.printJSON(d)
	} else {
		err = printDecision(a.stdout, d)
	}
	if err == nil && d.Verdict != ci.Passed {
		err = errs.New(errs.State, "%s is refused: %s", d.Candidate, d.Reason)
	}
	return err
}

func writeDecision(path string, d *ci.Decision) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return errs.Wrap(table.WriteFile(path, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(append(text, '\n')))
		return err
	}), "write the decision")
}

func printDecision(out io.Writer, d *ci.Decision) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tVALUE\tBOUND\tVERDICT\tREASON")
	for _, o := range d.Rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.Rule, o.Value, o.Bound, o.Verdict, o.Reason)
	}
	return w.Flush()
}
