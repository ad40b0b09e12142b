// Package rng draws the pseudo-random numbers that numpy's RandomState and
// scikit-learn's trees draw, so that the same seed gives the same splits and the
// same trees.
//
// The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998).
package rng

import "math/bits"

const (
	mtSize  = 624
	mtShift = 397
)

// MT is the state of an MT19937 generator. It is not safe for concurrent use.
type MT struct {
	state [mtSize]uint32
	next  int
}

// New returns the generator that numpy.random.RandomState(seed) holds.
func New(seed uint32) *MT {
	m := &MT{next: mtSize}
	m.state[0] = seed
	for i := 1; i < mtSize; i++ {
		prev := m.state[i-1]
		m.state[i] = 1812433253*(prev^prev>>30) + uint32(i)
	}
	return m
}

func (m *MT) refill() {
	s := &m.state
	for i := range mtSize - mtShift {
		s[i] = twist(s[i], s[i+1]) ^ s[i+mtShift]
	}
	for i := mtSize - mtShift; i < mtSize-1; i++ {
		s[i] = twist(s[i], s[i+1]) ^ s[i+mtShift-mtSize]
	}
	s[mtSize-1] = twist(s[mtSize-1], s[0]) ^ s[mtShift-1]
	m.next = 0
}

func twist(a, b uint32) uint32 {
	y := a&0x80000000 | b&0x7fffffff
	return y>>1 ^ -(y&1)&0x9908b0df
}

// Uint32 returns the next 32 random bits.
func (m *MT) Uint32() uint32 {
	if m.next >= mtSize {
		m.refill()
	}
	y := m.state[m.next]
	m.next++
	return temper(y)
}

func temper(y uint32) uint32 {
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Uint64 returns the next 64 random bits, the high half drawn first.
func (m *MT) Uint64() uint64 {
	hi := uint64(m.Uint32())
	return hi<<32 | uint64(m.Uint32())
}

// Float64 returns a number in [0, 1) with 53 random bits, as random_sample does.
func (m *MT) Float64() float64 {
	a, b := m.Uint32()>>5, m.Uint32()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// Intn returns a whole number in [0, n), drawn as RandomState.randint(n) draws
// it: random bits under the smallest mask are rejected until one fits. n must be
// positive.
func (m *MT) Intn(n uint64) uint64 { return m.upTo(n - 1) }

// upTo returns a whole number in [0, top].
func (m *MT) upTo(top uint64) uint64 {
	if top == 0 {
		return 0
	}
	mask := uint64(1)<<bits.Len64(top) - 1
	for {
		var v uint64
		if top <= 0xffffffff {
			v = uint64(m.Uint32()) & mask
		} else {
			v = m.Uint64() & mask
		}
		if v <= top {
			return v
		}
	}
}

// Count draws Intn(len(counts)) the given number of times, and adds one to counts
// at each. There must be fewer than 1<<32 counts.
func (m *MT) Count(counts []float64, draws int) {
	if len(counts) < 2 {
		for i := range counts {
			counts[i] += float64(draws)
		}
		return
	}
	mask := uint32(1)<<bits.Len32(uint32(len(counts)-1)) - 1
	for draws > 0 {
		if m.next >= mtSize {
			m.refill()
		}
		rest := m.state[m.next:]
		for i, y := range rest {
			v := temper(y) & mask
			if int(v) >= len(counts) {
				continue
			}
			counts[v]++
			if draws--; draws == 0 {
				m.next += i + 1
				return
			}
		}
		m.next = mtSize
	}
}

// Shuffle puts n elements in random order by calling swap, as RandomState.shuffle
// does with an array.
func (m *MT) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, int(m.upTo(uint64(i))))
	}
}

// Perm returns the numbers 0 to n-1 in random order, as RandomState.permutation
// does.
func (m *MT) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	m.Shuffle(n, func(i, j int) { p[i], p[j] = p[j], p[i] })
	return p
}

// Xorshift is the small generator (Marsaglia, 2003) by which scikit-learn's trees
// draw the features of a node.
type Xorshift uint32

// Intn returns a whole number in [0, n); n must be positive.
func (x *Xorshift) Intn(n int) int { return int(x.next()) % n }

// Between returns a number from low to high, both possible.
func (x *Xorshift) Between(low, high float64) float64 {
	return float64((high-low)*float64(x.next()))/(Top-1) + low
}

// Top is one more than the largest value that seeds and Xorshift draws reach.
const Top = 1 << 31

func (x *Xorshift) next() uint32 {
	v := uint32(*x)
	if v == 0 {
		v = 1
	}
	v ^= v << 13
	v ^= v >> 17
	v ^= v << 5
	*x = Xorshift(v)
	return v % Top
}
