package eval

// sum adds v pairwise, in blocks of at most 128 with eight running sums, which
// keeps the rounding error at O(log n) and gives numpy's sum to the last bit.
func sum(v []float64) float64 {
	n := len(v)
	if n > 128 {
		half := n / 2
		half -= half % 8
		return sum(v[:half]) + sum(v[half:])
	}
	if n < 8 {
		s := 0.0
		for _, x := range v {
			s += x
		}
		return s
	}
	r := [8]float64(v)
	i := 8
	for ; i+8 <= n; i += 8 {
		b := v[i : i+8 : i+8]
		r[0] += b[0]
		r[1] += b[1]
		r[2] += b[2]
		r[3] += b[3]
		r[4] += b[4]
		r[5] += b[5]
		r[6] += b[6]
		r[7] += b[7]
	}
	s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < n; i++ {
		s += v[i]
	}
	return s
}

// average is the mean of v, weighted when weight is not nil. v is overwritten.
func average(v, weight []float64) float64 {
	if weight == nil {
		return sum(v) / float64(len(v))
	}
	for i, w := range weight {
		v[i] *= w
	}
	return sum(v) / sum(weight)
}
