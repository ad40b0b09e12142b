package train

import (
	"math"
	"testing"
)

func TestCutAt(t *testing.T) {
	ones := func(n int) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = 1
		}
		return w
	}
	for _, c := range []struct {
		what           string
		scores, weight []float64
		wanted, cut    float64
	}{
		{"all differ", []float64{.9, .8, .7, .6}, ones(4), 2, .8},
		{"equal scores at the cut stay out", []float64{.9, .8, .5, .5, .5, .5}, ones(6), 3, .8},
		{"a few equal scores at the top", []float64{.9, .9, .5}, ones(3), 1, .9},
		{"everything equal", []float64{.1, .1, .1, .1, .1, .1, .1}, ones(7), 1, math.Nextafter(.1, 1)},
		{"weights", []float64{.9, .8, .7}, []float64{1, 10, 1}, 5, .9},
		{"no rows", nil, nil, 1, 1},
		{"more wanted than there is", []float64{.9, .8}, ones(2), 5, .8},
	} {
		if got := cutAt(c.scores, c.weight, c.wanted); got != c.cut {
			t.Errorf("%s: cut at %v, want %v", c.what, got, c.cut)
		}
	}
}
