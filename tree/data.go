package tree

import (
	"fmt"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// training is data as trees are grown from it.
type training struct {
	x          [][]float32
	hasMissing []bool
	rows       int
	labels     []float64 // nil for a regressor
	class      []int32   // of each row
	target     []float64
	weights    []float64 // of each row, with those of its class; nil for ones
	shares     []float64 // running sum of the weights, 1 at the end; nil unless rows are drawn by weight
	exact      bool      // sums are exact in any order
}

func prepare(x *table.Matrix, y, weights []float64, opt *Options) (*training, error) {
	d := &training{rows: x.Rows, target: y}
	switch {
	case x.Rows == 0 || x.Cols == 0:
		return nil, errs.New(errs.Invalid, "there is no data to learn from: %d rows of %d columns", x.Rows, x.Cols)
	case x.Rows > math.MaxInt32:
		return nil, errs.New(errs.TooLarge, "%d rows are more than the %d that trees can be grown from", x.Rows, math.MaxInt32)
	case len(y) != x.Rows || weights != nil && len(weights) != x.Rows:
		return nil, errs.New(errs.Invalid, "%d rows have %d targets and %d weights", x.Rows, len(y), len(weights))
	case len(x.Data) != x.Rows*x.Cols || x.Names != nil && len(x.Names) != x.Cols:
		return nil, errs.New(errs.Invalid, "a matrix of %d rows and %d columns holds %d numbers and %d names", x.Rows, x.Cols, len(x.Data), len(x.Names))
	}
	if err := d.takeColumns(x); err != nil {
		return nil, err
	}
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errs.New(errs.Invalid, "row %d: the target is %v", i, v)
		}
	}
	if !opt.Regression {
		d.labels = classes(y)
		d.class = make([]int32, len(y))
		for i, v := range y {
			at, _ := slices.BinarySearch(d.labels, v)
			d.class[i] = int32(at)
		}
	}
	return d, d.takeWeights(weights, opt)
}

func (d *training) takeColumns(x *table.Matrix) error {
	all := make([]float32, len(x.Data))
	d.x, d.hasMissing = make([][]float32, x.Cols), make([]bool, x.Cols)
	for c := range x.Cols {
		d.x[c] = all[c*x.Rows : (c+1)*x.Rows]
		for r, v := range x.Col(c) {
			f := float32(v)
			if math.IsInf(float64(f), 0) {
				return errs.New(errs.Invalid, "column %s, row %d: %v is too large for float32", columnName(x, c), r, v)
			}
			d.hasMissing[c] = d.hasMissing[c] || isNaN(f)
			d.x[c][r] = f
		}
	}
	return nil
}

func columnName(x *table.Matrix, c int) string {
	if x.Names != nil {
		return fmt.Sprintf("%q", x.Names[c])
	}
	return fmt.Sprint(c)
}

func classes(y []float64) []float64 {
	out := slices.Clone(y)
	slices.Sort(out)
	return slices.Compact(out)
}
