package hist

// A histogram entry packs two sums in one word: the gradient in the upper half,
// signed, and the hessian in the lower half. One integer addition adds both.

// pack returns the entry of gradient g and hessian h >= 0.
func pack(g, h int64) int64 { return g<<32 + h }

// unpack returns an entry's gradient and hessian.
func unpack(e int64) (g, h int64) { return e >> 32, e & 0xffffffff }

// blockRows is how many rows are added at a time. Gradients of at most narrowG
// and hessians of at most narrowH then fit the halves of a 32-bit entry.
const (
	blockRows = 2048
	narrowG   = 15
	narrowH   = 31
)

// fewRows is the size of a node below which emptying 32-bit entries costs more
// than they save.
const fewRows = 1024

// cachedRows is how many scattered rows stay in the first-level cache while one
// column after another is taken from them.
const cachedRows = 256

// lookAhead is how many row numbers past the end of a list the kernels may read
// to fetch their bins early.
const lookAhead = 16

// accumulator adds rows to histograms. Each goroutine has its own.
type accumulator struct {
	data  *binned
	wide  []int64 // entry of each row, or nil
	small []int32 // entry of each row with 16-bit halves, or nil
	buf   [blockRows]int64
	buf32 [blockRows]int32
	part  [group * width]int32
}

// add adds the rows to hist, which has stride*width entries, for all columns.
// rows must be followed by lookAhead readable row numbers.
func (a *accumulator) add(hist []int64, rows []uint32) {
	d := a.data
	for at := 0; at < len(rows); at += blockRows {
		block := rows[at:min(at+blockRows, len(rows))]
		narrow := a.small != nil && len(rows) >= fewRows
		a.gather(block, narrow)
		for c := 0; c < d.stride; c += group {
			h, bins := hist[c*width:], d.byRow[c:]
			four := d.stride-c < group
			switch {
			case four && narrow:
				add4Narrow(a.part[:], bins, d.stride, block, a.buf32[:])
				empty(h[:4*width], a.part[:4*width])
			case four:
				add4(h, bins, d.stride, block, a.buf[:])
			case narrow:
				add8Narrow(a.part[:], bins, d.stride, block, a.buf32[:])
				empty(h[:group*width], a.part[:])
			default:
				add8(h, bins, d.stride, block, a.buf[:])
			}
		}
	}
}

// addColumns adds the rows to hist for the listed columns only; column number i
// of the list has entries i*width and on.
func (a *accumulator) addColumns(hist []int64, rows []uint32, columns []int) {
	d := a.data
	sparse, step := len(rows) < d.rows/16, blockRows
	if sparse {
		step = cachedRows
	}
	for at := 0; at < len(rows); at += step {
		block := rows[at:min(at+step, len(rows))]
		a.gather(block, false)
		for i, c := range columns {
			if sparse {
				add1(hist[i*width:(i+1)*width], d.byRow[c:], d.stride, block, a.buf[:])
			} else {
				add1(hist[i*width:(i+1)*width], d.byCol[c], 1, block, a.buf[:])
			}
		}
	}
}

// gather fills buf, or with narrow buf32, with the entries of the rows.
func (a *accumulator) gather(block []uint32, narrow bool) {
	switch {
	case a.small == nil:
		for i, r := range block {
			a.buf[i] = a.wide[r]
		}
	case narrow:
		for i, r := range block {
			a.buf32[i] = a.small[r]
		}
	default:
		for i, r := range block {
			a.buf[i] = widen(a.small[r])
		}
	}
}

// widen turns an entry with 16-bit halves into one with 32-bit halves.
func widen(e int32) int64 { return int64(e>>16)<<32 + int64(e&0xffff) }

// add8Go is add8 in plain Go: hist[c*width+bins[r*stride+c]] += entry for the
// first eight columns of each row r; entries are in the order of rows.
func add8Go(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	h := (*[group * width]int64)(hist)
	for i, r := range rows {
		e, b := entries[i], (*[group]uint8)(bins[int(r)*stride:])
		h[int(b[0])] += e
		h[1*width+int(b[1])] += e
		h[2*width+int(b[2])] += e
		h[3*width+int(b[3])] += e
		h[4*width+int(b[4])] += e
		h[5*width+int(b[5])] += e
		h[6*width+int(b[6])] += e
		h[7*width+int(b[7])] += e
	}
}

// add4Go is add4 in plain Go: add8 for four columns.
func add4Go(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	h := (*[4 * width]int64)(hist)
	for i, r := range rows {
		e, b := entries[i], (*[4]uint8)(bins[int(r)*stride:])
		h[int(b[0])] += e
		h[1*width+int(b[1])] += e
		h[2*width+int(b[2])] += e
		h[3*width+int(b[3])] += e
	}
}

// add1Go is add1 in plain Go: add8 for one column.
func add1Go(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	h := (*[width]int64)(hist)
	for i, r := range rows {
		h[bins[int(r)*stride]] += entries[i]
	}
}

// add8NarrowGo is add8Narrow in plain Go: add8 for entries with 16-bit halves.
func add8NarrowGo(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	h := (*[group * width]int32)(hist)
	for i, r := range rows {
		e, b := entries[i], (*[group]uint8)(bins[int(r)*stride:])
		h[int(b[0])] += e
		h[1*width+int(b[1])] += e
		h[2*width+int(b[2])] += e
		h[3*width+int(b[3])] += e
		h[4*width+int(b[4])] += e
		h[5*width+int(b[5])] += e
		h[6*width+int(b[6])] += e
		h[7*width+int(b[7])] += e
	}
}

// add4NarrowGo is add4Narrow in plain Go: add8Narrow for four columns.
func add4NarrowGo(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	h := (*[4 * width]int32)(hist)
	for i, r := range rows {
		e, b := entries[i], (*[4]uint8)(bins[int(r)*stride:])
		h[int(b[0])] += e
		h[1*width+int(b[1])] += e
		h[2*width+int(b[2])] += e
		h[3*width+int(b[3])] += e
	}
}

// emptyGo is empty in plain Go: adds part's entries to hist and clears part.
func emptyGo(hist []int64, part []int32) {
	for i, e := range part {
		hist[i] += widen(e)
	}
	clear(part)
}
