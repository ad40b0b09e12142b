package survival

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Brier returns the Brier score at time t of the survival chances given for that
// time, weighted against censoring (Graf and others, 1999): the mean squared
// distance between chance and fate, rows censored before t standing in by the
// others' weights. Chances of censoring come from train. When all are censored
// before a time that is needed, the error is of kind Invalid.
func Brier(train, d *Data, survival []float64, t float64) (float64, error) {
	if err := train.Check(); err != nil {
		return 0, err
	}
	if err := checkRisk(d, survival); err != nil {
		return 0, err
	}
	return brier(censoring(train), d, survival, t)
}

func brier(g *Curve, d *Data, survival []float64, t float64) (float64, error) {
	sum := 0.0
	for i, end := range d.Time {
		s := survival[i]
		var part, p float64
		switch {
		case end <= t && d.Failed[i]:
			part, p = s*s, g.At(end)
		case end > t:
			part, p = (1-s)*(1-s), g.At(t)
		default:
			continue
		}
		if !(p > 0) {
			return 0, errs.New(errs.Invalid, "row %d: nothing is observed past %v; choose an earlier time", i, min(end, t))
		}
		sum += part / p
	}
	return sum / float64(len(d.Time)), nil
}

// IntegratedBrier returns the mean of the Brier score over the times, which
// ascend, by the trapezoid rule. survival[i][k] is row i's chance to be running
// at times[k].
func IntegratedBrier(train, d *Data, survival [][]float64, times []float64) (float64, error) {
	if err := train.Check(); err != nil {
		return 0, err
	}
	if len(times) < 2 || len(survival) != len(d.Time) {
		return 0, errs.New(errs.Invalid, "%d times and %d rows of chances for %d rows: at least 2 times are needed", len(times), len(survival), len(d.Time))
	}
	g := censoring(train)
	area, last := 0.0, math.NaN()
	column := make([]float64, len(survival))
	for k, t := range times {
		for i, row := range survival {
			if len(row) != len(times) {
				return 0, errs.New(errs.Invalid, "row %d has %d chances for %d times", i, len(row), len(times))
			}
			column[i] = row[k]
		}
		if err := checkRisk(d, column); err != nil {
			return 0, err
		}
		b, err := brier(g, d, column, t)
		if err != nil {
			return 0, err
		}
		if k > 0 {
			if !(t > times[k-1]) {
				return 0, errs.New(errs.Invalid, "times must ascend: %v follows %v", t, times[k-1])
			}
			area += (b + last) / 2 * (t - times[k-1])
		}
		last = b
	}
	return area / (times[len(times)-1] - times[0]), nil
}
