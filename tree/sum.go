package tree

// sum adds up as numpy.sum does: in blocks of up to 128 with eight running sums,
// halves of longer slices first (pairwise summation).
func sum(a []float64) float64 {
	n := len(a)
	switch {
	case n < 8:
		s := 0.0
		for _, v := range a {
			s += v
		}
		return s
	case n <= 128:
		r := [8]float64(a[:8])
		i := 8
		for ; i+8 <= n; i += 8 {
			for j := range r {
				r[j] += a[i+j]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for _, v := range a[i:] {
			s += v
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return sum(a[:half]) + sum(a[half:])
}
