package onnx

import (
	"slices"

	"github.com/drivecast/drivecast/errs"
)

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
