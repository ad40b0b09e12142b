package onnx

import (
	"cmp"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// axisOf returns a place among rank axes, counted from the end when below zero.
func axisOf(axis int64, rank int) (int, error) {
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank) {
		return 0, invalid("axis %d of %d", axis, rank)
	}
	return int(axis), nil
}

// around returns how many blocks lie before an axis and how many elements each of
// its steps has.
func around(shape []int64, axis int) (before, size, after int) {
	before, after = 1, 1
	for d, n := range shape {
		switch {
		case d < axis:
			before *= int(n)
		case d > axis:
			after *= int(n)
		}
	}
	return before, int(shape[axis]), after
}

// at copies element from of t to the end of out.
func (out *tensor) take(t *tensor, from int) {
	if t.strings != nil {
		out.strings = append(out.strings, t.strings[from])
		return
	}
	out.nums = append(out.nums, t.nums[from])
}

// like returns an empty tensor of t's element type.
func (t *tensor) like(shape []int64) (*tensor, error) {
	out := &tensor{elem: t.elem, shape: shape}
	n := out.count()
	if n < 0 {
		return nil, errs.New(errs.Unsupported, "a tensor of shape %v", shape)
	}
	if t.strings != nil {
		out.strings = make([]string, 0, n)
	} else {
		out.nums = make([]float64, 0, n)
	}
	return out, nil
}

