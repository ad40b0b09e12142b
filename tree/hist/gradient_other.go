//go:build !amd64

package hist

func logistic(g, h, score, y []float32, offset float32) { logisticGo(g, h, score, y, offset) }

func roundNarrow(dst []int32, g, h []float32, s *rounding) { roundNarrowGo(dst, g, h, s) }

func roundWide(dst []int64, g, h []float32, s *rounding) { roundWideGo(dst, g, h, s) }

func largest(g, h []float32) (topG, topH float32) { return largestGo(g, h) }
