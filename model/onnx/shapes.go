package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// shapeOp builds the operators that move and join elements, and reductions.
func shapeOp(n *node) (operator, error) {
	axis := n.integer("axis", 0)
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
	case "ArgMax", "ReduceSum", "ReduceMax", "ReduceMean", "ReduceMin":
		return reduce(n)
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
	return nil, errs.New(errs.Unsupported, "it is not supported; serve the model with onnxruntime, or save the estimator itself")
}

func concat(in []*tensor, axis int64) ([]*tensor, error) {
	rank := len(in[0].shape)
	if rank == 0 {
		return nil, invalid("parts without a shape")
	}
	if axis < 0 {
		axis += int64(rank)
	}
	if rank != 2 || axis != 1 {
		if rank == 1 || axis == 0 {
			return stack(in)
		}
		return nil, errs.New(errs.Unsupported, "joining along axis %d of %d", axis, rank)
	}
	rows, w := in[0].shape[0], int64(0)
	for _, t := range in {
		if len(t.shape) != 2 || t.shape[0] != rows || t.strings != nil {
			return nil, invalid("parts of shape %v and %v", in[0].shape, t.shape)
		}
		w += t.shape[1]
	}
	out := &tensor{elem: in[0].elem, shape: []int64{rows, w}, nums: make([]float64, 0, rows*w)}
	for r := range rows {
		for _, t := range in {
			out.nums = append(out.nums, t.nums[r*t.shape[1]:(r+1)*t.shape[1]]...)
		}
	}
	return []*tensor{out}, nil
}

// stack joins along the first axis.
func stack(in []*tensor) ([]*tensor, error) {
	out := &tensor{elem: in[0].elem, shape: slices.Clone(in[0].shape)}
	out.shape[0] = 0
	for _, t := range in {
		if len(t.shape) != len(out.shape) || !slices.Equal(t.shape[1:], out.shape[1:]) {
			return nil, invalid("parts of shape %v and %v", in[0].shape, t.shape)
		}
		out.shape[0] += t.shape[0]
		out.nums = append(out.nums, t.nums...)
	}
	return []*tensor{out}, nil
}

func gather(t, at *tensor, axis int64) ([]*tensor, error) {
	if axis < 0 {
		axis += int64(len(t.shape))
	}
	switch {
	case len(at.strings) > 0 || len(at.shape) > 4:
		return nil, invalid("places that are no numbers")
	case len(t.shape) == 1:
		out := &tensor{elem: t.elem, shape: at.shape}
		for _, f := range at.nums {
			i := int(f)
			if i < 0 {
				i += int(t.shape[0])
			}
			if i < 0 || i >= int(t.shape[0]) {
				return nil, invalid("element %d of %d", i, t.shape[0])
			}
			if t.strings != nil {
				out.strings = append(out.strings, t.strings[i])
			} else {
				out.nums = append(out.nums, t.nums[i])
			}
		}
		return []*tensor{out}, nil
	case len(t.shape) == 2 && axis == 1 && t.strings == nil:
		rows, p := t.rows()
		out := &tensor{elem: t.elem, shape: append([]int64{int64(rows)}, at.shape...)}
		for r := range rows {
			for _, f := range at.nums {
				i := int(f)
				if i < 0 {
					i += p
				}
				if i < 0 || i >= p {
					return nil, invalid("column %d of %d", i, p)
				}
				out.nums = append(out.nums, t.nums[r*p+i])
			}
		}
		return []*tensor{out}, nil
	}
	return nil, errs.New(errs.Unsupported, "picking along axis %d of shape %v", axis, t.shape)
}

func product(a, b *tensor) ([]*tensor, error) {
	n, p := a.rows()
	q, k := b.rows()
	if p != q || len(a.shape) != 2 {
		return nil, invalid("shapes %v and %v", a.shape, b.shape)
	}
	out := &tensor{elem: a.elem, shape: []int64{int64(n), int64(k)}, nums: make([]float64, n*k)}
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

// reduce builds reductions along the columns of a matrix.
func reduce(n *node) (operator, error) {
	keep := n.integer("keepdims", 1) != 0
	return func(in []*tensor) ([]*tensor, error) {
		t := in[0]
		axes := slices.Clone(n.get("axes").ints)
		if n.op == "ArgMax" {
			axes = []int64{n.integer("axis", 0)}
		}
		if len(in) > 1 && in[1] != nil {
			for _, v := range in[1].nums {
				axes = append(axes, int64(v))
			}
		}
		if len(t.shape) != 2 || len(axes) != 1 || axes[0] != 1 && axes[0] != -1 || t.shape[1] == 0 {
			return nil, errs.New(errs.Unsupported, "a reduction of shape %v along %v", t.shape, axes)
		}
		rows, p := t.rows()
		out := &tensor{elem: t.elem, shape: []int64{int64(rows)}}
		if keep {
			out.shape = append(out.shape, 1)
		}
		if n.op == "ArgMax" {
			out.elem = typeInt64
		}
		for r := range rows {
			row := t.nums[r*p : (r+1)*p]
			v := 0.0
			switch n.op {
			case "ArgMax":
				v = float64(argmax(row))
			case "ReduceMax":
				v = slices.Max(row)
			case "ReduceMin":
				v = slices.Min(row)
			default:
				for _, x := range row {
					v += x
				}
				if n.op == "ReduceMean" {
					v /= float64(p)
				}
			}
			out.nums = append(out.nums, v)
		}
		return []*tensor{out}, nil
	}, nil
}

func where(in []*tensor) ([]*tensor, error) {
	if len(in) != 3 {
		return nil, invalid("%d operands", len(in))
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
