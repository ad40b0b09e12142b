package onnx

import (
	"math"
	"slices"
	"testing"
)

// counted returns a tensor of the numbers from 0 on.
func counted(shape ...int64) *tensor {
	t := &tensor{elem: typeFloat, shape: shape}
	for i := range t.count() {
		t.nums = append(t.nums, float64(i))
	}
	return t
}

func TestAxes(t *testing.T) {
	a := counted(2, 3)
	ints := func(v ...float64) *tensor { return &tensor{elem: typeInt64, shape: []int64{int64(len(v))}, nums: v} }
	for name, c := range map[string]struct {
		got   func() ([]*tensor, error)
		shape []int64
		nums  []float64
	}{
		"transpose":    {func() ([]*tensor, error) { return transpose(a, nil) }, []int64{3, 2}, []float64{0, 3, 1, 4, 2, 5}},
		"join rows":    {func() ([]*tensor, error) { return concat([]*tensor{a, a}, 0) }, []int64{4, 3}, []float64{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}},
		"join columns": {func() ([]*tensor, error) { return concat([]*tensor{a, a}, -1) }, []int64{2, 6}, []float64{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}},
		"pick rows":    {func() ([]*tensor, error) { return gather(a, ints(-1), 0) }, []int64{1, 3}, []float64{3, 4, 5}},
		"pick columns": {func() ([]*tensor, error) { return extract(a, ints(2, 0)) }, []int64{2, 2}, []float64{2, 0, 5, 3}},
		"pick each": {func() ([]*tensor, error) {
			return gatherElements(a, &tensor{shape: []int64{2, 1}, nums: []float64{1, 2}}, 1)
		}, []int64{2, 1}, []float64{1, 5}},
		"slice": {func() ([]*tensor, error) { return slice(a, []int64{1}, []int64{math.MaxInt64}, []int64{1}, nil) }, []int64{2, 2}, []float64{1, 2, 4, 5}},
		"slice back": {func() ([]*tensor, error) {
			return slice(a, []int64{-1}, []int64{math.MinInt64}, []int64{1}, []int64{-2})
		}, []int64{2, 2}, []float64{2, 0, 5, 3}},
		"slice nothing":    {func() ([]*tensor, error) { return slice(a, []int64{2}, []int64{1}, []int64{1}, nil) }, []int64{2, 0}, nil},
		"expand":           {func() ([]*tensor, error) { return expand(ints(7, 8), []int64{2, 2}) }, []int64{2, 2}, []float64{7, 8, 7, 8}},
		"product":          {func() ([]*tensor, error) { return product(a, ints(1, 0, 2)) }, []int64{2}, []float64{4, 13}},
		"stacked products": {func() ([]*tensor, error) { return product(counted(2, 1, 2), counted(2, 1)) }, []int64{2, 1, 1}, []float64{1, 3}},
		"all": {func() ([]*tensor, error) {
			return folded(a, []bool{true, true}, false, false, reductions["ReduceProd"])
		}, []int64{}, []float64{0}},
		"rows": {func() ([]*tensor, error) {
			return folded(a, []bool{true, false}, true, false, reductions["ReduceMean"])
		}, []int64{1, 3}, []float64{1.5, 2.5, 3.5}},
		"least":   {func() ([]*tensor, error) { return folded(a, []bool{false, true}, false, true, reductions["ArgMin"]) }, []int64{2}, []float64{0, 0}},
		"largest": {func() ([]*tensor, error) { return topK(ints(3, 9, 9, 1), 3, -1, true) }, []int64{3}, []float64{9, 9, 3}},
	} {
		out, err := c.got()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(out[0].shape, c.shape) || !slices.Equal(out[0].nums, c.nums) && len(c.nums)+len(out[0].nums) > 0 {
			t.Errorf("%s: %v of shape %v, not %v of %v", name, out[0].nums, out[0].shape, c.nums, c.shape)
		}
	}
}

func TestAxesThatDoNotFit(t *testing.T) {
	a, huge := counted(2, 3), []int64{1 << 20, 1 << 20}
	for name, f := range map[string]func() ([]*tensor, error){
		"transpose": func() ([]*tensor, error) { return transpose(a, []int64{0, 0}) },
		"join":      func() ([]*tensor, error) { return concat([]*tensor{a, counted(2, 2)}, 0) },
		"pick":      func() ([]*tensor, error) { return gather(a, counted(4), 1) },
		"axis":      func() ([]*tensor, error) { return gather(a, counted(1), 5) },
		"step":      func() ([]*tensor, error) { return slice(a, []int64{0}, []int64{1}, nil, []int64{0}) },
		"expand":    func() ([]*tensor, error) { return expand(counted(1), huge) },
		"product":   func() ([]*tensor, error) { return product(a, a) },
		"nothing":   func() ([]*tensor, error) { return folded(counted(0, 2), []bool{true, false}, false, false, total) },
		"largest":   func() ([]*tensor, error) { return topK(a, 4, 1, true) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestTextsOfColumns(t *testing.T) {
	got := spelled([]float64{1, -1, math.NaN(), 7}, []string{"a", "b"})
	if want := []string{"b", unknownText, "", unknownText}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	hot, err := oneHot(&node{attrs: []attr{{name: "cats_strings", strings: []string{"a", "b"}}}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := hot([]*tensor{{elem: typeString, shape: []int64{2, 1}, strings: []string{"b", "?"}}})
	if err != nil || !slices.Equal(out[0].nums, []float64{0, 1, 0, 0}) {
		t.Errorf("%v, %v", out, err)
	}
}
