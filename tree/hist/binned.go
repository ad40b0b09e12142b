package hist

import (
	"math"
	"math/bits"

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
// halving a table of 256 bounds, padded with the largest; keys that have the
// numbers' order make the halving free of branches.
func (c *BinColumn) binAll(dst []uint8, xs []float64) {
	if c.Categories != nil {
		c.binCategories(dst, xs)
		return
	}
	var bound [256]uint64
	for i := range bound {
		bound[i] = math.MaxUint64
		if i < len(c.Upper) {
			bound[i] = orderKey(c.Upper[i] + 0)
		}
	}
	missing := uint8(c.Count() - 1)
	n := len(xs) &^ 3
	for i := 0; i < n; i += 4 {
		x := (*[4]float64)(xs[i:])
		k0, k1, k2, k3 := orderKey(x[0]+0), orderKey(x[1]+0), orderKey(x[2]+0), orderKey(x[3]+0)
		var p0, p1, p2, p3 uint64
		for half := uint64(128); half > 0; half >>= 1 {
			_, b0 := bits.Sub64(bound[uint8(p0+half-1)], k0, 0)
			_, b1 := bits.Sub64(bound[uint8(p1+half-1)], k1, 0)
			_, b2 := bits.Sub64(bound[uint8(p2+half-1)], k2, 0)
			_, b3 := bits.Sub64(bound[uint8(p3+half-1)], k3, 0)
			p0, p1, p2, p3 = p0+half&-b0, p1+half&-b1, p2+half&-b2, p3+half&-b3
		}
		d := (*[4]uint8)(dst[i:])
		d[0], d[1], d[2], d[3] = uint8(p0), uint8(p1), uint8(p2), uint8(p3)
		if x[0] != x[0] || x[1] != x[1] || x[2] != x[2] || x[3] != x[3] {
			for k, v := range x {
				if v != v {
					d[k] = missing
				}
			}
		}
	}
	for i := n; i < len(xs); i++ {
		dst[i] = c.bin(xs[i])
	}
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
