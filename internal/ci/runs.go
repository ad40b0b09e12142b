package ci

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Run is a finished run of an experiment.
type Run struct {
	ID, Name string
	Value    float64 // of the metric; NaN when it has none
	Start    time.Time
}

// Runs is the experiment that a candidate comes from: what else was tried.
type Runs struct {
	Experiment, Metric string
	All                []Run
}

// bestRuns is how many runs a report names.
const bestRuns = 10

// less reports whether a smaller value of the metric is the better one.
func less(metric string) bool {
	for _, name := range []string{"brier", "ece", "loss", "error", "rmse", "mae", "mse", "false"} {
		if strings.Contains(strings.ToLower(metric), name) {
			return true
		}
	}
	return false
}

// markdown shows how many runs there are, how far their metric spreads, and the best.
func (r *Runs) markdown() string {
	if r == nil {
		return ""
	}
	measured := slices.DeleteFunc(slices.Clone(r.All), func(x Run) bool { return math.IsNaN(x.Value) || math.IsInf(x.Value, 0) })
	slices.SortStableFunc(measured, func(a, b Run) int {
		if less(r.Metric) {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(b.Value, a.Value), b.Start.Compare(a.Start))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "### Runs of %s\n\n%d finished runs, %d with %s", cell(r.Experiment), len(r.All), len(measured), cell(r.Metric))
	if len(measured) == 0 {
		return b.String() + ".\n\n"
	}
	fmt.Fprintf(&b, ": best %.4f, median %.4f, worst %.4f.\n\n| run | %s | started (UTC) |\n|---|---:|---|\n",
		measured[0].Value, measured[len(measured)/2].Value, measured[len(measured)-1].Value, cell(r.Metric))
	for _, x := range measured[:min(bestRuns, len(measured))] {
		fmt.Fprintf(&b, "| %s (`%.8s`) | %.4f | %s |\n", cell(x.Name), plainHash(x.ID), x.Value, x.Start.UTC().Format("2006-01-02 15:04"))
	}
	return b.String() + "\n"
}