// concat joins tensors along an axis.
func concat(in []*tensor, axis int64) ([]*tensor, error) {
	a, err := axisOf(axis, len(in[0].shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(in[0].shape)
	shape[a] = 0
	for _, t := range in {
		same := len(t.shape) == len(shape) && (t.strings == nil) == (in[0].strings == nil)
		for d := range t.shape {
			same = same && (d == a || d < len(shape) && t.shape[d] == shape[d])
		}
		if !same {
			return nil, invalid("parts of shape %v and %v", in[0].shape, t.shape)
		}
		shape[a] += t.shape[a]
	}
	out, err := in[0].like(shape)
	if err != nil {
		return nil, err
	}
	before, _, after := around(shape, a)
	for b := range before {
		for _, t := range in {
			n := int(t.shape[a]) * after
			if t.strings != nil {
				out.strings = append(out.strings, t.strings[b*n:(b+1)*n]...)
			} else {
				out.nums = append(out.nums, t.nums[b*n:(b+1)*n]...)
			}
		}
	}
	return []*tensor{out}, nil
}

// gather picks the given places along an axis.
func gather(t, places *tensor, axis int64) ([]*tensor, error) {
	if len(places.strings) > 0 || len(places.shape) > 4 {
		return nil, invalid("places that are no numbers")
	}
	a, err := axisOf(axis, len(t.shape))
	if err != nil {
		return nil, err
	}
	out, err := t.like(slices.Concat(t.shape[:a], places.shape, t.shape[a+1:]))
	if err != nil {
		return nil, err
	}
	before, size, after := around(t.shape, a)
	for b := range before {
		for _, f := range places.nums {
			i := int(f)
			if i < 0 {
				i += size
			}
			if i < 0 || i >= size {
				return nil, invalid("element %d of %d", i, size)
			}
			for k := range after {
				out.take(t, (b*size+i)*after+k)
			}
		}
	}
	return []*tensor{out}, nil
}

// gatherElements picks, for each element of places, the one with that place along
// the axis and its own along the others.
func gatherElements(t, places *tensor, axis int64) ([]*tensor, error) {
	a, err := axisOf(axis, len(t.shape))
	if err != nil || len(places.shape) != len(t.shape) {
		return nil, invalid("places of shape %v for shape %v", places.shape, t.shape)
	}
	for d := range t.shape {
		if d != a && places.shape[d] > t.shape[d] {
			return nil, invalid("places of shape %v for shape %v", places.shape, t.shape)
		}
	}
	out, err := t.like(places.shape)
	if err != nil {
		return nil, err
	}
	for i, f := range places.nums {
		from, step, rest := 0, 1, i
		for d := len(t.shape) - 1; d >= 0; d-- {
			at := rest % int(places.shape[d])
			rest /= int(places.shape[d])
			if d == a {
				if at = int(f); at < 0 {
					at += int(t.shape[d])
				}
				if at < 0 || at >= int(t.shape[d]) {
					return nil, invalid("element %d of %d", at, t.shape[d])
				}
			}
			from += at * step
			step *= int(t.shape[d])
		}
		out.take(t, from)
	}
	return []*tensor{out}, nil
}

// walk makes a tensor of the given shape, whose element at a place is the one of t
// that pick says, in elements of each axis of t.
func walk(t *tensor, shape []int64, pick func(place, from []int)) (*tensor, error) {
	out, err := t.like(shape)
	if err != nil {
		return nil, err
	}
	place, from := make([]int, len(shape)), make([]int, len(t.shape))
	for range out.count() {
		pick(place, from)
		at := 0
		for d, i := range from {
			at = at*int(t.shape[d]) + i
		}
		out.take(t, at)
		for d := len(place) - 1; d >= 0; d-- {
			if place[d]++; place[d] < int(shape[d]) {
				break
			}
			place[d] = 0
		}
	}
	return out, nil
}

// transpose permutes axes, by default into the opposite order.
func transpose(t *tensor, perm []int64) ([]*tensor, error) {
	rank := len(t.shape)
	if len(perm) == 0 {
		for d := range rank {
			perm = append(perm, int64(rank-1-d))
		}
	}
	sorted := slices.Sorted(slices.Values(perm))
	shape := make([]int64, rank)
	for d := range perm {
		if len(perm) != rank || sorted[d] != int64(d) {
			return nil, invalid("axes %v of %d", perm, rank)
		}
		shape[d] = t.shape[perm[d]]
	}
	out, err := walk(t, shape, func(place, from []int) {
		for d, p := range perm {
			from[p] = place[d]
		}
	})
	return []*tensor{out}, err
}

// maxExpanded bounds what is repeated from fewer elements.
const maxExpanded = 1 << 24

// expand repeats a tensor to the shape that it and shape have together.
func expand(t *tensor, shape []int64) ([]*tensor, error) {
	rank := max(len(shape), len(t.shape))
	full := make([]int64, rank)
	for d := range full {
		full[d] = 1
		if k := d - (rank - len(t.shape)); k >= 0 {
			full[d] = t.shape[k]
		}
		if k := d - (rank - len(shape)); k >= 0 && shape[k] != 1 {
			if full[d] != 1 && full[d] != shape[k] {
				return nil, invalid("shape %v to %v", t.shape, shape)
			}
			full[d] = shape[k]
		}
	}
	if n := (&tensor{shape: full}).count(); n < 0 || n > maxExpanded {
		return nil, errs.New(errs.Unsupported, "a tensor of shape %v", full)
	}
	out, err := walk(t, full, func(place, from []int) {
		for k := range from {
			from[k] = 0
			if t.shape[k] > 1 {
				from[k] = place[k+rank-len(t.shape)]
			}
		}
	})
	return []*tensor{out}, err
}

// slice takes steps from starts to ends along the axes.
func slice(t *tensor, starts, ends, axes, steps []int64) ([]*tensor, error) {
	if axes == nil {
		for d := range starts {
			axes = append(axes, int64(d))
		}
	}
	if len(starts) != len(ends) || len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, invalid("%d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	shape, first, stride := slices.Clone(t.shape), make([]int, len(t.shape)), make([]int, len(t.shape))
	for d := range stride {
		stride[d] = 1
	}
	for i, axis := range axes {
		a, err := axisOf(axis, len(t.shape))
		if err != nil {
			return nil, err
		}
		n, step := t.shape[a], int64(1)
		if steps != nil {
			step = steps[i]
		}
		lo, hi := starts[i], ends[i]
		if lo < 0 {
			lo += n
		}
		if hi < 0 && hi >= -n {
			hi += n
		}
		switch {
		case step > 0:
			lo, hi = min(max(lo, 0), n), min(max(hi, 0), n)
			shape[a] = max(0, (hi-lo+step-1)/step)
		case step < 0 && step > -1<<40:
			lo, hi = min(max(lo, 0), n-1), min(max(hi, -1), n-1)
			shape[a] = max(0, (lo-hi-step-1)/-step)
		default:
			return nil, invalid("a step of %d", step)
		}
		first[a], stride[a] = int(lo), int(step)
	}
	out, err := walk(t, shape, func(place, from []int) {
		for d := range from {
			from[d] = first[d] + place[d]*stride[d]
		}
	})
	return []*tensor{out}, err
}

// topK returns the k largest or smallest elements along an axis, and their places.
func topK(t *tensor, k int, axis int64, largest bool) ([]*tensor, error) {
	a, err := axisOf(axis, len(t.shape))
	if err != nil {
		return nil, err
	}
	before, size, after := around(t.shape, a)
	if k < 0 || k > size {
		return nil, invalid("%d of %d elements", k, size)
	}
	shape := slices.Clone(t.shape)
	shape[a] = int64(k)
	v := &tensor{elem: t.elem, shape: shape, nums: make([]float64, before*k*after)}
	at := &tensor{elem: typeInt64, shape: shape, nums: make([]float64, before*k*after)}
	order := make([]int, size)
	for b := range before {
		for c := range after {
			value := func(i int) float64 { return t.nums[(b*size+i)*after+c] }
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(x, y int) int {
				if largest {
					x, y = y, x
					if value(x) == value(y) {
						return cmp.Compare(y, x)
					}
				}
				return cmp.Compare(value(x), value(y))
			})
			for i := range k {
				to := (b*k+i)*after + c
				v.nums[to], at.nums[to] = value(order[i]), float64(order[i])
			}
		}
	}
	return []*tensor{v, at}, nil
}
