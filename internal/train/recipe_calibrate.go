package train

import (
	"context"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/forecast"
)

// priorFailures is how many failing drives' worth of belief there is that the mean
// of the members needs no other slope than 1.
const priorFailures = 20

// calmestSpread is the least standard deviation that the logarithm of the failure
// rate is taken to have from one horizon to the next: half as much again.
const calmestSpread = .405

// calibrate draws the line from the members' mean to a probability, on days after
// those that they had learned from, and the band around it.
//
// The slope is Platt's, drawn to 1. The offset answers two questions at once: how
// many failures were there, and how many would there have been at the rate of the
// days that were learned from. A burst in the judged days moves the first and
// should not be carried on; a learner that is too sure of itself moves both. The
// mean of the two is taken.
func (w *recipe) calibrate(f *forecast.Model, h *heldOut, z []float64) error {
	truth, weight := make([]int, len(z)), make([]float64, len(z))
	failures, usual := 0.0, 0.0
	for i, r := range h.rows {
		truth[i], weight[i] = int(w.set.Y[r]), w.weight[r]
		failures += weight[i] * w.set.Y[r]
		usual += weight[i] * h.base[h.fold[i]]
	}
	platt, err := eval.FitSigmoid(truth, z, weight)
	if err != nil {
		return errs.Wrap(err, "calibrate")
	}
	k := float64(w.failing(h.rows))
	slope := (k*min(max(-platt.A, .25), 4) + priorFailures) / (k + priorFailures)
	seen, expected := offsetFor(z, weight, slope, failures), offsetFor(z, weight, slope, usual)
	f.Line = forecast.Line{Slope: slope, Offset: (seen + expected) / 2}
	w.evidence.Calibration = Calibration{Slope: slope, Offset: f.Line.Offset, ToFailures: seen, ToUsualRate: expected, Spread: w.spread(),
		Rate: w.prevalence(nil)}
	f.Band, err = forecast.FitBand(w.outcomes(h, f.Line, z), w.evidence.Calibration.Spread)
	return err
}

// offsetFor finds the offset at which the probabilities add up to sum.
func offsetFor(z, weight []float64, slope, sum float64) float64 {
	low, high := -40., 40.
	for range 60 {
		mid, got := (low+high)/2, 0.0
		for i, v := range z {
			got += weight[i] * forecast.Line{Slope: slope, Offset: mid}.At(v)
		}
		if got < sum {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// spread estimates the standard deviation of the logarithm of the failure rate
// between stretches of one horizon, less what chance alone makes of such counts.
func (w *recipe) spread() float64 {
	first := slices.Min(w.set.Day)
	failed := map[int32]int{}
	for i, lead := range w.set.Lead {
		if lead >= 0 && w.set.Y[i] == 1 {
			failed[w.drive[i]] = int(w.set.Day[i]-first) + int(lead)
		}
	}
	blocks := make([]float64, int(w.set.Stats.LastDay-first+1)/w.spec.Horizon)
	for _, day := range failed {
		if b := day / w.spec.Horizon; b < len(blocks) {
			blocks[b]++
		}
	}
	if len(blocks) < 2 {
		return calmestSpread
	}
	mean, squares, chance := 0.0, 0.0, 0.0
	for _, n := range blocks {
		mean += math.Log(n+.5) / float64(len(blocks))
	}
	for _, n := range blocks {
		d := math.Log(n+.5) - mean
		squares += d * d / float64(len(blocks)-1)
		chance += 1 / (n + .5) / float64(len(blocks))
	}
	return max(calmestSpread, math.Sqrt(max(0, squares-chance)))
}

// judge writes down what the calibrated forecast would have done on the days
// after, and sets its levels of risk.
func (w *recipe) judge(ctx context.Context, f *forecast.Model, h *heldOut, z []float64) error {
	p := make([]float64, len(z))
	for i, v := range z {
		p[i] = f.Line.At(v)
	}
	e := w.evidence
	if err := w.setLevels(f, h, p); err != nil {
		return err
	}
	for k := range h.folds {
		v := w.watch(h, k, p)
		s, err := w.step(v, h.folds[k].text, f)
		if err != nil {
			return err
		}
		e.Steps = append(e.Steps, s)
	}
	e.ByFamily = w.byFamily(h, p, f)
	main := w.watch(h, w.main(), p)
	var err error
	if e.Main, err = w.step(main, mainText[e.Split], f); err != nil {
		return err
	}
	if e.AUC, e.AP, err = w.rowIntervals(ctx, main); err != nil {
		return err
	}
	if e.Budgets, err = w.budgets(main, f); err != nil {
		return err
	}
	return w.rivals(h)
}

// mainText says what Evidence.Main is judged on.
var mainText = map[string]string{walkForward: "the first of these", byDrive: "all drives together"}

// rowIntervals bounds row AUC and average precision by drawing whole drives.
func (w *recipe) rowIntervals(ctx context.Context, v *eval.Watch) (auc, ap eval.Interval, err error) {
	group := make([]int, len(v.Drive))
	for i, d := range v.Drive {
		group[i] = int(d)
	}
	b := eval.Bootstrap{Group: group, Samples: 200, Seed: uint64(w.spec.Seed), Workers: w.spec.Workers}
	of := func(rows []int, ask func(*eval.Ranking) float64) float64 {
		truth, score, weight := make([]int, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
		for i, r := range rows {
			truth[i], score[i], weight[i] = v.Truth[r], v.Score[r], v.Weight[r]
		}
		rank, err := eval.Rank(truth, score, weight)
		if err != nil {
			return math.NaN()
		}
		return ask(rank)
	}
	if auc, err = b.Interval(ctx, len(group), func(rows []int) float64 { return of(rows, (*eval.Ranking).AUC) }); err != nil {
		return auc, ap, err
	}
	ap, err = b.Interval(ctx, len(group), func(rows []int) float64 { return of(rows, (*eval.Ranking).AveragePrecision) })
	return auc, ap, err
}
