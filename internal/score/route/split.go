package route

import "math"

// split gives each key to one of several names, in proportion to their weights, by
// weighted rendezvous hashing: every name draws a number from the hash of key and
// name, and the least -ln(u)/weight wins. A change of one weight moves only keys
// to or from its name (Schindelhauer and Schomaker, Weighted distributed hash
// tables, 2005).
type split struct {
	seeds   []uint64 // hash of each name
	weights []float64
}

func newSplit(names []string, weights []float64) split {
	s := split{weights: weights}
	for _, n := range names {
		s.seeds = append(s.seeds, hash(14695981039346656037, n))
	}
	return s
}

// pick returns the index of the name that the key belongs to.
func (s split) pick(key string) int {
	best, least := 0, math.Inf(1)
	for i, w := range s.weights {
		if w <= 0 {
			continue
		}
		u := (float64(mix(hash(s.seeds[i], key))>>11) + .5) / (1 << 53)
		if d := -math.Log(u) / w; d < least {
			best, least = i, d
		}
	}
	return best
}

// hash is FNV-1a (64 bits) going on from a state.
func hash(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix spreads every bit over all others: the finalizer of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
