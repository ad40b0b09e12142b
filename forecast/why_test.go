package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
)

// groups are n groups of two features each.
func groups(n int) (out []feature.Group) {
	for g := range n {
		out = append(out, feature.Group{Name: string(rune('a' + g)), From: 2 * g, To: 2*g + 2})
	}
	return out
}

func TestWhySharesTheDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 5, 8, 9, 20} {
		width := 2 * n
		f := func(dst, x []float64) { // neither linear nor a sum over groups
			for i := range dst {
				row := x[i*width : (i+1)*width]
				dst[i] = row[0] * row[width-1]
				for j, v := range row {
					dst[i] += math.Sin(v + float64(j))
				}
			}
		}
		row, typical := make([]float64, width), make([]float64, width)
		for j := range row {
			row[j], typical[j] = r.NormFloat64(), r.NormFloat64()
		}
		if n > 1 {
			copy(typical[2:4], row[2:4]) // the second group does not differ
		}
		z := make([]float64, 1)
		f(z, row)
		want := z[0]
		f(z, typical)
		want -= z[0]
		sum, last := 0.0, math.Inf(1)
		for _, b := range forecast.Why(f, groups(n), row, typical) {
			if b.Group == 1 {
				t.Errorf("%d groups: one that does not differ is told", n)
			}
			if b.Adds > last {
				t.Errorf("%d groups: not the largest first", n)
			}
			sum, last = sum+b.Adds, b.Adds
		}
		if math.Abs(sum-want) > 1e-9 {
			t.Errorf("%d groups: the shares add up to %v, want %v", n, sum, want)
		}
	}
}

// A product of two groups is shared evenly; a sum is shared as it is added.
func TestWhyIsShapleys(t *testing.T) {
	f := func(dst, x []float64) {
		for i := range dst {
			v := x[i*6 : i*6+6]
			dst[i] = v[0]*v[2] + 3*v[4]
		}
	}
	got := forecast.Why(f, groups(3), []float64{2, 0, 4, 0, 1, 0}, make([]float64, 6))
	want := map[int]float64{0: 4, 1: 4, 2: 3}
	for _, b := range got {
		if math.Abs(b.Adds-want[b.Group]) > 1e-12 {
			t.Errorf("group %d adds %v, want %v", b.Group, b.Adds, want[b.Group])
		}
	}
	if len(got) != 3 {
		t.Errorf("%d groups are told, want 3", len(got))
	}
}

func TestTypical(t *testing.T) {
	nan := math.NaN()
	x := []float64{1, nan, 5, 2, nan, nan, 9, nan, 7}
	got := forecast.Typical(x, 3, []int{0, 1, 2})
	if got[0] != 2 || got[1] == got[1] || got[2] != 5 {
		t.Errorf("typical is %v, want 2, NaN, 5", got)
	}
}
