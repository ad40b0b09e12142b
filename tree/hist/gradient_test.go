package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func FuzzGradientKernels(f *testing.F) {
	f.Add(uint64(1), float32(1), float32(0))
	f.Add(uint64(2), float32(60), float32(-3))
	f.Fuzz(func(t *testing.T, seed uint64, spread, offset float32) {
		if !(math.Abs(float64(spread)) < 1e6) || !(math.Abs(float64(offset)) < 1e6) {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(100)
		score, y := make([]float32, n), make([]float32, n)
		for i := range score {
			score[i], y[i] = float32(r.NormFloat64())*spread, float32(r.IntN(2))
		}
		g, h, g2, h2 := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		logistic(g, h, score, y, offset)
		logisticGo(g2, h2, score, y, offset)
		if !slices.Equal(g, g2) || !slices.Equal(h, h2) {
			t.Fatal("logistic differs from plain Go")
		}
		for i, s := range score {
			p := 1 / (1 + math.Exp(-float64(s+offset)))
			if math.Abs(float64(g[i])-(p-float64(y[i]))) > 1e-6 {
				t.Fatalf("gradient at %v is %v, want %v", s+offset, g[i], p-float64(y[i]))
			}
		}
		a, b := largest(g, h)
		if a2, b2 := largestGo(g, h); a != a2 || b != b2 {
			t.Fatal("largest differs from plain Go")
		}
		s := rounding{scaleG: narrowG / max(a, 1e-6), scaleH: narrowH / max(b, 1e-6), maxG: narrowG, maxH: narrowH, seed: uint32(seed), first: 5}
		small, small2, wide, wide2 := make([]int32, n), make([]int32, n), make([]int64, n), make([]int64, n)
		roundNarrow(small, g, h, &s)
		roundNarrowGo(small2, g, h, &s)
		roundWide(wide, g, h, &s)
		roundWideGo(wide2, g, h, &s)
		if !slices.Equal(small, small2) || !slices.Equal(wide, wide2) {
			t.Fatal("rounding differs from plain Go")
		}
		for i, e := range small {
			if widen(e) != wide[i] {
				t.Fatal("narrow and wide entries differ")
			}
		}
	})
}

func TestRoundingIsRightOnAverage(t *testing.T) {
	const n = 1 << 16
	g, h, dst := make([]float32, n), make([]float32, n), make([]int32, n)
	for i := range g {
		g[i], h[i] = -0.3, 0.77
	}
	s := rounding{scaleG: 1, scaleH: 1, maxG: narrowG, maxH: narrowH, seed: 9}
	roundNarrow(dst, g, h, &s)
	var sg, sh int64
	for _, e := range dst {
		a, b := unpack(widen(e))
		sg, sh = sg+a, sh+b
	}
	if math.Abs(float64(sg)/n+0.3) > 0.01 || math.Abs(float64(sh)/n-0.77) > 0.01 {
		t.Errorf("means are %v and %v, want -0.3 and 0.77", float64(sg)/n, float64(sh)/n)
	}
}

func TestLargestSeesNaN(t *testing.T) {
	for at := range 17 {
		g, h := make([]float32, 17), make([]float32, 17)
		g[at] = float32(math.NaN())
		if a, _ := largest(g, h); !math.IsInf(float64(a), 1) {
			t.Errorf("NaN at %d: the largest is %v", at, a)
		}
	}
}
