// Package linear fits and evaluates linear models: logistic regression with the
// objective of scikit-learn's LogisticRegression, the scaler that goes before it,
// and least squares with and without a ridge penalty.
//
// Logistic regression is fitted to the optimum of its objective by Newton's
// method, so that an answer depends on the data alone and not on where a solver
// stopped (Nocedal and Wright, Numerical Optimization, 2006, chapter 3).
package linear

import "math"

// Logistic is a fitted logistic regression. For two classes Coef has one row,
// the weights of the second class; for more, one row a class (softmax).
type Logistic struct {
	Coef      [][]float64 // rows × Features()
	Intercept []float64   // one a row of Coef
	Labels    []float64   // class labels in ascending order
	Mean      []float64   // mean of each training column, against which Explain measures; nil: zeros
	Fill      []float64   // stands in for a missing value of each column; nil: a missing value makes the answer NaN

	// Iterations is the number of Newton steps of the fit, and Converged whether it
	// met its bound. Both are zero for a model that was not fitted here.
	Iterations int
	Converged  bool
}

// Features returns the number of columns a row must have.
func (m *Logistic) Features() int { return len(m.Coef[0]) }

// Classes returns the class labels.
func (m *Logistic) Classes() []float64 { return m.Labels }

// Scores writes, for each row of x (row-major, n × Features(); NaN is missing),
// the class probabilities (n × len(Classes())) to dst.
func (m *Logistic) Scores(dst, x []float64) {
	p, k := m.Features(), len(m.Labels)
	for r := range len(x) / p {
		row, out := x[r*p:(r+1)*p], dst[r*k:(r+1)*k]
		if len(m.Coef) == 1 {
			q := sigmoid(m.raw(0, row))
			out[0], out[1] = 1-q, q
			continue
		}
		for c := range out {
			out[c] = m.raw(c, row)
		}
		softmax(out)
	}
}

// raw is the linear part of class row c.
func (m *Logistic) raw(c int, row []float64) float64 {
	s := 0.0
	for j, w := range m.Coef[c] {
		s += float64(w * m.at(row, j))
	}
	return s + m.Intercept[c]
}

// at is the value of column j, filled in when it is missing.
func (m *Logistic) at(row []float64, j int) float64 {
	if v := row[j]; v == v || m.Fill == nil {
		return v
	}
	return m.Fill[j]
}

// Explain writes what each column adds to the log-odds of the second class,
// measured against Mean, to dst, and returns the base: the log-odds of a drive
// that is average in every column. For more than two classes it explains the last
// class's log-odds against the geometric mean of all classes. These are the
// Shapley values of a linear model with independent columns (Lundberg and Lee,
// 2017, corollary 1).
func (m *Logistic) Explain(dst, row []float64) (base float64, space string) {
	last := len(m.Coef) - 1
	base = m.against(last, func(k int) float64 { return m.Intercept[k] })
	for j := range m.Coef[last] {
		w := m.against(last, func(k int) float64 { return m.Coef[k][j] })
		mean := 0.0
		if m.Mean != nil {
			mean = m.Mean[j]
		}
		base += float64(w * mean)
		dst[j] = w * (m.at(row, j) - mean)
	}
	return base, "log-odds"
}

// against is a parameter of class c less the mean over classes; softmax answers
// do not depend on that mean.
func (m *Logistic) against(c int, of func(k int) float64) float64 {
	if len(m.Coef) == 1 {
		return of(0)
	}
	mean := 0.0
	for k := range m.Coef {
		mean += of(k)
	}
	return of(c) - mean/float64(len(m.Coef))
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func softmax(z []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range z {
		top = math.Max(top, v)
	}
	for i, v := range z {
		z[i] = math.Exp(v - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
}
