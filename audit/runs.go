package audit

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/eval"
)

// run is one value of a column with the rows of each class that hold it.
type run struct {
	v float64
	n [2]int
}

// counts is a column as its distinct values in ascending order.
type counts struct {
	runs    []run
	missing [2]int
	n       [2]int // rows with a value
}

func countRuns(col []float64, y []uint8) counts {
	var c counts
	var side [2][]float64
	for i, v := range col {
		k := uint8(0)
		if y != nil {
			k = y[i]
		}
		if math.IsNaN(v) {
			c.missing[k]++
			continue
		}
		side[k] = append(side[k], v+0) // -0 becomes 0
	}
	for k := range side {
		slices.Sort(side[k])
		c.n[k] = len(side[k])
	}
	a, b := side[0], side[1]
	for len(a)+len(b) > 0 {
		var r run
		if len(b) == 0 || len(a) > 0 && a[0] <= b[0] {
			r.v = a[0]
		} else {
			r.v = b[0]
		}
		for len(a) > 0 && a[0] == r.v {
			r.n[0]++
			a = a[1:]
		}
		for len(b) > 0 && b[0] == r.v {
			r.n[1]++
			b = b[1:]
		}
		c.runs = append(c.runs, r)
	}
	return c
}

// auc is the chance that a failure has the higher value, ties counting half; NaN
// without both classes.
func (c counts) auc() float64 {
	if c.n[0] == 0 || c.n[1] == 0 {
		return math.NaN()
	}
	below, u := 0.0, 0.0
	for _, r := range c.runs {
		u += float64(r.n[1]) * (below + float64(r.n[0])/2)
		below += float64(r.n[0])
	}
	return u / (float64(c.n[0]) * float64(c.n[1]))
}

// auc95 is a lower bound of an AUC at 97.5 %, by the variance of Hanley and McNeil
// (1982).
func auc95(a float64, positives, negatives int) float64 {
	p, n := float64(positives), float64(negatives)
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	v := (a*(1-a) + (p-1)*(q1-a*a) + (n-1)*(q2-a*a)) / (p * n)
	if a == 1 {
		return eval.Wilson(min(positives, negatives), min(positives, negatives), .95).Low
	}
	return a - 1.96*math.Sqrt(max(v, 0))
}

// groupAUC is the AUC of a score that gives each row the share of failures among
// the other rows of the same value: what a model could learn from the value as a
// name. Values with fewer than least rows share one name.
func groupAUC(groups [][2]int, least int) (auc float64, covered float64) {
	var rest [2]int
	var kept [][2]int
	var n [2]int
	for _, g := range groups {
		n[0] += g[0]
		n[1] += g[1]
		if g[0]+g[1] < least {
			rest[0] += g[0]
			rest[1] += g[1]
			continue
		}
		kept = append(kept, g)
	}
	if n[0] == 0 || n[1] == 0 {
		return math.NaN(), 0
	}
	covered = 1 - float64(rest[1])/float64(n[1])
	kept = append(kept, rest)
	var c counts
	type scored struct {
		s float64
		k int
		n int
	}
	var all []scored
	for _, g := range kept {
		m := float64(g[0] + g[1] - 1)
		if m < 1 {
			continue
		}
		all = append(all, scored{float64(g[1]) / m, 0, g[0]}, scored{float64(g[1]-1) / m, 1, g[1]})
	}
	slices.SortFunc(all, func(a, b scored) int {
		switch {
		case a.s < b.s:
			return -1
		case a.s > b.s:
			return 1
		}
		return 0
	})
	for _, s := range all {
		if s.n == 0 {
			continue
		}
		if len(c.runs) == 0 || c.runs[len(c.runs)-1].v != s.s {
			c.runs = append(c.runs, run{v: s.s})
		}
		c.runs[len(c.runs)-1].n[s.k] += s.n
		c.n[s.k] += s.n
	}
	return c.auc(), covered
}

// commonest returns the value that most rows hold.
func (c counts) commonest() float64 {
	best := run{}
	for _, r := range c.runs {
		if r.n[0]+r.n[1] > best.n[0]+best.n[1] {
			best = r
		}
	}
	return best.v
}

// strata cuts the distinct values into at most five parts of equally many
// values, no fewer than twenty values in each, so that numbers of one size are
// compared with each other.
func (c counts) strata() [][]run {
	parts := min(5, len(c.runs)/20)
	var out [][]run
	for i := range parts {
		out = append(out, thin(c.runs[len(c.runs)*i/parts:len(c.runs)*(i+1)/parts]))
	}
	return out
}

// stratumValues is how many distinct values of a class are looked at in a stratum.
const stratumValues = 1000

// thin keeps an even choice of each class's values when there are too many, so
// that a property is looked up in bounded time.
func thin(part []run) []run {
	if len(part) <= 2*stratumValues {
		return part
	}
	var out []run
	var seen, have [2]int
	for _, r := range part {
		for k := range 2 {
			if r.n[k] > 0 {
				have[k]++
			}
		}
	}
	for _, r := range part {
		keep := false
		for k := range 2 {
			if r.n[k] > 0 {
				seen[k]++
				keep = keep || seen[k]*stratumValues/have[k] != (seen[k]-1)*stratumValues/have[k] || have[k] <= stratumValues
			}
		}
		if keep {
			out = append(out, r)
		}
	}
	return out
}

// contrast tells how often a property of values holds in each class, within
// strata of the values' size. Zero, and for a step the commonest value, do not
// count: they are what a counter says that has nothing to say.
type contrast struct {
	auc   float64 // chance that a row with the property is of class 1, ties half; within strata
	share [2]float64
	n     [2]int // rows that were compared: those of strata with both classes
}

func contrastOf(strata [][]run, p property, common float64) contrast {
	var out contrast
	var pairs, u float64
	var with [2]float64
	for _, part := range strata {
		var yes, all [2]float64
		for _, r := range part {
			if r.v == 0 || p.step && r.v == common {
				continue
			}
			h := p.has(r)
			for k := range 2 {
				all[k] += float64(r.n[k])
				if h {
					yes[k] += float64(r.n[k])
				}
			}
		}
		if all[0] == 0 || all[1] == 0 {
			continue
		}
		w := all[0] * all[1] / (all[0] + all[1]) // Mantel and Haenszel's weight
		pairs += w
		u += w * (.5 + (yes[1]/all[1]-yes[0]/all[0])/2)
		for k := range 2 {
			out.n[k] += int(all[k])
			with[k] += yes[k]
		}
	}
	if pairs == 0 {
		return contrast{auc: .5}
	}
	out.auc = u / pairs
	for k := range 2 {
		out.share[k] = with[k] / float64(out.n[k])
	}
	return out
}
