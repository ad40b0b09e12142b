package linear

import (
	"context"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// FitLogistic fits the logistic regression that scikit-learn's
// LogisticRegression describes,
//
//	min  Σ w_i loss(y_i, x_i)/Σw + [ (1-ρ)/2 ‖coef‖₂² + ρ ‖coef‖₁ ] / (C Σw),
//
// where ρ is the l1 ratio, loss the logistic loss for two classes and the
// multinomial one for more, to its optimum, whichever solver is named. x must be
// finite; y holds any finite numbers as labels; weights, one a row, may be nil.
//
// The method is Newton's with backtracking (Boyd & Vanderberghe 2004, §9.5); with
// an l1 part it is proximal Newton (Lee, Sun & Saunders 2014) with coordinate
// descent inside. From 131,072 rows on it begins at the optimum of a sample of
// the rows and ends at that of all, to rounding. Columns are centred and scaled within, which changes nothing
// but the rounding.
//
// When there are many optima, as with collinear columns and no penalty, the one
// of least norm in standardised columns is returned; a constant column then has
// coefficient 0. Without a penalty, separable classes have no optimum: the fit
// ends where the gradient is below the bound, with large coefficients, and
// Converged as in scikit-learn. For more than two classes coefficients are the
// symmetric ones: without a penalty each column's sum to 0 over classes, with one
// the intercepts do.
//
// A cell, target or weight that is missing or infinite, a target of one class, a
// wrong shape are of kind Invalid, an option out of its range is of kind Usage.
// When ctx ends, the error is its error.
func FitLogistic(ctx context.Context, x *table.Matrix, y, weights []float64, opt Options) (*Logistic, error) {
	o, err := opt.check()
	if err != nil {
		return nil, errs.Wrap(err, "logistic regression")
	}
	pr, labels, err := newProblem(x, y, weights, o)
	if err != nil {
		return nil, errs.Wrap(err, "logistic regression")
	}
	u, n, done, err := pr.solve(ctx, o)
	if err != nil {
		return nil, errs.Wrap(err, "logistic regression")
	}
	m := pr.model(u)
	m.Labels, m.Iterations, m.Converged = labels, n, done
	return m, nil
}

func (pr *problem) solve(ctx context.Context, o Options) (u []float64, steps int, done bool, err error) {
	if pr.large() {
		if u, steps, done, err = pr.newtonLarge(ctx, o); done || err != nil {
			return u, steps, done, err
		}
	}
	return pr.newton(ctx, o)
}

// model returns the parameters in the units of the data.
func (pr *problem) model(u []float64) *Logistic {
	m := &Logistic{Mean: make([]float64, pr.p)}
	parallel(pr.workers, pr.p, func(j int) { m.Mean[j] = pr.mean(j) })
	if pr.lasso == nil {
		pr.centre(u)
	}
	for k := range pr.blocks {
		own := u[k*pr.q : (k+1)*pr.q]
		coef, b := make([]float64, pr.p), 0.0
		if pr.q > pr.p {
			b = own[pr.p]
		}
		for j := range coef {
			coef[j] = own[j] / pr.scale[j]
			b -= coef[j] * pr.center[j]
		}
		m.Coef, m.Intercept = append(m.Coef, coef), append(m.Intercept, b)
	}
	return m
}

// mean is the weighted mean of column j.
func (pr *problem) mean(j int) float64 {
	if pr.centred {
		return pr.center[j]
	}
	m, _, _ := pr.kernels.columnMoments(pr.x.Col(j), pr.weight, true)
	return m
}

// centre makes each parameter sum to 0 over the classes of a multinomial model,
// as it does at the optimum, or may.
func (pr *problem) centre(u []float64) {
	if pr.blocks == 1 {
		return
	}
	for j := range pr.q {
		s := 0.0
		for k := range pr.blocks {
			s += u[k*pr.q+j]
		}
		for k := range pr.blocks {
			u[k*pr.q+j] -= s / float64(pr.blocks)
		}
	}
}
