package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Change is one column's part of a counterfactual.
type Change struct {
	Column   int
	From, To float64
}

// Counterfactual finds the smallest change of row, one of background's columns or
// more, after which the model decides another class. Small means few columns
// first, then a small sum of |to-from| over the column's spread (the mean absolute
// deviation from the median in background, which is row-major). One column, and
// two, are searched in full over the values where trees split, or over 64
// quantiles of the background for other models; three by a beam of the 32 best
// pairs. Columns in keep stay as they are. An error of kind NotFound says that no
// change of three columns flips the decision, Unsupported that the model decides
// no class.
func (m *Model) Counterfactual(row, background []float64, keep []int) ([]Change, error) {
	if !m.Classifier() {
		return nil, errs.New(errs.Unsupported, "a regressor decides nothing that could flip")
	}
	n := m.Estimator.Features()
	if len(background) == 0 || len(background)%n != 0 || len(row) != n {
		return nil, errs.New(errs.Invalid, "the background has %d values, which are no rows of %d columns", len(background), n)
	}
	f := &flip{m: m, row: row, spread: make([]float64, n), tries: m.candidates(row, background)}
	for c := range n {
		if slices.Contains(keep, c) {
			f.tries[c] = nil
		}
		f.spread[c] = spread(column(background, n, c))
	}
	f.class, f.start = f.decide([][]Change{nil})[0], f.last([][]Change{nil})[0]
	level := [][]Change{nil}
	for width := range 3 {
		var best []Change
		cost := math.Inf(1)
		var next []scored
		for _, base := range level {
			sets := f.extend(base, width)
			for lo := 0; lo < len(sets); lo += batchRows {
				part := sets[lo:min(lo+batchRows, len(sets))]
				classes, answers := f.decide(part), f.last(part)
				for i, set := range part {
					price := f.cost(set)
					if classes[i] != f.class && price < cost {
						best, cost = set, price
					}
					next = append(next, scored{set, math.Abs(answers[i] - f.start), price})
				}
			}
		}
		if best != nil {
			slices.SortFunc(best, func(a, b Change) int { return cmp.Compare(a.Column, b.Column) })
			return best, nil
		}
		level = f.promising(next, width)
	}
	return nil, errs.New(errs.NotFound, "no change of three columns flips the decision")
}

// batchRows is how many changed rows are scored at a time.
const batchRows = 4096

// mostPairs bounds the pairs of changes that are searched in full.
const mostPairs = 1 << 21

type scored struct {
	set         []Change
	gain, price float64
}

// flip is a search.
type flip struct {
	m      *Model
	row    []float64
	spread []float64
	tries  [][]float64 // values to try, by column
	class  int
	start  float64
}

// extend returns every set with one change more, of a column behind the last one.
// Where pairs are searched, level holds every single change.
func (f *flip) extend(base []Change, width int) [][]Change {
	var out [][]Change
	from := 0
	if width == 1 && len(base) == 1 {
		from = base[0].Column + 1
	}
	for c := from; c < len(f.tries); c++ {
		if slices.ContainsFunc(base, func(ch Change) bool { return ch.Column == c }) {
			continue
		}
		for _, v := range f.tries[c] {
			out = append(out, append(slices.Clone(base), Change{c, f.row[c], v}))
		}
	}
	return out
}

// promising returns the sets to extend: all single changes when their pairs are
// few enough, else the best by what they move the answer.
func (f *flip) promising(sets []scored, width int) [][]Change {
	keep := 32
	if width == 0 && len(sets)*len(sets)/2 <= mostPairs {
		keep = len(sets)
	}
	slices.SortStableFunc(sets, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.price, b.price))
	})
	var out [][]Change
	for _, s := range sets[:min(keep, len(sets))] {
		out = append(out, s.set)
	}
	return out
}

func (f *flip) scores(sets [][]Change) (scores, x []float64) {
	n := len(f.row)
	x, scores = make([]float64, len(sets)*n), make([]float64, len(sets)*f.m.Outputs())
	for i, set := range sets {
		copy(x[i*n:], f.row)
		for _, ch := range set {
			x[i*n+ch.Column] = ch.To
		}
	}
	f.m.Estimator.Scores(scores, x)
	return scores, x
}

func (f *flip) decide(sets [][]Change) []int {
	scores, x := f.scores(sets)
	out := make([]int, len(sets))
	f.m.Decide(out, scores, x)
	return out
}

// last returns the probabilities of the last class.
func (f *flip) last(sets [][]Change) []float64 {
	scores, _ := f.scores(sets)
	k := f.m.Outputs()
	out := make([]float64, len(sets))
	for i := range out {
		out[i] = scores[(i+1)*k-1]
	}
	return out
}

func (f *flip) cost(set []Change) (sum float64) {
	for _, ch := range set {
		d := math.Abs(ch.To - ch.From)
		if math.IsNaN(d) {
			d = f.spread[ch.Column]
		}
		sum += d / f.spread[ch.Column]
	}
	return sum
}

// candidates returns the values to try for each column: just beyond each
// threshold, seen from row, where the model is a sum of trees, else quantiles.
func (m *Model) candidates(row, background []float64) [][]float64 {
	n := len(row)
	out := make([][]float64, n)
	e, ok := m.Estimator.(summed)
	if ok {
		s, fine := e.TreeSum()
		if ok = fine; fine {
			for k := range s.Trees {
				t := &s.Trees[k]
				for i, l := range t.Left {
					if l >= 0 && (t.Category == nil || t.Category[i] == nil) {
						out[t.Feature[i]] = append(out[t.Feature[i]], beyond(t.Threshold[i], row[t.Feature[i]]))
					}
				}
			}
		}
	}
	for c := range n {
		if !ok {
			v := column(background, n, c)
			for q := range 65 {
				out[c] = append(out[c], v[q*(len(v)-1)/64])
			}
		}
		slices.Sort(out[c])
		out[c] = slices.DeleteFunc(slices.Compact(out[c]), func(v float64) bool { return v != v || v == row[c] })
	}
	return out
}

// beyond returns a value near threshold t on the other side of it from x, as a
// float32 that no comparison takes for the threshold itself.
func beyond(t, x float64) float64 {
	v := float32(t)
	if x <= t {
		for float64(v) <= t {
			v = math.Nextafter32(v, float32(math.Inf(1)))
		}
		return float64(v)
	}
	for float64(v) >= t {
		v = math.Nextafter32(v, float32(math.Inf(-1)))
	}
	return float64(v)
}

// column returns the known values of a column in ascending order, one 0 when
// there is none.
func column(rows []float64, n, c int) []float64 {
	var v []float64
	for at := c; at < len(rows); at += n {
		if rows[at] == rows[at] {
			v = append(v, rows[at])
		}
	}
	if v == nil {
		return []float64{0}
	}
	slices.Sort(v)
	return v
}

// spread returns the mean absolute deviation from the median, 1 when it is 0.
func spread(v []float64) (sum float64) {
	mid := v[len(v)/2]
	for _, x := range v {
		sum += math.Abs(x - mid)
	}
	if sum == 0 || math.IsInf(sum, 0) {
		return 1
	}
	return sum / float64(len(v))
}
