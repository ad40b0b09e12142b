package linear

// haveAVX2 is whether the machine has AVX2 and FMA and the system keeps their
// registers.
var haveAVX2 = detectAVX2()

func detectAVX2() bool {
	const fma, osxsave, avx, avx2 = 1 << 12, 1 << 27, 1 << 28, 1 << 5
	if top, _, _, _ := cpuid(0, 0); top < 7 {
		return false
	}
	_, _, c, _ := cpuid(1, 0)
	if c&(fma|osxsave|avx) != fma|osxsave|avx || xgetbv()&6 != 6 {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}

func cpuid(leaf, sub uint32) (a, b, c, d uint32)

func xgetbv() (a uint32)

//go:noescape
func standardiseAVX2(dst, x *float64, n int, m, s float64)

//go:noescape
func mixAVX2(z, x *float64, stride, n int, c *[4]float64)

//go:noescape
func mulAVX2(dst, a, b *float64, n int)

//go:noescape
func tileAVX2(dst *[12]float64, a0, a1, a2, b *float64, stride, n int)

//go:noescape
func momentsAVX2(x *float64, n int, shift float64, out *[2]float64)

//go:noescape
func logisticAVX2(z, y, curve, grown, line *float64, n int, k *[24]float64)
