package hist

func largest(g, h []float32) (float32, float32)            { return largestGo(g, h) }
func roundWide(dst []int64, g, h []float32, s *rounding)   { roundWideGo(dst, g, h, s) }
func roundNarrow(dst []int32, g, h []float32, s *rounding) { roundNarrowGo(dst, g, h, s) }
func logistic(g, h, score, y []float32, offset float32)    { logisticGo(g, h, score, y, offset) }
