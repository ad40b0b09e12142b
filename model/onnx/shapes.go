package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// shapeOp builds the operators that move and join elements, and reductions.
func shapeOp(n *node) (operator, error) {
	axis := n.integer("axis", 0)
	if reductions[n.op] != nil {
		return reduce(n)
	}
	switch n.op {
	case "Concat":
		return func(in []*tensor) ([]*tensor, error) { return concat(in, axis) }, nil
	case "Gather":
		return func(in []*tensor) ([]*tensor, error) { return gather(in[0], in[1], axis) }, nil
	case "MatMul":
		return func(in []*tensor) ([]*tensor, error) { return product(in[0], in[1]) }, nil
	case "Gemm":
		return gemm(n)
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
		return reshape(n)
	case "Softmax":
		return func(in []*tensor) ([]*tensor, error) {
			rows, p := in[0].rows()
			t := &tensor{elem: in[0].elem, shape: in[0].shape, nums: slices.Clone(in[0].nums)}
			for r := range rows {
				transform(t.nums[r*p:(r+1)*p], "SOFTMAX")
			}
			return []*tensor{t}, nil
		}, nil
	case "Where":
		return where, nil
	case "Clip":
		return clip, nil
	case "Shape":
		return func(in []*tensor) ([]*tensor, error) {
			t := &tensor{elem: typeInt64, shape: []int64{int64(len(in[0].shape))}}
			for _, d := range in[0].shape {
				t.nums = append(t.nums, float64(d))
			}
			return []*tensor{t}, nil
		}, nil
	}
	return placeOp(n)
}

// placeOp builds the operators that pick, turn and repeat elements.
func placeOp(n *node) (operator, error) {
	axis := n.integer("axis", -1)
	switch n.op {
	case "Transpose":
		return func(in []*tensor) ([]*tensor, error) { return transpose(in[0], n.get("perm").ints) }, nil
	case "Slice":
		return func(in []*tensor) ([]*tensor, error) {
			parts := [4][]int64{n.get("starts").ints, n.get("ends").ints, n.get("axes").ints}
			for i := 1; i < len(in) && i < 5; i++ {
				if in[i] != nil {
					parts[i-1] = whole(in[i])
				}
			}
			return slice(in[0], parts[0], parts[1], parts[2], parts[3])
		}, nil
	case "Expand":
		return func(in []*tensor) ([]*tensor, error) { return expand(in[0], whole(in[1])) }, nil
	case "ConstantOfShape":
		return func(in []*tensor) ([]*tensor, error) {
			v := &tensor{elem: typeFloat, nums: []float64{0}}
			if t := n.get("value").t; t != nil && len(t.nums) == 1 {
				v = &tensor{elem: t.elem, nums: t.nums}
			}
			return expand(v, whole(in[0]))
		}, nil
	case "GatherElements":
		return func(in []*tensor) ([]*tensor, error) {
			return gatherElements(in[0], in[1], n.integer("axis", 0))
		}, nil
	case "TopK":
		return func(in []*tensor) ([]*tensor, error) {
			k := n.integer("k", -1)
			if len(in) > 1 && in[1] != nil && len(in[1].nums) == 1 {
				k = int64(in[1].nums[0])
			}
			return topK(in[0], int(k), axis, n.integer("largest", 1) != 0)
		}, nil
	case "CumSum":
		return func(in []*tensor) ([]*tensor, error) { return cumulated(n, in) }, nil
	}
	return nil, errs.New(errs.Unsupported, "it is not supported; serve the model with onnxruntime, or save the estimator itself")
}

