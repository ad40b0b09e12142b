package linear

import (
	"math"

	"github.com/drivecast/drivecast/table"
)

// Scaler shifts columns to mean 0 and scales them to variance 1.
type Scaler struct {
	Mean  []float64 // of each column; missing values do not count
	Scale []float64 // standard deviation of each column, 1 where that is 0
}

// NewScaler measures the columns of x. NaN does not count; a column without a
// number has mean 0.
func NewScaler(x *table.Matrix) *Scaler {
	s := &Scaler{Mean: make([]float64, x.Cols), Scale: make([]float64, x.Cols)}
	for c := range x.Cols {
		n, sum := 0.0, 0.0
		for _, v := range x.Col(c) {
			if v == v {
				n++
				sum += v
			}
		}
		s.Scale[c] = 1
		if n == 0 {
			continue
		}
		mean, squares := sum/n, 0.0
		for _, v := range x.Col(c) {
			if v == v {
				squares += float64((v - mean) * (v - mean))
			}
		}
		s.Mean[c] = mean
		if sd := math.Sqrt(squares / n); sd > 1e-14*math.Abs(mean) && sd > 0 {
			s.Scale[c] = sd
		}
	}
	return s
}

// Apply returns the scaled columns in a new matrix.
func (s *Scaler) Apply(x *table.Matrix) *table.Matrix {
	out := table.NewMatrix(x.Rows, x.Cols)
	out.Names = x.Names
	for c := range x.Cols {
		dst := out.Col(c)
		for r, v := range x.Col(c) {
			dst[r] = (v - s.Mean[c]) / s.Scale[c]
		}
	}
	return out
}

// Unscale turns a model of scaled columns into the same model of raw ones.
func (s *Scaler) Unscale(m *Logistic) *Logistic {
	out := &Logistic{Labels: m.Labels, Mean: s.Mean}
	for k, coef := range m.Coef {
		raw, b := make([]float64, len(coef)), m.Intercept[k]
		for j, w := range coef {
			raw[j] = w / s.Scale[j]
			b -= raw[j] * s.Mean[j]
		}
		out.Coef = append(out.Coef, raw)
		out.Intercept = append(out.Intercept, b)
	}
	if m.Fill != nil {
		out.Fill = make([]float64, len(m.Fill))
		for j, v := range m.Fill {
			out.Fill[j] = float64(v*s.Scale[j]) + s.Mean[j]
		}
	}
	return out
}
