package forecast

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/errs"
)

// Band is the interval around a probability: how far, in log-odds, the share of
// drives that really fail may lie below and above it. Between two knots it is
// interpolated, outside it is that of the nearest knot.
type Band struct {
	At    []float64 // calibrated log-odds, ascending
	Below []float64 // >= 0, one a knot
	Above []float64
}

func (b *Band) check() error {
	if len(b.At) == 0 || len(b.Below) != len(b.At) || len(b.Above) != len(b.At) || !slices.IsSorted(b.At) {
		return errs.New(errs.Invalid, "the interval has knots %v with %d and %d widths", b.At, len(b.Below), len(b.Above))
	}
	for i := range b.At {
		if !finite(b.At[i], b.Below[i], b.Above[i]) || b.Below[i] < 0 || b.Above[i] < 0 {
			return errs.New(errs.Invalid, "knot %d of the interval has the widths %v and %v", i, b.Below[i], b.Above[i])
		}
	}
	return nil
}

// Around returns the bounds of the probability at calibrated log-odds z.
func (b *Band) Around(z float64) (low, high float64) {
	return expit(z - between(b.At, b.Below, z)), expit(z + between(b.At, b.Above, z))
}

func between(x, y []float64, at float64) float64 {
	i := sort.SearchFloat64s(x, at)
	switch {
	case i == 0:
		return y[0]
	case i == len(x):
		return y[i-1]
	}
	t := (at - x[i-1]) / (x[i] - x[i-1])
	return y[i-1] + float64(t*(y[i]-y[i-1]))
}

// Outcome is one judged row: a drive on a day that no member had learned from.
type Outcome struct {
	LogOdds float64 // calibrated
	Failed  bool    // within the horizon
	Drive   int     // rows of one drive are no independent evidence
	Weight  float64 // rows that it stands for
}

// Confidence is the share of groups of drives, over weeks, whose failures the
// interval is meant to hold.
const Confidence = .9

// failuresAKnot is how many failing drives a part of the band rests on at least.
const failuresAKnot = 4

// FitBand makes a band from outcomes. Rows are cut by score into groups of a few
// failing drives each; a group's rate is uncertain as a Poisson count of its
// failing drives is (Garwood, 1936), and by spread, the standard deviation of the
// logarithm of the fleet's failure rate from one horizon to the next: failures
// come in bursts. Both are added in quadrature, and the group's own rate is held
// in any case. Errors are of kind Invalid when no drive failed.
func FitBand(rows []Outcome, spread float64) (Band, error) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Outcome) int {
		switch {
		case a.LogOdds > b.LogOdds:
			return -1
		case a.LogOdds < b.LogOdds:
			return 1
		}
		return 0
	})
	var band Band
	for len(rows) > 0 {
		n := groupEnd(rows)
		g, failing := groupOf(rows[:n])
		rows = rows[n:]
		if failing == 0 {
			break
		}
		z, below, above := g.widths(failing, spread)
		if k := len(band.At) - 1; k >= 0 && z >= band.At[k] {
			continue
		}
		band.At, band.Below, band.Above = append(band.At, z), append(band.Below, below), append(band.Above, above)
	}
	if len(band.At) == 0 {
		return band, errs.New(errs.Invalid, "no drive failed among the rows that the interval should rest on")
	}
	slices.Reverse(band.At)
	slices.Reverse(band.Below)
	slices.Reverse(band.Above)
	return band, nil
}

// groupEnd returns how many of the rows, from the riskiest on, make one group: the
// last takes what would be too few for another.
func groupEnd(rows []Outcome) int {
	end, seen, left := len(rows), map[int]bool{}, map[int]bool{}
	for i, r := range rows {
		if r.Failed && !seen[r.Drive] {
			if seen[r.Drive] = true; len(seen) == failuresAKnot {
				end = i + 1
				break
			}
		}
	}
	for _, r := range rows[end:] {
		if r.Failed {
			left[r.Drive] = true
		}
	}
	if len(left) < failuresAKnot {
		return len(rows)
	}
	return end
}

// group is a part of the rows with like scores.
type group struct{ weight, expected, failed float64 }

func groupOf(rows []Outcome) (g group, failing int) {
	drives := map[int]bool{}
	for _, r := range rows {
		g.weight += r.Weight
		g.expected += float64(r.Weight * expit(r.LogOdds))
		if r.Failed {
			g.failed += r.Weight
			drives[r.Drive] = true
		}
	}
	return g, len(drives)
}

func (g group) widths(failing int, spread float64) (z, below, above float64) {
	expected, rate := g.expected/g.weight, (g.failed+.5)/(g.weight+1)
	z = logit(expected)
	low, high := countBounds(failing)
	miss := logit(rate) - z
	tail := normalQuantile((1+Confidence)/2) * spread
	below = max(math.Hypot(math.Log(float64(failing)/low), tail), -miss)
	above = max(math.Hypot(math.Log(high/float64(failing)), tail), miss)
	return z, below, above
}

// countBounds returns the bounds of the mean of a Poisson count k > 0, by Wilson
// and Hilferty's cube root (1931), which is within a hundredth of Garwood's.
func countBounds(k int) (low, high float64) {
	q := normalQuantile((1 + Confidence) / 2)
	at := func(n, q float64) float64 { return n * math.Pow(1-1/(9*n)+q/(3*math.Sqrt(n)), 3) }
	return at(float64(k), -q), at(float64(k)+1, q)
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
