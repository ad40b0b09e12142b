package hist

// partitioner keeps the rows of each node together.
type partitioner struct {
	rows  []uint32 // row numbers, lookAhead more
	other []uint32
	same  []uint32 // 0, 1, 2, …
}

// fewSplit is the number of rows below which one goroutine splits a node.
const fewSplit = 1 << 14

func newPartitioner(rows int) *partitioner {
	p := &partitioner{make([]uint32, rows+lookAhead), make([]uint32, rows), make([]uint32, rows)}
	for i := range p.same {
		p.same[i] = uint32(i)
	}
	return p
}

// split moves the rows lo..hi-1 whose bin goes left to the front, in order, and
// returns where the right ones begin. Up to parts goroutines do it.
func (p *partitioner) split(lo, hi int, column []uint8, left *[256]uint8, parts int) int {
	if hi-lo < fewSplit {
		parts = 1
	}
	lefts := make([]int, parts)
	parallel(parts, func(k int) {
		from, to := span(hi-lo, k, parts, 1)
		lefts[k] = divide(p.rows[lo+from:lo+to], p.other[lo+from:lo+to], column, left)
	})
	at := lo
	for k, n := range lefts {
		from, _ := span(hi-lo, k, parts, 1)
		if at != lo+from {
			copy(p.rows[at:at+n], p.rows[lo+from:])
		}
		at += n
	}
	middle := at
	for k, n := range lefts {
		from, to := span(hi-lo, k, parts, 1)
		at += copy(p.rows[at:], p.other[lo+from:lo+to-n])
	}
	return middle
}

// divide keeps the rows that go left at the front of rows, writes the others to
// other, and returns the number of the former. Both are written for each row, so
// that there is no branch to predict.
func divide(rows, other []uint32, column []uint8, left *[256]uint8) int {
	i, other := 0, other[:len(rows)]
	for at, r := range rows {
		other[at-i] = r
		rows[i] = r
		i += int(left[column[r]])
	}
	return i
}
