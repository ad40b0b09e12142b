package tree

import (
	"math/bits"
	"sync"
)

// rankedColumn is a column as ranks among its distinct values. It is made once
// and shared by all trees.
type rankedColumn struct {
	rank     []uint32 // of each row
	distinct []float32
	close    bool // some neighbours in distinct are one value to a split
}

// rankColumns ranks the columns that have no missing values, on several
// goroutines.
func rankColumns(x [][]float32, hasMissing []bool, workers int) []rankedColumn {
	out := make([]rankedColumn, len(x))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for c := w; c < len(x); c += workers {
				if !hasMissing[c] {
					out[c] = rankColumn(x[c])
				}
			}
		})
	}
	wg.Wait()
	return out
}

func rankColumn(x []float32) rankedColumn {
	keys := make([]uint64, len(x))
	for i, v := range x {
		keys[i] = uint64(orderedBits(v))<<32 | uint64(i)
	}
	keys = radixSort(keys, make([]uint64, len(x)))
	c := rankedColumn{rank: make([]uint32, len(x))}
	for _, k := range keys {
		v := fromOrderedBits(uint32(k >> 32))
		if n := len(c.distinct); n == 0 || v != c.distinct[n-1] {
			c.close = c.close || n > 0 && v <= c.distinct[n-1]+sameValue
			c.distinct = append(c.distinct, v)
		}
		c.rank[uint32(k)] = uint32(len(c.distinct) - 1)
	}
	return c
}

// likelyTies estimates how many of n random rows have another's value.
func (c *rankedColumn) likelyTies(n int) float64 {
	share := float64(n) / float64(len(c.rank))
	return float64(len(c.rank)-len(c.distinct)) * share * share
}

// sortKeys puts keys in ascending order of their bits from shift up, of which
// the smallest and largest are low and high. It returns the slice, of keys and
// spare, that holds the result. counts has room for 2048.
func sortKeys[K uint32 | uint64](keys, spare []K, shift int, low, high K, counts []uint32) []K {
	n := len(keys)
	switch {
	case low == high:
		return keys
	case n <= 24:
		insertKeys(keys)
		return keys
	}
	width := bits.Len64(uint64(high - low))
	digit := min(11, max(5, bits.Len(uint(n))-2))
	passes := (width + digit - 1) / digit
	digit = (width + passes - 1) / passes
	mask, base := K(1)<<digit-1, low<<shift
	counts, spare = counts[:1<<digit], spare[:n]
	for range passes {
		clear(counts)
		for _, k := range keys {
			counts[(k-base)>>shift&mask]++
		}
		at := uint32(0)
		for i, m := range counts {
			counts[i] = at
			at += m
		}
		for _, k := range keys {
			d := (k - base) >> shift & mask
			spare[counts[d]] = k
			counts[d]++
		}
		keys, spare = spare, keys
		shift += digit
	}
	return keys
}

func insertKeys[K uint32 | uint64](keys []K) {
	for i := 1; i < len(keys); i++ {
		k := keys[i]
		j := i
		for j > 0 && keys[j-1] > k {
			keys[j] = keys[j-1]
			j--
		}
		keys[j] = k
	}
}
