package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/doctor"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	var format string
	c := &cobra.Command{
		Use:   "doctor MODEL|DEPLOYMENT.yml",
		Short: "Find why a Python deployment of a model would never answer",
		Long: `Find why a Python deployment of a model would never answer, before it is deployed.

MODEL is an MLflow folder, examined as if it were deployed without code.
DEPLOYMENT.yml is the file of an online deployment; its model, environment and code
are read where they are on this machine. Nothing is run and nothing is asked of a
cloud. "doctor azure" examines a workspace instead, and "doctor --live ENDPOINT/DEPLOYMENT"
a deployment to an online endpoint of Azure ML, by its state and its log.

Exit codes: 0 nothing stands in the way, 1 something does, 2 the command line is wrong.`,
		Example: `  drivecast doctor models/v2
  drivecast doctor deployment.yml -o json`,
		Args: cli.ExactArgs("MODEL|DEPLOYMENT.yml"),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "" && format != "json" && format != "text" {
				return errs.New(errs.Usage, "--output %s: want text or json", format)
			}
			return a.doctor(args[0], asJSON || format == "json")
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	c.Flags().StringVarP(&format, "output", "o", "", "text or json")
	return c
}

func (a *app) doctor(path string, asJSON bool) error {
	report, err := doctor.Examine(path, time.Now())
	if err != nil {
		return err
	}
	if asJSON {
		if report.Findings == nil {
			report.Findings = []doctor.Finding{}
		}
		out := json.NewEncoder(a.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(report); err != nil {
			return err
		}
	} else {
		a.printFindings(report)
	}
	if report.Failed() {
		return errs.New(errs.Invalid, "this deployment would not answer")
	}
	return nil
}

func (a *app) printFindings(report *doctor.Report) {
	for _, f := range report.Findings {
		place := f.File
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		level := "error"
		if f.Warning {
			level = "warning"
		}
		fmt.Fprintf(a.stdout, "%s: %s (%s): %s\n    %s\n    mend: %s\n", place, level, f.Cause, f.Field, f.Problem, f.Mend)
	}
	for _, u := range report.Unseen {
		fmt.Fprintf(a.stdout, "not examined, since it is not on this machine: %s\n", u)
	}
	switch {
	case len(report.Findings) == 0:
		fmt.Fprintln(a.stdout, "nothing stands in the way")
	case report.Model != "":
		fmt.Fprintf(a.stdout, "\nThe way without Python: drivecast-score serves %s as data; it starts in milliseconds and answers /, /score and /invocations.\n", report.Model)
	}
}
