package forecast

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/drivecast/drivecast/feature"
)

// Because is what the features of one group add to a drive's log-odds of failure,
// against a typical drive.
type Because struct {
	Group int // position among the groups
	Adds  float64
}

const (
	exactGroups  = 8  // up to so many groups, every set of them is tried
	permutations = 16 // else so many orders of them, half of them the other half reversed
)

// Why shares the difference between the log-odds of row and those of typical among
// the groups in which they differ, by Shapley's value (Shapley, 1953; with whole
// groups as players: Owen, 1977): over all sets of up to eight groups, else over 16
// orders of them, always the same ones (Mitchell and others, Sampling permutations
// for Shapley value estimation, 2022). The shares add up to the difference. The
// largest come first. logOdds writes the log-odds of each row of x.
func Why(logOdds func(dst, x []float64), groups []feature.Group, row, typical []float64) []Because {
	var differ []int
	for g, k := range groups {
		if !slices.EqualFunc(row[k.From:k.To], typical[k.From:k.To], same) {
			differ = append(differ, g)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	w := &why{logOdds, groups, row, typical, differ}
	var adds []float64
	if len(differ) <= exactGroups {
		adds = w.everySet()
	} else {
		adds = w.orders()
	}
	out := make([]Because, len(differ))
	for i, g := range differ {
		out[i] = Because{g, adds[i]}
	}
	slices.SortStableFunc(out, func(a, b Because) int {
		switch {
		case a.Adds > b.Adds:
			return -1
		case a.Adds < b.Adds:
			return 1
		}
		return 0
	})
	return out
}

func same(a, b float64) bool { return a == b || a != a && b != b }

type why struct {
	logOdds      func(dst, x []float64)
	groups       []feature.Group
	row, typical []float64
	differ       []int
}

// take gives x the row's values of a group.
func (w *why) take(x []float64, i int) {
	k := w.groups[w.differ[i]]
	copy(x[k.From:k.To], w.row[k.From:k.To])
}

func (w *why) everySet() []float64 {
	n, d := len(w.row), len(w.differ)
	x, z := make([]float64, n<<d), make([]float64, 1<<d)
	for set := range z {
		one := x[set*n : (set+1)*n]
		copy(one, w.typical)
		for i := range d {
			if set>>i&1 != 0 {
				w.take(one, i)
			}
		}
	}
	w.logOdds(z, x)
	share := make([]float64, d) // weight of a set of so many groups that lacks one
	share[0] = 1 / float64(d)
	for i := 1; i < d; i++ {
		share[i] = share[i-1] * float64(i) / float64(d-i)
	}
	adds := make([]float64, d)
	for i := range d {
		for set := range z {
			if set>>i&1 == 0 {
				adds[i] += share[popCount(set)] * (z[set|1<<i] - z[set])
			}
		}
	}
	return adds
}

func popCount(v int) (n int) {
	for ; v != 0; v &= v - 1 {
		n++
	}
	return n
}

func (w *why) orders() []float64 {
	n, d := len(w.row), len(w.differ)
	r := rand.New(rand.NewPCG(1, uint64(d)))
	x, z := make([]float64, n*(d+1)), make([]float64, d+1)
	adds := make([]float64, d)
	var order []int
	for p := range permutations {
		if p%2 == 0 {
			order = r.Perm(d)
		} else {
			slices.Reverse(order)
		}
		copy(x, w.typical)
		for k, i := range order {
			next := x[(k+1)*n : (k+2)*n]
			copy(next, x[k*n:(k+1)*n])
			w.take(next, i)
		}
		w.logOdds(z, x)
		for k, i := range order {
			adds[i] += (z[k+1] - z[k]) / permutations
		}
	}
	return adds
}

// Typical writes the median of each column of the vectors in x, width wide, to a new
// vector. Vectors are listed in rows; missing values do not count, and a column that
// has no other is missing.
func Typical(x []float64, width int, rows []int) []float64 {
	out, seen := make([]float64, width), make([]float64, 0, len(rows))
	for j := range out {
		seen = seen[:0]
		for _, r := range rows {
			if v := x[r*width+j]; v == v {
				seen = append(seen, v)
			}
		}
		if out[j] = math.NaN(); len(seen) > 0 {
			slices.Sort(seen)
			out[j] = seen[(len(seen)-1)/2]
		}
	}
	return out
}

// LogOdds writes the calibrated log-odds of failure for each vector of x to dst.
func (m *Model) LogOdds(dst, x []float64) {
	m.Raw(dst, x)
	for i, z := range dst {
		dst[i] = m.Line.LogOdds(z)
	}
}
