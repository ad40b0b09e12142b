//go:build !amd64

package linear

const haveAVX2 = false

func standardiseAVX2(dst, x *float64, n int, m, s float64)                  { panic("no AVX2") }
func mixAVX2(z, x *float64, stride, n int, c *[4]float64)                   { panic("no AVX2") }
func mulAVX2(dst, a, b *float64, n int)                                     { panic("no AVX2") }
func tileAVX2(dst *[12]float64, a0, a1, a2, b *float64, stride, n int)      { panic("no AVX2") }
func momentsAVX2(x *float64, n int, shift float64, out *[2]float64)         { panic("no AVX2") }
func logisticAVX2(z, y, curve, grown, line *float64, n int, k *[24]float64) { panic("no AVX2") }
