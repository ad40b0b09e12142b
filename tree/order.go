package tree

import (
	"math"
	"math/bits"
)

// sorter puts values and the rows they belong to in ascending order of value.
// The faithful sorters leave equal values where scikit-learn leaves them.
type sorter func(v []float32, rows []int32)

// sortByRank sorts the node's rows by a column, unless equal values would have
// to be left in scikit-learn's order: it reports whether it did.
func (s *splitter) sortByRank(col *rankedColumn) bool {
	v, rows := s.values[:len(s.rows)], s.rows
	if !s.exact && col.likelyTies(len(rows)) > 0.7 {
		return false
	}
	keys := s.keys[:len(rows)]
	low, high := uint64(math.MaxUint64), uint64(0)
	for i, r := range rows {
		k := uint64(col.rank[r])<<32 | uint64(r)
		keys[i] = k
		low, high = min(low, k), max(high, k)
	}
	keys = sortKeys(keys, s.spare, 32, low>>32, high>>32, s.counts)
	if !s.exact {
		for i := 1; i < len(keys); i++ {
			if keys[i]>>32 == keys[i-1]>>32 {
				return false
			}
		}
	}
	for i, k := range keys {
		v[i], rows[i] = col.distinct[k>>32], int32(uint32(k))
	}
	return true
}

// orderedBits maps a float32 to an integer of the same order; -0 equals 0.
func orderedBits(x float32) uint32 {
	b := math.Float32bits(x + 0)
	if b&(1<<31) != 0 {
		return ^b
	}
	return b | 1<<31
}

func fromOrderedBits(k uint32) float32 {
	if k&(1<<31) != 0 {
		return math.Float32frombits(k &^ (1 << 31))
	}
	return math.Float32frombits(^k)
}

// radixSort sorts keys by their high 32 bits, 11 bits a pass, and returns the
// slice, of the two, that holds the result.
func radixSort(keys, spare []uint64) []uint64 {
	var counts [3][2048]int32
	for _, k := range keys {
		counts[0][k>>32&2047]++
		counts[1][k>>43&2047]++
		counts[2][k>>54]++
	}
	for pass, shift := range [3]uint{32, 43, 54} {
		c := &counts[pass]
		if c[keys[0]>>shift&2047] == int32(len(keys)) {
			continue
		}
		at := int32(0)
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, k := range keys {
			d := k >> shift & 2047
			spare[c[d]] = k
			c[d]++
		}
		keys, spare = spare, keys
	}
	return keys
}

// depthLimit is where an introsort (Musser, 1997) gives up on partitioning.
func depthLimit(n int) int { return 2 * (bits.Len(uint(n)) - 1) }

// sortSklearn18 leaves equal values where scikit-learn up to 1.8 leaves them.
func sortSklearn18(v []float32, rows []int32) {
	if len(v) > 0 {
		partitionSort(v, rows, depthLimit(len(v)), 1)
	}
}

// sortSklearn19 leaves equal values where scikit-learn from 1.9 leaves them: runs
// of up to 15 are sorted by insertion.
func sortSklearn19(v []float32, rows []int32) {
	if len(v) > 0 {
		partitionSort(v, rows, depthLimit(len(v)), 15)
	}
}

// partitionSort is a quicksort that divides in three (less, equal, greater)
// around a median of three, turns to heap sort at depth 0, and finishes runs of
// at most short values by insertion.
func partitionSort(v []float32, rows []int32, depth, short int) {
	for len(v) > short {
		if depth == 0 {
			heapSort(v, rows)
			return
		}
		depth--
		pivot := median3(v[0], v[len(v)/2], v[len(v)-1])
		i, l, r := 0, 0, len(v)
		for i < r {
			switch {
			case v[i] < pivot:
				swap(v, rows, i, l)
				i++
				l++
			case v[i] > pivot:
				r--
				swap(v, rows, i, r)
			default:
				i++
			}
		}
		partitionSort(v[:l], rows[:l], depth, short)
		v, rows = v[r:], rows[r:]
	}
	insertionSort(v, rows)
}

func swap(v []float32, rows []int32, i, j int) {
	v[i], v[j] = v[j], v[i]
	rows[i], rows[j] = rows[j], rows[i]
}

func median3(a, b, c float32) float32 {
	switch {
	case a < b && b < c:
		return b
	case a < b && a < c:
		return c
	case a < b:
		return a
	case b < c && a < c:
		return a
	case b < c:
		return c
	}
	return b
}

func insertionSort(v []float32, rows []int32) {
	for i := 1; i < len(v); i++ {
		x, row := v[i], rows[i]
		j := i
		for j > 0 && v[j-1] > x {
			v[j], rows[j] = v[j-1], rows[j-1]
			j--
		}
		v[j], rows[j] = x, row
	}
}

func heapSort(v []float32, rows []int32) {
	n := len(v)
	for root := (n - 2) / 2; root >= 0; root-- {
		siftDown(v, rows, root, n)
	}
	for end := n - 1; end > 0; end-- {
		swap(v, rows, 0, end)
		siftDown(v, rows, 0, end)
	}
}

func siftDown(v []float32, rows []int32, root, end int) {
	for {
		child, top := 2*root+1, root
		if child < end && v[top] < v[child] {
			top = child
		}
		if child+1 < end && v[top] < v[child+1] {
			top = child + 1
		}
		if top == root {
			return
		}
		swap(v, rows, root, top)
		root = top
	}
}
