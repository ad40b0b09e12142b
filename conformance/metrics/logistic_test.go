//go:build conformance

package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

// fitCase is one fit that both sides make.
type fitCase struct {
	Name   string         `json:"name"`
	Cols   int            `json:"cols"`
	X      []number       `json:"x"` // column by column
	Y      []number       `json:"y"`
	W      []number       `json:"w"`
	Params map[string]any `json:"params"`

	x    *table.Matrix
	y, w []float64
	opt  linear.Options
	tol  float64
}

type fitAnswer struct {
	Coef, Intercept, Proba []float64
	Error                  string
}

// sample makes rows of cols columns in k classes; how "raw" gives columns of
// very different units.
func sample(r *rand.Rand, rows, cols, k int, raw bool) (x *table.Matrix, y []float64) {
	x, y = table.NewMatrix(rows, cols), make([]float64, rows)
	truth := make([]float64, k*cols)
	for i := range truth {
		truth[i] = r.NormFloat64()
	}
	for i := range rows {
		best, at := math.Inf(-1), 0
		for c := range k {
			z := 2 * r.NormFloat64()
			for j := range cols {
				if c == 0 {
					x.Col(j)[i] = r.NormFloat64()
				}
				z += truth[c*cols+j] * x.Col(j)[i]
			}
			if z > best {
				best, at = z, c
			}
		}
		y[i] = float64(at)
		if i < k {
			y[i] = float64(i)
		}
	}
	if raw {
		for j := range cols {
			scale, shift := math.Pow(10, float64(j%4-1)), float64(j%3)
			for i, v := range x.Col(j) {
				x.Col(j)[i] = scale * (v + shift)
			}
		}
	}
	return x, y
}

// fitCases lists the smooth problems: newton-cholesky is the judge.
func fitCases() []*fitCase {
	r := rand.New(rand.NewPCG(1, 2))
	var out []*fitCase
	for i := range 160 {
		rows, cols, k := 30+r.IntN(300), 1+r.IntN(6), 2+max(0, r.IntN(5)-2)
		raw := i%4 == 3
		c := &fitCase{Name: fmt.Sprintf("case %d: %d×%d, %d classes", i, rows, cols, k), tol: 1e-10}
		c.x, c.y = sample(r, rows, cols, k, raw)
		o := linear.Defaults()
		o.C = []float64{1, .01, 100, .3}[r.IntN(4)]
		o.FitIntercept = r.IntN(4) > 0
		p := map[string]any{"C": o.C, "fit_intercept": o.FitIntercept, "solver": "newton-cholesky", "tol": 1e-10, "max_iter": 1000}
		switch r.IntN(4) {
		case 0:
			o.Balanced = true
			p["class_weight"] = "balanced"
		case 1:
			o.ClassWeight = map[float64]float64{0: 2.5, 1: .5}
			p["class_weight"] = map[string]float64{"0": 2.5, "1": .5}
		}
		if r.IntN(2) == 0 {
			c.w = make([]float64, rows)
			for j := range c.w {
				c.w[j] = float64(r.IntN(4)) + r.Float64()*float64(i%2)
			}
		}
		if i%8 == 5 {
			o.C = math.Inf(1)
			p["C"] = "inf"
		}
		c.opt, c.Params = o, p
		c.Cols, c.X, c.Y, c.W = cols, numbers(c.x.Data), numbers(c.y), numbers(c.w)
		out = append(out, c)
	}
	return out
}

func TestLogisticAgreesWithNewtonCholesky(t *testing.T) {
	cases := fitCases()
	var answers []fitAnswer
	ask(t, "logistic.py", cases, &answers)
	agreed, worst := 0, 0.0
	for i, c := range cases {
		m, err := linear.FitLogistic(t.Context(), c.x, c.y, c.w, c.opt)
		a := answers[i]
		if (err != nil) != (a.Error != "") {
			t.Fatalf("%s %v: we say %v, scikit-learn says %q", c.Name, c.Params, err, a.Error)
		}
		if err != nil {
			agreed++
			continue
		}
		d := 0.0
		for k, row := range m.Coef {
			d = max(d, far(m.Intercept[k], a.Intercept[k]))
			for j, v := range row {
				d = max(d, far(v, a.Coef[k*c.Cols+j]))
			}
		}
		worst = max(worst, d)
		if d > c.tol {
			t.Errorf("%s %v: coefficients differ by %.3g\nours %v %v\nscikit-learn's %v %v", c.Name, c.Params, d, m.Coef, m.Intercept, a.Coef, a.Intercept)
			continue
		}
		agreed++
	}
	fmt.Printf("logistic regression: %d of %d fits agree with newton-cholesky to 1e-10 (largest difference %.2g)\n", agreed, len(cases), worst)
}
