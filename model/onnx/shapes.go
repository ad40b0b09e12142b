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

// product multiplies matrices; further axes in front are those of one side, or the
// same on both.
func product(a, b *tensor) ([]*tensor, error) {
	if len(a.shape) > 2 || len(b.shape) > 2 {
		return products(a, b)
	}
	n, p := a.rows()
	q, k := b.rows()
	if len(a.shape) == 1 {
		n, p = 1, int(a.shape[0])
	}
	if p != q || len(a.shape) == 0 || len(b.shape) == 0 {
		return nil, invalid("shapes %v and %v", a.shape, b.shape)
	}
	out := &tensor{elem: a.elem, shape: slices.Concat(a.shape[:len(a.shape)-1], b.shape[1:]), nums: make([]float64, n*k)}
	for r := range n {
		for c := range k {
			s := 0.0
			for j := range p {
				s += a.nums[r*p+j] * b.nums[j*k+c]
			}
			out.nums[r*k+c] = s
		}
	}
	return []*tensor{out}, nil
}

// products multiplies stacks of matrices one by one.
func products(a, b *tensor) ([]*tensor, error) {
	if len(a.shape) < 2 || len(b.shape) < 2 {
		return nil, errs.New(errs.Unsupported, "shapes %v and %v", a.shape, b.shape)
	}
	as, bs := a.shape[:len(a.shape)-2], b.shape[:len(b.shape)-2]
	stack := as
	if len(as) == 0 {
		stack = bs
	} else if len(bs) > 0 && !slices.Equal(as, bs) {
		return nil, errs.New(errs.Unsupported, "shapes %v and %v", a.shape, b.shape)
	}
	count := (&tensor{shape: stack}).count()
	part := func(t *tensor, i int64, alone bool) *tensor {
		size := t.shape[len(t.shape)-2] * t.shape[len(t.shape)-1]
		if alone {
			i = 0
		}
		return &tensor{elem: t.elem, shape: t.shape[len(t.shape)-2:], nums: t.nums[i*size : (i+1)*size]}
	}
	out := &tensor{elem: a.elem, shape: slices.Concat(stack, []int64{a.shape[len(a.shape)-2], b.shape[len(b.shape)-1]})}
	for i := range count {
		one, err := product(part(a, i, len(as) == 0), part(b, i, len(bs) == 0))
		if err != nil {
			return nil, err
		}
		out.nums = append(out.nums, one[0].nums...)
	}
	return []*tensor{out}, nil
}

func gemm(n *node) (operator, error) {
	alpha, beta := 1.0, 1.0
	if a := n.get("alpha"); a.name != "" {
		alpha = float64(a.f)
	}
	if b := n.get("beta"); b.name != "" {
		beta = float64(b.f)
	}
	if n.integer("transA", 0) != 0 {
		return nil, errs.New(errs.Unsupported, "a transposed left side")
	}
	flip := n.integer("transB", 0) != 0
	return func(in []*tensor) ([]*tensor, error) {
		b := in[1]
		if flip && len(b.shape) == 2 {
			r, c := b.rows()
			t := &tensor{elem: b.elem, shape: []int64{int64(c), int64(r)}, nums: make([]float64, len(b.nums))}
			for i := range r {
				for j := range c {
					t.nums[j*r+i] = b.nums[i*c+j]
				}
			}
			b = t
		}
		out, err := product(in[0], b)
		if err != nil {
			return nil, err
		}
		for i := range out[0].nums {
			out[0].nums[i] *= alpha
		}
		if len(in) < 3 || in[2] == nil {
			return out, nil
		}
		return broadcast([]*tensor{out[0], in[2]}, func(a, b float64) float64 { return a + beta*b }, false)
	}, nil
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
