// Package linear fits and evaluates linear models.
package linear

import "math"

// Logistic is a fitted logistic regression. For two classes Coef has one row,
// the weights of the second class; for more, one row a class (softmax).
type Logistic struct {
	Coef      [][]float64 // rows × Features()
	Intercept []float64   // one a row of Coef
	Labels    []float64   // class labels in ascending order
}

// Features returns the number of columns a row must have.
func (m *Logistic) Features() int { return len(m.Coef[0]) }

// Classes returns the class labels.
func (m *Logistic) Classes() []float64 { return m.Labels }

// Scores writes, for each row of x (row-major, n × Features()), the class
// probabilities (n × len(Classes())) to dst.
func (m *Logistic) Scores(dst, x []float64) {
	p, k := m.Features(), len(m.Labels)
	for r := range len(x) / p {
		row, out := x[r*p:(r+1)*p], dst[r*k:(r+1)*k]
		if len(m.Coef) == 1 {
			q := 1 / (1 + math.Exp(-dot(m.Coef[0], row, m.Intercept[0])))
			out[0], out[1] = 1-q, q
			continue
		}
		top, sum := math.Inf(-1), 0.0
		for c := range out {
			out[c] = dot(m.Coef[c], row, m.Intercept[c])
			top = math.Max(top, out[c])
		}
		for c := range out {
			out[c] = math.Exp(out[c] - top)
			sum += out[c]
		}
		for c := range out {
			out[c] /= sum
		}
	}
}

func dot(a, b []float64, start float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s + start
}
