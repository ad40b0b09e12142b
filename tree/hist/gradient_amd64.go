package hist

import "math"

//go:noescape
func logisticAsm(grad, hess, score, y *float32, n int, offset float32)

//go:noescape
func roundNarrowAsm(dst *int32, grad, hess *float32, n int, s *rounding)

//go:noescape
func roundWideAsm(dst *int64, grad, hess *float32, n int, s *rounding)

//go:noescape
func largestAsm(grad, hess *float32, n int) (topG, topH uint32)

// eights returns the part of n that the vector kernels do: 0 without AVX2.
func eights(n int) int {
	if !useAVX2 {
		return 0
	}
	return n &^ 7
}

func logistic(g, h, score, y []float32, offset float32) {
	n := eights(len(g))
	if n > 0 {
		_, _, _ = h[n-1], score[n-1], y[n-1]
		logisticAsm(&g[0], &h[0], &score[0], &y[0], n, offset)
	}
	logisticGo(g[n:], h[n:], score[n:], y[n:], offset)
}

func roundNarrow(dst []int32, g, h []float32, s *rounding) {
	n := eights(len(dst))
	if n > 0 {
		_, _ = g[n-1], h[n-1]
		roundNarrowAsm(&dst[0], &g[0], &h[0], n, s)
	}
	rest := *s
	rest.first += uint32(n)
	roundNarrowGo(dst[n:], g[n:], h[n:], &rest)
}

func roundWide(dst []int64, g, h []float32, s *rounding) {
	n := eights(len(dst))
	if n > 0 {
		_, _ = g[n-1], h[n-1]
		roundWideAsm(&dst[0], &g[0], &h[0], n, s)
	}
	rest := *s
	rest.first += uint32(n)
	roundWideGo(dst[n:], g[n:], h[n:], &rest)
}

func largest(g, h []float32) (topG, topH float32) {
	n := eights(len(g))
	topG, topH = largestGo(g[n:], h[n:])
	if n == 0 {
		return topG, topH
	}
	_ = h[n-1]
	a, b := largestAsm(&g[0], &h[0], n)
	const infinite = 0x7f800000
	return max(topG, math.Float32frombits(min(a, infinite))), max(topH, math.Float32frombits(min(b, infinite)))
}
