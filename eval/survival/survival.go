// Package survival judges and fits how long drives last when most are still
// running: Kaplan–Meier and Nelson–Aalen curves, Cox's and Weibull's models, the
// concordance index and the Brier score.
//
// A drive is observed from Entry (0, or the age at which it came under watch: left
// truncation) to Time, when it failed or was last seen (right censoring). It is at
// risk in (Entry, Time]. At equal times, failures come before censorings.
package survival

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Data holds one observation a row.
type Data struct {
	Time   []float64 // end of observation, finite
	Failed []bool    // whether it ended in failure
	Entry  []float64 // start of observation, below Time; nil: all are watched from the beginning
	Weight []float64 // finite, 0 or more; nil: 1
}

// Check reports the first fault of d, of kind Invalid, naming the row from 0.
func (d *Data) Check() error {
	n := len(d.Time)
	switch {
	case n == 0:
		return errs.New(errs.Invalid, "there are no rows of survival times")
	case len(d.Failed) != n || d.Entry != nil && len(d.Entry) != n || d.Weight != nil && len(d.Weight) != n:
		return errs.New(errs.Invalid, "%d times, %d failure marks, %d entries, %d weights: lengths differ", n, len(d.Failed), len(d.Entry), len(d.Weight))
	}
	for i, t := range d.Time {
		if t-t != 0 {
			return errs.New(errs.Invalid, "row %d: the time is %v", i, t)
		}
		if d.Entry != nil && !(d.Entry[i] < t && d.Entry[i] > math.Inf(-1)) {
			return errs.New(errs.Invalid, "row %d: it enters at %v and ends at %v; entry must come first", i, d.Entry[i], t)
		}
		if w := d.weight(i); !(w >= 0) || math.IsInf(w, 1) {
			return errs.New(errs.Invalid, "row %d: the weight is %v", i, w)
		}
	}
	return nil
}

func (d *Data) weight(i int) float64 {
	if d.Weight == nil {
		return 1
	}
	return d.Weight[i]
}

// byTime returns the rows by ascending time.
func (d *Data) byTime() []int { return order(d.Time) }

// byEntry returns the rows by ascending entry, nil when all enter at the
// beginning.
func (d *Data) byEntry() []int {
	if d.Entry == nil {
		return nil
	}
	return order(d.Entry)
}

func order(key []float64) []int {
	out := make([]int, len(key))
	for i := range out {
		out[i] = i
	}
	slices.SortFunc(out, func(a, b int) int {
		switch {
		case key[a] < key[b]:
			return -1
		case key[a] > key[b]:
			return 1
		}
		return a - b
	})
	return out
}

// moment is one distinct time.
type moment struct {
	time     float64
	risk     float64 // weight at risk just before
	failed   float64 // weight of failures
	censored float64 // weight of censorings
	rows     []int   // rows that end here
}

// moments lists the distinct times at which rows end.
func (d *Data) moments() []moment {
	ends, enters := d.byTime(), d.byEntry()
	risk, entered := 0.0, 0
	if enters == nil {
		for i := range d.Time {
			risk += d.weight(i)
		}
	}
	var out []moment
	for lo := 0; lo < len(ends); {
		t, hi := d.Time[ends[lo]], lo
		for entered < len(enters) && d.Entry[enters[entered]] < t {
			risk += d.weight(enters[entered])
			entered++
		}
		m := moment{time: t, risk: risk}
		for hi < len(ends) && d.Time[ends[hi]] == t {
			i := ends[hi]
			if d.Failed[i] {
				m.failed += d.weight(i)
			} else {
				m.censored += d.weight(i)
			}
			risk -= d.weight(i)
			hi++
		}
		m.rows = ends[lo:hi]
		out = append(out, m)
		lo = hi
	}
	return out
}
