package search

import (
	"math/bits"
	"math/rand/v2"
)

// The primitive polynomials and first direction numbers of Joe and Kuo,
// "Constructing Sobol sequences with better two-dimensional projections", SIAM
// J. Sci. Comput. 30 (2008), for dimensions 2 to 21.
var joeKuo = [...]struct {
	degree, poly uint
	m            []uint32
}{
	{1, 0, []uint32{1}}, {2, 1, []uint32{1, 3}}, {3, 1, []uint32{1, 3, 1}}, {3, 2, []uint32{1, 1, 1}},
	{4, 1, []uint32{1, 1, 3, 3}}, {4, 4, []uint32{1, 3, 5, 13}}, {5, 2, []uint32{1, 1, 5, 5, 17}}, {5, 4, []uint32{1, 1, 5, 5, 5}},
	{5, 7, []uint32{1, 1, 7, 11, 19}}, {5, 11, []uint32{1, 1, 5, 1, 1}}, {5, 13, []uint32{1, 1, 1, 3, 11}}, {5, 14, []uint32{1, 3, 5, 5, 31}},
	{6, 1, []uint32{1, 3, 3, 9, 7, 49}}, {6, 13, []uint32{1, 1, 1, 15, 21, 21}}, {6, 16, []uint32{1, 3, 1, 13, 27, 49}},
	{6, 19, []uint32{1, 1, 1, 15, 7, 5}}, {6, 22, []uint32{1, 3, 1, 15, 13, 25}}, {6, 25, []uint32{1, 1, 5, 5, 19, 61}},
	{7, 1, []uint32{1, 3, 7, 11, 23, 15, 103}}, {7, 4, []uint32{1, 3, 7, 13, 13, 15, 69}},
}

// sobol is point i of the sequence in n dimensions, scrambled by the seed; seed 0
// scrambles nothing and leaves out the origin. Dimensions beyond 21 are random.
func sobol(i, n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0x50b01))
	fill := rand.New(rand.NewPCG(seed, uint64(i)))
	x := make([]float64, n)
	index := uint32(i)
	if seed == 0 {
		index++
	}
	gray := index ^ index>>1
	for k := range x {
		if k > len(joeKuo) {
			x[k] = fill.Float64()
			continue
		}
		var p uint32
		v := directions(k)
		for g := gray; g != 0; g &= g - 1 {
			p ^= v[bits.TrailingZeros32(g)]
		}
		if seed != 0 {
			p = scramble(p, r.Uint32())
		}
		x[k] = float64(p) / (1 << 32)
	}
	return x
}

// scramble is Owen's nested scrambling of the binary digits of p: each digit is
// flipped or not by a hash of the seed and of the digits before it, so that of
// 2^k points one still lies in each of 2^k cells. The hash is that of Laine and
// Karras as Burley gives it in "Practical Hash-based Owen Scrambling", JCGT 9(4),
// 2020.
func scramble(p, seed uint32) uint32 {
	p = bits.Reverse32(p) + seed
	p ^= p * 0x6c50b47c
	p ^= p * 0xb82f1e52
	p ^= p * 0xc7afe638
	p ^= p * 0x8d22f6e6
	return bits.Reverse32(p)
}

// directions are the direction numbers of dimension k, from 0.
func directions(k int) (v [32]uint32) {
	if k == 0 {
		for j := range v {
			v[j] = 1 << (31 - j)
		}
		return v
	}
	d := joeKuo[k-1]
	s := int(d.degree)
	for j := range v {
		if j < s {
			v[j] = d.m[j] << (31 - j)
			continue
		}
		v[j] = v[j-s] ^ v[j-s]>>s
		for q := 1; q < s; q++ {
			if d.poly>>(s-1-q)&1 == 1 {
				v[j] ^= v[j-q]
			}
		}
	}
	return v
}
