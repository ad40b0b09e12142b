package linear

import "math"

// The kernels of a pass over rows. Each has a form in Go and one in AVX2 with
// fused multiply-adds, four numbers at a time; both do the same operations in the
// same order, so that their results have the same bytes. Lengths are multiples of
// 4 and above 0.

// kernels chooses the form of a pass.
type kernels struct{ avx2 bool }

// standardise writes (x - m)·s.
func (k kernels) standardise(dst, x []float64, m, s float64) {
	n := len(x) &^ 3
	if k.avx2 && n > 0 {
		standardiseAVX2(&dst[0], &x[0], n, m, s)
	} else {
		n = 0
	}
	for i := n; i < len(x); i++ {
		dst[i] = (x[i] - m) * s
	}
}

// mix adds c[j] times column j to z, for four columns of x, stride apart.
func (k kernels) mix(z, x []float64, stride int, c *[4]float64) {
	if k.avx2 {
		mixAVX2(&z[0], &x[0], stride, len(z), c)
		return
	}
	for i := range z {
		v := math.FMA(c[0], x[i], z[i])
		v = math.FMA(c[1], x[stride+i], v)
		v = math.FMA(c[2], x[2*stride+i], v)
		z[i] = math.FMA(c[3], x[3*stride+i], v)
	}
}

// mul writes a·b.
func (k kernels) mul(dst, a, b []float64) {
	if k.avx2 {
		mulAVX2(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// tile writes the inner products of three columns with four others, those stride
// apart.
func (k kernels) tile(dst *[12]float64, a [3][]float64, b []float64, stride int) {
	n := len(a[0])
	if k.avx2 {
		tileAVX2(dst, &a[0][0], &a[1][0], &a[2][0], &b[0], stride, n)
		return
	}
	for r, col := range a {
		for c := range 4 {
			dst[4*r+c] = inner(col, b[c*stride:c*stride+n])
		}
	}
}

// inner is the inner product in four lanes.
func inner(a, b []float64) float64 {
	var s [4]float64
	for i := 0; i+4 <= len(a); i += 4 {
		for l := range 4 {
			s[l] = math.FMA(a[i+l], b[i+l], s[l])
		}
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

// moments adds up x - shift and its square.
func (k kernels) moments(x []float64, shift float64) (sum, squares float64) {
	n := len(x) &^ 3
	var out [2]float64
	if k.avx2 && n > 0 {
		momentsAVX2(&x[0], n, shift, &out)
	} else {
		var a, b [4]float64
		for i := 0; i < n; i += 4 {
			for l := range 4 {
				d := x[i+l] - shift
				a[l] += d
				b[l] = math.FMA(d, d, b[l])
			}
		}
		out[0] = (a[0] + a[2]) + (a[1] + a[3])
		out[1] = (b[0] + b[2]) + (b[1] + b[3])
	}
	for _, v := range x[n:] {
		d := v - shift
		out[0] += d
		out[1] = math.FMA(d, d, out[1])
	}
	return out[0], out[1]
}

// expTable holds the constants of the exponential: e^x = 2^n e^r with r in
// ±ln 2 / 2, and e^r by its series up to r¹³/13!, which leaves 4e-18.
var expTable = [24]float64{
	math.Log2E, 0x1.8p52, 0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45, -708, math.Copysign(0, -1), 1,
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
	1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
}

// expNegative is e^x for x ≤ 0, that of -708 below it; NaN counts as -708.
func expNegative(x float64) float64 {
	if !(x > -708) {
		x = -708
	}
	t := math.FMA(x, expTable[0], expTable[1])
	n := t - expTable[1]
	r := math.FMA(-n, expTable[2], x)
	r = math.FMA(-n, expTable[3], r)
	s := expTable[7]
	for _, c := range expTable[8:19] {
		s = math.FMA(s, r, c)
	}
	s = math.FMA(s, r, 1)
	s = math.FMA(s, r, 1)
	return s * math.Float64frombits(math.Float64bits(t)<<52+math.Float64bits(1))
}

// logistic takes raw values z and classes y (0 or 1) to the residuals p - y, in
// z, the curvature p(1-p), and the loss as log(grown) + line: grown is
// 1 + exp(-|z|), line is max(z, 0) - y·z.
func (k kernels) logistic(z, y, curve, grown, line []float64) {
	if k.avx2 {
		logisticAVX2(&z[0], &y[0], &curve[0], &grown[0], &line[0], len(z), &expTable)
		return
	}
	for i, v := range z {
		e := expNegative(-math.Abs(v))
		g := 1 + e
		d := 1 / g
		p, q := d, e*d
		curve[i] = q * d
		grown[i] = g
		if math.Signbit(v) {
			p = q
		}
		top := 0.0
		if v > 0 {
			top = v
		}
		line[i] = math.FMA(-v, y[i], top)
		z[i] = p - y[i]
	}
}
