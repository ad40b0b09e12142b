package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/internal/train"
)

// printForecast says what the default recipe did, why, and what one may expect.
func (a *app) printForecast(r trainReport) error {
	e := r.Evidence
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	s := e.Stats
	fmt.Fprintf(w, "data\t%s: %s to %s, %d drives, %d failures, %d drive-days with a label, %d without (window open %d, drive vanished %d)\n",
		r.Data.Path, s.FirstDay, s.LastDay, s.Drives, s.Failures, s.Rows, s.Open+s.Censored, s.Open, s.Censored)
	fmt.Fprintf(w, "question\tfails within %d days; %.3f %% of the drive-days do; %d features looking back %d days\n", e.Horizon, 100*r.Data.Prevalence, len(r.Data.Features), e.Memory)
	fmt.Fprintf(w, "judged\t%s with a gap of %d days, %d folds; sha256 of the data %.12s\n\n", e.Split, e.Horizon, len(e.Folds), r.Data.Hash)
	printContenders(w, e)
	fmt.Fprintf(w, "\nchosen\t%s: %s\n", e.Chosen, e.Why)
	fmt.Fprintf(w, "calibrated\tslope %.2f, offset %.2f: between the failures seen (%.2f) and the usual rate (%.2f); the rate moves by a factor of %.1f from one week to another\n\n",
		e.Calibration.Slope, e.Calibration.Offset, e.Calibration.ToFailures, e.Calibration.ToUsualRate, math.Exp(e.Calibration.Spread))
	printSteps(w, e)
	printBudgets(w, e)
	printRivals(w, e)
	fmt.Fprintln(w, "\nmodel of drives\tdrives\tfailing\tamong the 1 % riskiest\texpected\tobserved drive-days")
	for _, f := range e.ByFamily {
		if f.Failing > 0 {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.1f\t%.0f\n", f.Name, f.Drives, f.Failing, share(f.Detected), f.Expected, f.Observed)
		}
	}
	fmt.Fprintln(w)
	for _, line := range [][2]string{{"model", r.Out}, {"run", r.Run}, {"version", r.Version}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	return w.Flush()
}

func printContenders(w io.Writer, e *train.Evidence) {
	fmt.Fprintln(w, "learner\trow AUC\tAP\tfailing drives among 1 % a day\tscore\tsettings")
	for _, c := range e.Contenders {
		mark := ""
		if c.Name == e.Chosen {
			mark = " *"
		}
		fmt.Fprintf(w, "%s%s\t%.4f\t%.4f\t%.1f %%\t%.4f\t%s\n", short(c), mark, c.AUC, c.AP, 100*c.Detection, c.Score, c.Settings)
	}
}

// short names a mean by its number of members.
func short(c train.Contender) string {
	if len(c.Members) > 1 {
		return fmt.Sprintf("mean of %d: %s", len(c.Members), strings.Join(c.Members, " + "))
	}
	return c.Name
}

func printSteps(w io.Writer, e *train.Evidence) {
	fmt.Fprintln(w, "later days\trow AUC\tAP\tfailing drives caught\tlead (median days)\talarms per 1,000 drive-days\texpected\tobserved drive-days")
	for _, s := range e.Steps {
		fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%d of %d\t%s\t%.1f\t%.1f\t%.0f\n", s.Fold, s.AUC, s.AP, s.AtShare.Detected, s.AtShare.Failing, days(s.AtShare.Lead), s.AtShare.Per1000, s.Expected, s.Observed)
	}
	fmt.Fprintf(w, "%s, 95 %% by drawing drives\t%.4f..%.4f\t%.3f..%.3f\t%s\n", e.Main.Fold, e.AUC.Low, e.AUC.High, e.AP.Low, e.AP.High, share(e.Main.AtShare.Rate))
}

func printBudgets(w io.Writer, e *train.Evidence) {
	fmt.Fprintln(w, "\nfalse alarms affordable\talarm from\tcaught\tmissed\tcaught, 95 %\tlead (median days)\talarms per 1,000 drive-days\tfalse, per drive and year")
	for _, b := range e.Budgets {
		from := fmt.Sprintf("%.2g %%", 100*b.Threshold)
		if b.Threshold > 1 {
			from = "never"
		}
		c := b.Caught
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%.2f\t%.3f\n", b.Name, from, c.Detected, c.Failing-c.Detected, share(c.Rate), days(c.Lead), c.Per1000, c.PerYear)
	}
}

func printRivals(w io.Writer, e *train.Evidence) {
	fmt.Fprintln(w, "\non the same days\trow AUC\tAP\tcaught among 1 % a day\tat its own threshold")
	s := e.Main
	fmt.Fprintf(w, "this model\t%.4f\t%.4f\t%d of %d\t%d of %d, %.2f false per drive and year\n", s.AUC, s.AP, s.AtShare.Detected, s.AtShare.Failing,
		e.Budgets[0].Caught.Detected, e.Budgets[0].Caught.Failing, e.Budgets[0].Caught.PerYear)
	for _, r := range append([]train.Rival{e.Rule}, e.Previous...) {
		fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%d of %d\t%d of %d, %.2f false per drive and year\n", r.Name, r.AUC, r.AP, r.AtShare.Detected, r.AtShare.Failing,
			r.Whole.Detected, r.Whole.Failing, r.Whole.PerYear)
	}
}

func share(i eval.Interval) string {
	if math.IsNaN(i.Value) {
		return "-"
	}
	return fmt.Sprintf("%.0f %% (%.0f..%.0f)", 100*i.Value, 100*i.Low, 100*i.High)
}

func days(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%g", v)
}
