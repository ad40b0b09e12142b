package linear

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// bits lets NaN equal NaN.
func bits(v []float64) []uint64 {
	out := make([]uint64, len(v))
	for i, x := range v {
		out[i] = math.Float64bits(x)
	}
	return out
}

// Both forms of each kernel must give the same bytes.
func FuzzKernelsAgree(f *testing.F) {
	f.Add(uint64(1), 8, 1.0)
	f.Add(uint64(2), 256, 1e3)
	f.Add(uint64(3), 4, 1e-300)
	f.Add(uint64(4), 64, 1e307)
	f.Fuzz(func(t *testing.T, seed uint64, n int, size float64) {
		if !haveAVX2 {
			t.Skip("this machine has no AVX2: there is one form only")
		}
		n = max(4, min(n, 256)) &^ 3
		r := rand.New(rand.NewPCG(seed, 1))
		draw := func(n int) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = r.NormFloat64() * size
			}
			return out
		}
		x, z, c := draw(4*n), draw(n), [4]float64(draw(4))
		var got [2][][]float64
		for i, k := range []kernels{{false}, {true}} {
			add := func(v ...[]float64) { got[i] = append(got[i], v...) }
			dst := make([]float64, n+3)
			k.standardise(dst, x[:n+3], z[0], z[1])
			add(append([]float64(nil), dst...))
			mixed := append([]float64(nil), z...)
			k.mix(mixed, x, n, &c)
			product := make([]float64, n)
			k.mul(product, z, x[n:2*n])
			var tile [12]float64
			k.tile(&tile, [3][]float64{z, x[:n], x[n : 2*n]}, x, n)
			a, b := k.moments(x, z[0])
			add(mixed, product, tile[:], []float64{a, b})
			p, y := append([]float64(nil), z...), make([]float64, n)
			for j := range y {
				y[j] = float64(j % 2)
			}
			curve, grown, line := make([]float64, n), make([]float64, n), make([]float64, n)
			k.logistic(p, y, curve, grown, line)
			add(p, curve, grown, line)
		}
		for i := range got[0] {
			if a, b := got[0][i], got[1][i]; !reflect.DeepEqual(bits(a), bits(b)) && !hasNaN(a) {
				t.Errorf("kernel %d: plain %v, AVX2 %v", i, a, b)
			}
		}
	})
}

// NaNs may differ in sign.
func hasNaN(v []float64) bool {
	for _, x := range v {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

func TestExponential(t *testing.T) {
	for x := 0.0; x > -700; x -= .0371 {
		if got, want := expNegative(x), math.Exp(x); math.Abs(got-want) > 3e-16*want {
			t.Fatalf("exp(%v) is %v, want %v", x, got, want)
		}
	}
	if got := expNegative(math.Inf(-1)); !(got < 1e-300 && got >= 0) {
		t.Errorf("exp(-Inf) is %v", got)
	}
}

func BenchmarkKernels(b *testing.B) {
	x, z, y := make([]float64, 4*128), make([]float64, 128), make([]float64, 128)
	u, v, w := make([]float64, 128), make([]float64, 128), make([]float64, 128)
	for i := range x {
		x[i] = float64(i%17) / 9
	}
	for name, k := range map[string]kernels{"plain": {false}, "AVX2": {haveAVX2}} {
		b.Run("tile/"+name, func(b *testing.B) {
			var out [12]float64
			for b.Loop() {
				k.tile(&out, [3][]float64{x[:128], x[128:256], x[256:384]}, x, 128)
			}
		})
		b.Run("logistic/"+name, func(b *testing.B) {
			for b.Loop() {
				copy(z, x)
				k.logistic(z, y, u, v, w)
			}
		})
	}
}
