package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/internal/tune"
)

// tuneReport is what `drivecast tune` prints: the study, and the model that was
// trained with its best setting.
type tuneReport struct {
	*train.Result
	result  *tune.Result
	metric  string
	cv      string
	options *tuneOptions
	Run     string
	Version string
}

// trialView is a trial as it is printed.
type trialView struct {
	Trial  int               `json:"trial"`
	State  tune.State        `json:"state"`
	Share  float64           `json:"share"`
	Params map[string]string `json:"params"`
	Mean   *float64          `json:"mean"` // nil when the trial failed
	Std    *float64          `json:"std"`
	Folds  []float64         `json:"folds"`
	Error  string            `json:"error,omitempty"`
}

func viewOf(o tune.Outcome) trialView {
	v := trialView{Trial: o.Trial, State: o.State, Share: o.Share, Params: o.Params, Folds: o.Values, Error: o.Error}
	if o.State != tune.Failed {
		std := o.Std()
		v.Mean, v.Std = &o.Value, &std
	}
	return v
}

func (r *tuneReport) best() tune.Outcome { return r.result.Jobs[r.result.Best] }

func (r *tuneReport) count(s tune.State) (n int) {
	for _, o := range r.result.Jobs {
		if o.State == s {
			n++
		}
	}
	return n
}

// top are the best outcomes of those with the effort of the best one, each setting
// once.
func (r *tuneReport) top(n int) []tune.Outcome {
	goal := r.result.Settings.Goal
	out := slices.DeleteFunc(slices.Clone(r.result.Jobs), func(o tune.Outcome) bool {
		return o.State != tune.Complete || o.Share < r.best().Share
	})
	slices.SortStableFunc(out, func(a, b tune.Outcome) int {
		switch {
		case goal.Better(a.Value, b.Value):
			return -1
		case goal.Better(b.Value, a.Value):
			return 1
		}
		return 0
	})
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(o tune.Outcome) bool {
		text := settingText(o.Params)
		twice := seen[text]
		seen[text] = true
		return twice
	})
	return out[:min(n, len(out))]
}

func (a *app) printTuned(r *tuneReport, form output) error {
	if form == "json" {
		return a.printTunedJSON(r)
	}
	best, s := r.best(), r.result.Settings
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "learner\t%s\n", r.Learner)
	fmt.Fprintf(w, "data\t%s: %d rows, %d features, sha256 %.12s\n", r.Data.Path, r.Data.Rows, len(r.Data.Features), r.Data.Hash)
	fmt.Fprintf(w, "study\t%d trials by %s, %s on %s; %d stopped early, %d failed, %d taken from the study file\n",
		r.result.Trials, methodName(s), r.metric, r.cv, r.count(tune.Pruned), r.count(tune.Failed), r.result.Resumed)
	for i, o := range r.top(5) {
		name := ""
		if i == 0 {
			name = "best"
		}
		fmt.Fprintf(w, "%s\ttrial %d: %s %.4f ± %.4f with %s\n", name, o.Trial, r.metric, o.Value, o.Std(), settingText(o.Params))
	}
	if best.Share < 1 {
		fmt.Fprintf(w, "\tno trial went to the full effort: the best had %.3g of it; take more trials or another --min-share\n", best.Share)
	}
	fmt.Fprintf(w, "split\t%s: %d rows to train, %d held out %s\n", r.Split.Kind, r.Split.Train, r.Split.Test, r.Split.Detail)
	for _, m := range r.Metrics {
		fmt.Fprintf(w, "%s\t%.4f\n", m.Name, m.Value)
	}
	for _, line := range [][2]string{{"model", r.options.out}, {"run", r.Run}, {"version", r.Version}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	return w.Flush()
}

func (a *app) printTunedJSON(r *tuneReport) error {
	metrics := map[string]float64{}
	for _, m := range r.Metrics {
		metrics[m.Name] = m.Value
	}
	trials := make([]trialView, len(r.result.Jobs))
	for i, o := range r.result.Jobs {
		trials[i] = viewOf(o)
	}
	s := r.result.Settings
	return a.printJSON(map[string]any{
		"learner": r.Learner, "method": methodName(s), "metric": r.metric, "goal": s.Goal, "cv": r.cv, "folds": s.Steps, "seed": s.Seed,
		"trials": trials, "pruned": r.count(tune.Pruned), "failed": r.count(tune.Failed), "resumed": r.result.Resumed,
		"best": viewOf(r.best()), "params": r.Settings, "metrics": metrics, "split": r.Split, "data": r.Data, "left_out": r.LeftOut,
		"study": r.options.journal, "out": r.options.out, "run_id": r.Run, "version": r.Version,
	})
}

func methodName(s tune.Settings) string {
	if s.Halving.Kind != "" {
		return s.Method + " with " + s.Halving.Kind
	}
	return s.Method
}

// settingText writes a setting as --param takes it.
func settingText(params map[string]string) string {
	var parts []string
	for name, v := range params {
		parts = append(parts, name+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
