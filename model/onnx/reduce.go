package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// reduce builds reductions along axes, by default along all.
func reduce(n *node) (operator, error) {
	keep, fold, places := n.integer("keepdims", 1) != 0, reductions[n.op], n.op == "ArgMax" || n.op == "ArgMin"
	if n.integer("select_last_index", 0) != 0 {
		return nil, errs.New(errs.Unsupported, "the last of equal elements")
	}
	return func(in []*tensor) ([]*tensor, error) {
		t := in[0]
		axes := slices.Clone(n.get("axes").ints)
		if places {
			axes = []int64{n.integer("axis", 0)}
		}
		if len(in) > 1 && in[1] != nil {
			axes = append(axes, whole(in[1])...)
		}
		if len(axes) == 0 {
			if n.integer("noop_with_empty_axes", 0) != 0 {
				return in[:1], nil
			}
			for d := range t.shape {
				axes = append(axes, int64(d))
			}
		}
		gone := make([]bool, len(t.shape))
		for _, axis := range axes {
			a, err := axisOf(axis, len(t.shape))
			if err != nil {
				return nil, err
			}
			gone[a] = true
		}
		return folded(t, gone, keep, places, fold)
	}, nil
}

// folded makes one element of all that differ only along the axes that are gone.
func folded(t *tensor, gone []bool, keep, places bool, fold func([]float64) float64) ([]*tensor, error) {
	out := &tensor{elem: t.elem, shape: []int64{}}
	if places {
		out.elem = typeInt64
	}
	size, cells := 1, 1
	for d, n := range t.shape {
		if !gone[d] {
			cells *= int(n)
			out.shape = append(out.shape, n)
			continue
		}
		size *= int(n)
		if keep {
			out.shape = append(out.shape, 1)
		}
	}
	if size == 0 {
		return nil, errs.New(errs.Unsupported, "a reduction of nothing")
	}
	parts := make([][]float64, cells)
	for i, v := range t.nums {
		cell, rest, step := 0, i, 1
		for d := len(t.shape) - 1; d >= 0; d-- {
			at := rest % int(t.shape[d])
			rest /= int(t.shape[d])
			if !gone[d] {
				cell += at * step
				step *= int(t.shape[d])
			}
		}
		parts[cell] = append(parts[cell], v)
	}
	out.nums = make([]float64, cells)
	for c, v := range parts {
		out.nums[c] = fold(v)
	}
	return []*tensor{out}, nil
}

// reductions fold the elements of one cell.
var reductions = map[string]func(v []float64) float64{
	"ReduceSum": total, "ReduceMean": func(v []float64) float64 { return total(v) / float64(len(v)) },
	"ReduceMax": slices.Max[[]float64], "ReduceMin": slices.Min[[]float64],
	"ReduceProd": func(v []float64) float64 {
		p := 1.0
		for _, x := range v {
			p *= x
		}
		return p
	},
	"ReduceL1": func(v []float64) float64 {
		s := 0.0
		for _, x := range v {
			s += math.Abs(x)
		}
		return s
	},
	"ReduceSumSquare": squares, "ReduceL2": func(v []float64) float64 { return math.Sqrt(squares(v)) },
	"ReduceLogSum": func(v []float64) float64 { return math.Log(total(v)) },
	"ReduceLogSumExp": func(v []float64) float64 {
		top, s := slices.Max(v), 0.0
		if math.IsInf(top, 0) {
			return top
		}
		for _, x := range v {
			s += math.Exp(x - top)
		}
		return top + math.Log(s)
	},
	"ArgMax": func(v []float64) float64 { return float64(argmax(v)) },
	"ArgMin": func(v []float64) float64 {
		best := 0
		for i, x := range v {
			if x < v[best] {
				best = i
			}
		}
		return float64(best)
	},
}

func total(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func squares(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return s
}
