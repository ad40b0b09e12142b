package linear

import (
	"context"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Regression is a fitted linear regression of a number.
type Regression struct {
	Coef      []float64 // one a column
	Intercept float64
	Mean      []float64 // mean of each training column, against which Explain measures; nil: zeros
	Rank      int       // columns that do not depend on others; 0 for a model that was not fitted here
}

// RegressionOptions are the choices of a linear regression.
type RegressionOptions struct {
	Alpha        float64 // strength of the l2 penalty, >= 0: 0 is least squares, above it ridge regression
	FitIntercept bool    // adds a constant, which is not penalised
}

// Features returns the number of columns a row must have.
func (m *Regression) Features() int { return len(m.Coef) }

// Classes returns nil: the answer is a number.
func (m *Regression) Classes() []float64 { return nil }

// Scores writes the predicted value of each row of x (row-major, n × Features())
// to dst. A missing value makes the answer NaN.
func (m *Regression) Scores(dst, x []float64) {
	p := len(m.Coef)
	for r := range len(x) / p {
		s := 0.0
		for j, w := range m.Coef {
			s += float64(w * x[r*p+j])
		}
		dst[r] = s + m.Intercept
	}
}

// Explain writes what each column adds to the value, measured against Mean, to
// dst, and returns the base: the value of a row that is average in every column.
func (m *Regression) Explain(dst, row []float64) (base float64, space string) {
	base = m.Intercept
	for j, w := range m.Coef {
		mean := 0.0
		if m.Mean != nil {
			mean = m.Mean[j]
		}
		base += float64(w * mean)
		dst[j] = w * (row[j] - mean)
	}
	return base, "value"
}

// FitRegression minimises
//
//	Σ w_i (y_i - coef·x_i - intercept)² + α ‖coef‖²
//
// exactly: scikit-learn's LinearRegression for α = 0, and its Ridge. It works on
// the rows themselves, by orthogonal reflections, not on XᵀX, whose condition is
// the square of theirs (Golub and Van Loan, Matrix Computations, 2013, §5.3). When
// columns depend on one another and there is no penalty, the coefficients of least
// norm are returned. weights, one a row, may be nil.
//
// A cell, target or weight that is missing or infinite and a wrong shape are of
// kind Invalid, a negative α is of kind Usage. When ctx has ended, the error is
// its error.
func FitRegression(ctx context.Context, x *table.Matrix, y, weights []float64, opt RegressionOptions) (*Regression, error) {
	if !(opt.Alpha >= 0) || math.IsInf(opt.Alpha, 0) {
		return nil, errs.New(errs.Usage, "linear regression: alpha is %v; it must be 0 or more", opt.Alpha)
	}
	if err := checkRegression(x, y, weights); err != nil {
		return nil, errs.Wrap(err, "linear regression")
	}
	if err := ctx.Err(); err != nil {
		return nil, errs.Wrap(err, "linear regression")
	}
	m := &Regression{Mean: make([]float64, x.Cols)}
	for c := range x.Cols {
		m.Mean[c] = mean(x.Col(c), weights)
	}
	extra := 0
	if opt.Alpha > 0 {
		extra = x.Cols
	}
	a, b := table.NewMatrix(x.Rows+extra, x.Cols), make([]float64, x.Rows+extra)
	middle := 0.0
	if opt.FitIntercept {
		middle = mean(y, weights)
	}
	for c := range x.Cols {
		dst, shift := a.Col(c), 0.0
		if opt.FitIntercept {
			shift = m.Mean[c]
		}
		for i, v := range x.Col(c) {
			dst[i] = (v - shift) * root(weights, i)
		}
		if extra > 0 {
			dst[x.Rows+c] = math.Sqrt(opt.Alpha)
		}
	}
	for i, v := range y {
		b[i] = (v - middle) * root(weights, i)
	}
	m.Coef, m.Rank = leastSquares(a, b)
	if opt.FitIntercept {
		m.Intercept = middle
		for c, w := range m.Coef {
			m.Intercept -= float64(w * m.Mean[c])
		}
	}
	return m, nil
}

func checkRegression(x *table.Matrix, y, weights []float64) error {
	if err := checkShape(x, y, weights); err != nil {
		return err
	}
	if x.Rows == 0 {
		return errs.New(errs.Invalid, "no rows to learn from")
	}
	for c := range x.Cols {
		for r, v := range x.Col(c) {
			if v-v != 0 {
				return notFinite(x, r, c)
			}
		}
	}
	sum := 0.0
	for r, v := range y {
		if v-v != 0 {
			return &errs.Input{Row: r + 2, Problem: "the target is not a finite number", Mend: "drop the row or give its target"}
		}
		if weights != nil {
			if w := weights[r]; !(w >= 0) || math.IsInf(w, 0) {
				return &errs.Input{Row: r + 2, Problem: "the weight is negative or not a number", Mend: "give weights of 0 or more"}
			}
			sum += weights[r]
		}
	}
	if weights != nil && sum == 0 {
		return errs.New(errs.Invalid, "all weights are 0: there is nothing to learn from")
	}
	return nil
}

// mean is the weighted mean, found twice so that its error is that of rounding
// the deviations.
func mean(v, weights []float64) float64 {
	about := 0.0
	for range 2 {
		sum, all := 0.0, 0.0
		for i, x := range v {
			w := 1.0
			if weights != nil {
				w = weights[i]
			}
			sum += float64(w * (x - about))
			all += w
		}
		about += sum / all
	}
	return about
}

func root(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return math.Sqrt(weights[i])
}