func reshape(n *node) (operator, error) {
	return func(in []*tensor) ([]*tensor, error) {
		t := in[0]
		axes := slices.Clone(n.get("axes").ints)
		if len(in) > 1 && in[1] != nil {
			for _, v := range in[1].nums {
				axes = append(axes, int64(v))
			}
		}
		out := &tensor{elem: t.elem, nums: t.nums, strings: t.strings}
		total := int64(len(t.nums) + len(t.strings))
		switch n.op {
		case "Flatten":
			rows, p := t.rows()
			out.shape = []int64{int64(rows), int64(p)}
		case "Reshape":
			out.shape = fit(axes, t.shape, total)
		case "Squeeze":
			for d, size := range t.shape {
				if size != 1 || len(axes) > 0 && !slices.Contains(axes, int64(d)) && !slices.Contains(axes, int64(d-len(t.shape))) {
					out.shape = append(out.shape, size)
				}
			}
		default:
			out.shape = slices.Clone(t.shape)
			for _, a := range axes {
				if a < 0 {
					a += int64(len(out.shape) + 1)
				}
				if a < 0 || a > int64(len(out.shape)) {
					return nil, invalid("axis %d of shape %v", a, t.shape)
				}
				out.shape = slices.Insert(out.shape, int(a), 1)
			}
		}
		if out.count() != total {
			return nil, invalid("shape %v to %v", t.shape, out.shape)
		}
		return []*tensor{out}, nil
	}, nil
}

// cumulated adds up along an axis.
func cumulated(n *node, in []*tensor) ([]*tensor, error) {
	if n.integer("exclusive", 0) != 0 || n.integer("reverse", 0) != 0 || len(in[1].nums) != 1 {
		return nil, errs.New(errs.Unsupported, "sums that leave the element out or run backwards")
	}
	a, err := axisOf(int64(in[1].nums[0]), len(in[0].shape))
	if err != nil {
		return nil, err
	}
	before, size, after := around(in[0].shape, a)
	out := &tensor{elem: in[0].elem, shape: in[0].shape, nums: slices.Clone(in[0].nums)}
	for b := range before {
		for i := 1; i < size; i++ {
			for c := range after {
				out.nums[(b*size+i)*after+c] += out.nums[(b*size+i-1)*after+c]
			}
		}
	}
	return []*tensor{out}, nil
}

// fit returns a wanted shape with 0 (as before) and -1 (what is left) resolved.
func fit(want, old []int64, total int64) []int64 {
	out := slices.Clone(want)
	known, open := int64(1), -1
	for d, v := range out {
		if v == 0 && d < len(old) {
			out[d] = old[d]
		}
		if v == -1 {
			open = d
		} else if out[d] > 0 && known <= maxElements {
			known *= out[d]
		}
	}
	if open >= 0 && known > 0 {
		out[open] = total / known
	}
	return out
}

// whole returns the elements of a tensor of integers.
func whole(t *tensor) []int64 {
	out := make([]int64, len(t.nums))
	for i, v := range t.nums {
		out[i] = int64(v)
	}
	return out
}

func where(in []*tensor) ([]*tensor, error) {
	if len(in) != 3 {
		return nil, invalid("%d operands", len(in))
	}
	if in[1].strings != nil || in[2].strings != nil {
		return whereTexts(in)
	}
	yes, err := broadcast([]*tensor{in[1], in[0]}, func(v, c float64) float64 {
		if c != 0 {
			return v
		}
		return math.NaN()
	}, false)
	if err != nil {
		return nil, err
	}
	cond, err := broadcast([]*tensor{yes[0], in[0]}, func(_, c float64) float64 { return c }, false)
	if err != nil {
		return nil, err
	}
	no, err := broadcast([]*tensor{in[2], cond[0]}, func(v, _ float64) float64 { return v }, false)
	if err != nil || len(no[0].nums) != len(yes[0].nums) {
		return nil, invalid("shapes that do not fit (%v)", err)
	}
	for i, c := range cond[0].nums {
		if c == 0 {
			yes[0].nums[i] = no[0].nums[i]
		}
	}
	return yes, nil
}

func clip(in []*tensor) ([]*tensor, error) {
	lo, hi := math.Inf(-1), math.Inf(1)
	if len(in) > 1 && in[1] != nil && len(in[1].nums) == 1 {
		lo = in[1].nums[0]
	}
	if len(in) > 2 && in[2] != nil && len(in[2].nums) == 1 {
		hi = in[2].nums[0]
	}
	return each(in, func(v float64) float64 { return math.Min(math.Max(v, lo), hi) })
}
