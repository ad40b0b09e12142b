package eval

import "math"

// orderKey maps a float64 to a number whose order is the reverse of its own, so
// that sorting keys upwards sorts scores downwards. -0 and 0 are equal.
func orderKey(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 == 1 {
		return b
	}
	return ^b &^ (1 << 63)
}

// scoreOf is the inverse of orderKey.
func scoreOf(k uint64) float64 {
	if k>>63 == 1 {
		return math.Float64frombits(k)
	}
	return math.Float64frombits(^k &^ (1 << 63))
}

const (
	digitBits = 11
	digits    = 6 // of 11 bits, 66 in all
)

// sortKeys sorts keys upwards by their digits, the least first (LSD radix sort;
// Knuth, The Art of Computer Programming 3, §5.2.5), leaving out digits in which
// all agree. It returns the sorted slice, which is keys or spare. The payload, one
// a key or nil, is moved along; equal keys keep their order.
func sortKeys(keys, spare []uint64, payload, spareLoad []float64) ([]uint64, []float64) {
	if len(keys) < 2 {
		return keys, payload
	}
	var count [digits][1 << digitBits]uint32
	for _, k := range keys {
		for d := range digits {
			count[d][k>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	for d := range digits {
		at := &count[d]
		if int(at[keys[0]>>(d*digitBits)&(1<<digitBits-1)]) == len(keys) {
			continue
		}
		total := uint32(0)
		for i, c := range at {
			at[i] = total
			total += c
		}
		scatter(keys, spare, payload, spareLoad, at, d*digitBits)
		keys, spare = spare, keys
		payload, spareLoad = spareLoad, payload
	}
	return keys, payload
}

func scatter(keys, to []uint64, payload, loadTo []float64, at *[1 << digitBits]uint32, shift int) {
	if payload == nil {
		for _, k := range keys {
			d := k >> shift & (1<<digitBits - 1)
			to[at[d]] = k
			at[d]++
		}
		return
	}
	for i, k := range keys {
		d := k >> shift & (1<<digitBits - 1)
		to[at[d]], loadTo[at[d]] = k, payload[i]
		at[d]++
	}
}
