//go:build conformance

package metrics

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/linear"
)

// sparseCases lists problems with an l1 part, and liblinear's, which penalises
// the intercept. saga and liblinear are the judges, run for long.
func sparseCases() []*fitCase {
	r := rand.New(rand.NewPCG(3, 4))
	var out []*fitCase
	for i := range 60 {
		rows, cols, k := 60+r.IntN(100), 1+r.IntN(5), 2+i%2*(i/2%2)
		c := &fitCase{Name: fmt.Sprintf("sparse case %d: %d×%d, %d classes", i, rows, cols, k), tol: 1e-6}
		c.x, c.y = sample(r, rows, cols, k, false)
		o := linear.Defaults()
		o.C = []float64{1, .1, 5}[r.IntN(3)]
		o.FitIntercept = r.IntN(4) > 0
		o.L1Ratio = []float64{1, .5, .2}[r.IntN(3)]
		o.Solver = "saga"
		if k == 2 && i%4 == 0 {
			o.Solver, o.L1Ratio = "liblinear", float64(i/4%2)
		}
		p := map[string]any{"C": o.C, "fit_intercept": o.FitIntercept, "solver": o.Solver, "l1_ratio": o.L1Ratio, "max_iter": 20000, "tol": 1e-10}
		if r.IntN(2) == 0 {
			c.w = weightsOf(r, rows, 2)
		}
		if r.IntN(3) == 0 {
			o.Balanced = true
			p["class_weight"] = "balanced"
		}
		c.opt, c.Params = o, p
		c.Cols, c.X, c.Y, c.W = cols, numbers(c.x.Data), numbers(c.y), numbers(c.w)
		out = append(out, c)
	}
	return out
}

func TestSparseLogisticAgreesWithSaga(t *testing.T) {
	agreeOnFits(t, sparseCases(), "saga and liblinear to 1e-6")
}
