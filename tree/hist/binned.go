package hist

import (
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// group is how many columns the accumulators take at a time: their histograms
// fit the first-level cache together.
const group = 8

// width is the stride of a column's histogram: a bin is one byte.
const width = 256

// binned is a matrix of bins, kept twice: row by row for histograms, column by
// column for partitions.
type binned struct {
	bins   *Bins
	rows   int
	cols   int
	stride int       // bytes a row: cols rounded up to a multiple of four
	byRow  []uint8   // rows*stride, and a group more
	byCol  [][]uint8 // cols × rows
}

// bin cuts x.
func (b *Bins) bin(x *table.Matrix, workers int) (*binned, error) {
	if len(b.Columns) != x.Cols {
		return nil, errs.New(errs.Invalid, "the bins are for %d columns, the data has %d", len(b.Columns), x.Cols)
	}
	if x.Rows >= math.MaxInt32 {
		return nil, errs.New(errs.TooLarge, "%d rows are too many for one process: at most 2147483646", x.Rows)
	}
	d := &binned{bins: b, rows: x.Rows, cols: x.Cols, stride: (x.Cols + 3) &^ 3}
	d.byRow = make([]uint8, d.rows*d.stride+group)
	d.byCol = make([][]uint8, d.cols)
	for c := range d.byCol {
		d.byCol[c] = make([]uint8, d.rows)
	}
	parallel(workers, func(k int) {
		lo, hi := span(d.rows, k, workers, 4096)
		for c := range d.byCol {
			b.Columns[c].binAll(d.byCol[c][lo:hi], x.Col(c)[lo:hi])
		}
		d.transpose(lo, hi)
	})
	return d, nil
}

// transpose fills byRow from byCol in blocks that stay in cache.
func (d *binned) transpose(lo, hi int) {
	const block = 1024
	for at := lo; at < hi; at += block {
		end := min(at+block, hi)
		for c, col := range d.byCol {
			dst := d.byRow[at*d.stride+c:]
			for i, v := range col[at:end] {
				dst[i*d.stride] = v
			}
		}
	}
}

// binAll writes the bin of each x to dst. Numbers are found four at a time by
// halving a table of 256 bounds, padded with +Inf.
func (c *BinColumn) binAll(dst []uint8, xs []float64) {
	if c.Categories != nil {
		c.binCategories(dst, xs)
		return
	}
	var bound [256]float64
	for i := range bound {
		bound[i] = math.Inf(1)
	}
	copy(bound[:], c.Upper)
	missing := uint8(c.Count() - 1)
	n := len(xs) &^ 3
	for i := 0; i < n; i += 4 {
		x0, x1, x2, x3 := xs[i], xs[i+1], xs[i+2], xs[i+3]
		var p0, p1, p2, p3 uint8
		for half := uint8(128); half > 0; half >>= 1 {
			p0 += step(bound[p0+half-1], x0, half)
			p1 += step(bound[p1+half-1], x1, half)
			p2 += step(bound[p2+half-1], x2, half)
			p3 += step(bound[p3+half-1], x3, half)
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = p0, p1, p2, p3
		if x0 != x0 || x1 != x1 || x2 != x2 || x3 != x3 {
			for k, x := range xs[i : i+4] {
				if x != x {
					dst[i+k] = missing
				}
			}
		}
	}
	for i := n; i < len(xs); i++ {
		dst[i] = c.bin(xs[i])
	}
}

// step returns by when bound < x, else 0.
func step(bound, x float64, by uint8) uint8 {
	if bound < x {
		return by
	}
	return 0
}

func (c *BinColumn) binCategories(dst []uint8, xs []float64) {
	place := map[int32]uint8{}
	for i, k := range c.Categories {
		place[k] = uint8(i)
	}
	missing := uint8(len(c.Categories))
	for i, x := range xs {
		dst[i] = missing
		if p, ok := place[int32(x)]; ok && x >= 0 {
			dst[i] = p
		}
	}
}
