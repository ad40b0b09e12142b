package survival

import (
	"math"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// columns is a matrix, row by row, with columns centred and scaled.
type columns struct {
	p           int
	rows        []float64
	mean, scale []float64
}

// newColumns standardises x; weighted means are used. A missing or infinite cell
// is of kind Invalid.
func newColumns(x *table.Matrix, d *Data) (*columns, error) {
	if x.Rows != len(d.Time) {
		return nil, errs.New(errs.Invalid, "%d rows of columns but %d times", x.Rows, len(d.Time))
	}
	c := &columns{p: x.Cols, rows: make([]float64, x.Rows*x.Cols), mean: make([]float64, x.Cols), scale: make([]float64, x.Cols)}
	for j := range x.Cols {
		all, squares := 0.0, 0.0
		for i, v := range x.Col(j) {
			if v-v != 0 {
				name := "column " + strconv.Itoa(j+1)
				if x.Names != nil {
					name = x.Names[j]
				}
				return nil, &errs.Input{Row: i + 2, Column: name, Problem: "the value is missing or infinite", Mend: "fill it or leave the row out"}
			}
			c.mean[j] += d.weight(i) * v
			all += d.weight(i)
		}
		c.mean[j] /= all
		for i, v := range x.Col(j) {
			v -= c.mean[j]
			c.rows[i*x.Cols+j] = v
			squares += d.weight(i) * v * v
		}
		s := math.Sqrt(squares / all)
		if !(s > 1e-14*math.Abs(c.mean[j])) || math.IsInf(s, 0) {
			s = 1
		}
		c.scale[j] = s
		for i := range x.Rows {
			c.rows[i*x.Cols+j] /= s
		}
	}
	return c, nil
}

func (c *columns) row(i int) []float64 { return c.rows[i*c.p : (i+1)*c.p] }

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
