package linear

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Options are the parameters of scikit-learn's LogisticRegression under its own
// meaning. Defaults holds scikit-learn's defaults; the zero value is not
// usable, since C must be positive.
type Options struct {
	// Penalty is "l2", "l1", "elasticnet", "none", or "" to let L1Ratio decide as
	// scikit-learn does from 1.8 on: 0 is l2, 1 is l1, between is elastic net.
	Penalty string
	// C is the inverse of the penalty's strength, in (0, +Inf]; +Inf is no penalty.
	C float64
	// L1Ratio mixes the penalty, in [0, 1]: 0 is l2, 1 is l1. With Penalty "l2",
	// "l1" and "none" it has no effect.
	L1Ratio float64
	// FitIntercept adds a constant, which is not penalised (liblinear's is).
	FitIntercept bool
	// InterceptScaling is the value of liblinear's synthetic column, > 0; no other
	// solver reads it. 0 means 1.
	InterceptScaling float64
	// ClassWeight multiplies the weights of the rows of a class; classes that it
	// does not name have 1. With Balanced, the weight of a class is Σw / (classes ×
	// Σw of the class) and ClassWeight is not read.
	ClassWeight map[float64]float64
	Balanced    bool
	// Solver is a solver's name in scikit-learn or "". It does not choose how the
	// problem is solved, since each is solved to its optimum; it chooses the
	// problem: "liblinear" penalises the intercept and takes two classes only.
	Solver string
	// Tol is newton-cholesky's: the fit stops when the largest element of the
	// gradient and half the squared Newton decrement are below it. A bound looser
	// than 1e-10 is taken as 1e-10: Newton's last step costs less than the doubt.
	// With an l1 part the fit always goes on to rounding.
	Tol float64
	// MaxIter is the most Newton steps; 0 means 100. Well-posed fits take 5 to 15.
	MaxIter int
	// Workers is the number of goroutines; 0 means all processors. The answer has
	// the same bytes for any number.
	Workers int
	// Progress is told the number of each step taken; it may be nil.
	Progress func(iteration int)
}

// Defaults returns the defaults of LogisticRegression(): l2 with C = 1 and
// an intercept, solved to the optimum.
func Defaults() Options {
	return Options{C: 1, FitIntercept: true, InterceptScaling: 1, Tol: finalTol, MaxIter: 100}
}

const finalTol = 1e-10

// check returns the options with defaults filled in and L1Ratio made to say what
// the penalty is. C is +Inf when there is none.
func (o Options) check() (Options, error) {
	bad := func(name string, v any, want string) (Options, error) {
		return o, errs.New(errs.Usage, "%s=%v should be %s", name, v, want)
	}
	if !(o.C > 0) {
		return bad("C", o.C, "above 0")
	}
	if !(o.L1Ratio >= 0 && o.L1Ratio <= 1) {
		return bad("l1_ratio", o.L1Ratio, "from 0 to 1")
	}
	if !(o.Tol >= 0) {
		return bad("tol", o.Tol, "0 or more")
	}
	if o.MaxIter < 0 {
		return bad("max_iter", o.MaxIter, "0 or more")
	}
	if o.InterceptScaling == 0 {
		o.InterceptScaling = 1
	}
	if !(o.InterceptScaling > 0) || math.IsInf(o.InterceptScaling, 1) {
		return bad("intercept_scaling", o.InterceptScaling, "above 0")
	}
	switch o.Penalty {
	case "", "elasticnet":
	case "l2":
		o.L1Ratio = 0
	case "l1":
		o.L1Ratio = 1
	case "none":
		o.C = math.Inf(1)
	default:
		return bad("penalty", o.Penalty, "l1, l2, elasticnet or none")
	}
	if math.IsInf(o.C, 1) {
		o.L1Ratio = 0
	}
	switch o.Solver {
	case "", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga":
	default:
		return bad("solver", o.Solver, "lbfgs, liblinear, newton-cg, newton-cholesky, sag or saga")
	}
	for c, w := range o.ClassWeight {
		if !(w >= 0) || math.IsInf(w, 1) {
			return bad("class_weight", w, "0 or more for class "+formatLabel(c))
		}
	}
	o.Tol = min(o.Tol, finalTol)
	if o.MaxIter == 0 {
		o.MaxIter = 100
	}
	return o, nil
}
