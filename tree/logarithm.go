package tree

import "math"

// logarithm is the natural logarithm of x in (0, 1] with the last bit that
// scikit-learn's entropies have: the logarithm of the GNU C library since 2.28 on
// a processor with fused multiply-add, which is not always the nearest float64.
//
// x is 2^k z; z lies in one of 128 intervals, near whose middle c the table knows
// 1/c and ln c; ln x = k ln 2 + ln c + ln(1+r) with r = z/c - 1, by a polynomial
// (Tang, Table-driven implementation of the logarithm function, 1990). The table
// and the coefficients are that function's.
func logarithm(x float64) float64 {
	bits := math.Float64bits(x)
	const nearOne, first = 0x3fee000000000000, 0x3fe6000000000000
	switch {
	case x == 1:
		return 0
	case bits-nearOne <= 0x308ffffffffff:
		return logNearOne(x - 1)
	case !(x >= 0x1p-1022 && x < 2):
		return math.Log(x)
	}
	above := bits - first
	k := float64(int64(above) >> 52)
	z := math.Float64frombits(bits - above&(0xfff<<52))
	c := &logTable[above>>45&127]
	const ln2High, ln2Low = 0x1.62e42fefa3800p-1, 0x1.ef35793c76730p-45
	r := math.FMA(z, c.inverse, -1)
	w := math.FMA(k, ln2High, c.log)
	high := r + w
	low := math.FMA(k, ln2Low, w-high+r)
	r2 := r * r
	low = math.FMA(r2, -0x1.0000000000001p-1, low)
	p := math.FMA(math.FMA(r, -0x1.55575e506c89fp-3, 0x1.999b324f10111p-3), r2, math.FMA(r, -0x1.fffffffeb4590p-3, 0x1.555555551305bp-2))
	return math.FMA(r*r2, p, low) + high
}

// logNearOne is ln(1+r) for small r.
func logNearOne(r float64) float64 {
	r2 := r * r
	r3 := r * r2
	p := math.FMA(r2, 0x1.78182f7afd085p-4, math.FMA(r, -0x1.999eb43b068ffp-4, 0x1.c7184282ad6cap-4))
	p = math.FMA(r3, -0x1.5521375d145cdp-4, p)
	p = math.FMA(p, r3, math.FMA(r2, -0x1.fffffa4423d65p-4, math.FMA(r, 0x1.24924a344de30p-3, -0x1.55555556745a7p-3)))
	p = math.FMA(p, r3, math.FMA(r2, 0x1.999999995dd0cp-3, math.FMA(r, -0x1.ffffffffffdcbp-3, 0x1.5555555555577p-2)))
	const half = -0.5
	t := math.FMA(r, 0x1p27, r)
	rHigh := math.FMA(-0x1p27, r, t)
	square := rHigh * rHigh
	high := math.FMA(square, half, r)
	low := math.FMA(square, half, r-high)
	low = math.FMA(half*(r-rHigh), r+rHigh, low)
	return high + math.FMA(p, r3, low)
}
