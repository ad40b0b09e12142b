package eval

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/errs"
)

// Isotonic is a non-decreasing function: linear between the points (X[i], Y[i]),
// constant outside them. X ascends.
type Isotonic struct {
	X, Y []float64
}

// At returns the value at v; NaN for NaN.
func (f *Isotonic) At(v float64) float64 {
	i := sort.SearchFloat64s(f.X, v)
	switch {
	case math.IsNaN(v):
		return v
	case i == len(f.X):
		return f.Y[i-1]
	case i == 0 || f.X[i] == v:
		return f.Y[i]
	}
	slope := (f.Y[i] - f.Y[i-1]) / (f.X[i] - f.X[i-1])
	return slope*(v-f.X[i-1]) + f.Y[i-1]
}

// sameX is the distance below which scikit-learn takes two scores for one.
const sameX = 1e-15

// FitIsotonic fits the non-decreasing function of score that is nearest to y in
// (weighted) squares, by pooling adjacent violators (Ayer and others, 1955; Best
// and Chakravarti, 1990). Rows of equal score are averaged first and rows of
// weight 0 left out, as in scikit-learn's IsotonicRegression with
// out_of_bounds="clip". With y of 0 and 1 it calibrates (Zadrozny and Elkan,
// 2002). Values that are not finite, and no weight at all, are of kind Invalid.
func FitIsotonic(score, y, weight []float64) (*Isotonic, error) {
	if err := checkLengths(len(score), len(y), weight); err != nil {
		return nil, err
	}
	if err := checkFinite("score", score); err != nil {
		return nil, err
	}
	if err := checkFinite("target", y); err != nil {
		return nil, err
	}
	x, blocks := distinct(score, y, weight)
	if len(blocks) == 0 {
		return nil, errs.New(errs.Invalid, "all weights are 0")
	}
	return trim(x, pool(blocks)), nil
}

// block is a run of scores that share a value.
type block struct {
	value, weight float64
	n             int
}

func (b block) with(o block) block {
	w := b.weight + o.weight
	return block{(b.value*b.weight + o.value*o.weight) / w, w, b.n + o.n}
}

// distinct orders rows by score and averages those of equal score.
func distinct(score, y, weight []float64) (x []float64, blocks []block) {
	order := make([]int, 0, len(score))
	for i := range score {
		if weight == nil || weight[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b], score[a] == score[b] && y[a] < y[b]:
			return -1
		case score[a] == score[b] && y[a] == y[b]:
			return a - b
		}
		return 1
	})
	for _, i := range order {
		w := 1.0
		if weight != nil {
			w = weight[i]
		}
		if k := len(x) - 1; k >= 0 && score[i]-x[k] < sameX {
			blocks[k].value += w * y[i]
			blocks[k].weight += w
			continue
		}
		x, blocks = append(x, score[i]), append(blocks, block{w * y[i], w, 1})
	}
	for k := range blocks {
		blocks[k].value /= blocks[k].weight
	}
	return x, blocks
}

// pool merges neighbours until values ascend, and returns the value of each
// original block.
func pool(blocks []block) []float64 {
	var stack []block
	for _, b := range blocks {
		for len(stack) > 0 && stack[len(stack)-1].value >= b.value {
			b = stack[len(stack)-1].with(b)
			stack = stack[:len(stack)-1]
		}
		stack = append(stack, b)
	}
	out := make([]float64, 0, len(blocks))
	for _, b := range stack {
		for range b.n {
			out = append(out, b.value)
		}
	}
	return out
}

// trim leaves out the points inside level stretches.
func trim(x, y []float64) *Isotonic {
	f := &Isotonic{}
	for i := range x {
		if i == 0 || i == len(x)-1 || y[i] != y[i-1] || y[i] != y[i+1] {
			f.X, f.Y = append(f.X, x[i]), append(f.Y, y[i])
		}
	}
	return f
}
