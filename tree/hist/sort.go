package hist

import "math"

// orderKey maps a number to an unsigned integer of the same order, -0 before +0.
func orderKey(x float64) uint64 {
	b := math.Float64bits(x)
	return b ^ uint64(int64(b)>>63)>>1 ^ 1<<63
}

// orderValue is the inverse of orderKey.
func orderValue(k uint64) float64 {
	b := k ^ 1<<63
	if int64(b) < 0 {
		b ^= 1<<63 - 1
	}
	return math.Float64frombits(b)
}

// sortFloats sorts numbers without NaN by radix, eleven bits a pass; a pass over
// digits that are all equal is left out.
func sortFloats(v []float64) {
	const digits, radix = 6, 11
	keys, other := make([]uint64, len(v)), make([]uint64, len(v))
	var count [digits][1 << radix]int
	for i, x := range v {
		k := orderKey(x)
		keys[i] = k
		for d := range digits {
			count[d][k>>(d*radix)&(1<<radix-1)]++
		}
	}
	for d := range digits {
		c := &count[d]
		if len(v) > 0 && c[keys[0]>>(d*radix)&(1<<radix-1)] == len(v) {
			continue
		}
		at := 0
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, k := range keys {
			digit := k >> (d * radix) & (1<<radix - 1)
			other[c[digit]] = k
			c[digit]++
		}
		keys, other = other, keys
	}
	for i, k := range keys {
		v[i] = orderValue(k)
	}
}
