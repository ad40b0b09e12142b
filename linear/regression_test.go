package linear_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

func line(rows, cols int) (*table.Matrix, []float64) {
	r := rand.New(rand.NewPCG(6, 6))
	x, y := table.NewMatrix(rows, cols), make([]float64, rows)
	for c := range cols {
		for i := range rows {
			x.Col(c)[i] = r.NormFloat64()*math.Pow(10, float64(c%3)) + float64(c)
			y[i] += float64(c+1) * x.At(i, c)
		}
	}
	for i := range y {
		y[i] += 7 + .1*r.NormFloat64()
	}
	return x, y
}

// TestRegressionMeetsTheNormalEquations: at the optimum the weighted residuals are
// orthogonal to the columns, less the penalty's pull.
func TestRegressionMeetsTheNormalEquations(t *testing.T) {
	x, y := line(200, 5)
	w := make([]float64, 200)
	for i := range w {
		w[i] = float64(i % 4)
	}
	for _, alpha := range []float64{0, 1, 1e4} {
		for _, weights := range [][]float64{nil, w} {
			m, err := linear.FitRegression(context.Background(), x, y, weights, linear.RegressionOptions{Alpha: alpha, FitIntercept: true})
			if err != nil {
				t.Fatal(err)
			}
			answers, sum := make([]float64, 200), 0.0
			m.Scores(answers, x.RowMajor())
			for c := range 5 {
				pull, size := -alpha*m.Coef[c], 0.0
				for i, v := range x.Col(c) {
					g := (y[i] - answers[i])
					if weights != nil {
						g *= weights[i]
					}
					if sum += g; c > 0 {
						sum -= g
					}
					pull += g * v
					size += math.Abs(g * v)
				}
				if math.Abs(pull) > 1e-11*(size+alpha*math.Abs(m.Coef[c])) {
					t.Errorf("alpha %v: column %d pulls by %v of %v", alpha, c, pull, size)
				}
			}
			if math.Abs(sum) > 1e-8 {
				t.Errorf("alpha %v: residuals sum to %v", alpha, sum)
			}
		}
	}
}

// TestDependentColumnsShareByLeastNorm: a column that is there twice has half the
// weight each.
func TestDependentColumnsShareByLeastNorm(t *testing.T) {
	x, y := line(60, 3)
	copy(x.Col(2), x.Col(0))
	m, err := linear.FitRegression(context.Background(), x, y, nil, linear.RegressionOptions{FitIntercept: true})
	if err != nil || m.Rank != 2 || math.Abs(m.Coef[0]-m.Coef[2]) > 1e-12 || math.IsNaN(m.Coef[1]) {
		t.Errorf("%+v, %v", m, err)
	}
	few := x.Take([]int{0, 1})
	m, err = linear.FitRegression(context.Background(), few, y[:2], nil, linear.RegressionOptions{})
	out := make([]float64, 2)
	if m.Scores(out, few.RowMajor()); err != nil || math.Abs(out[0]-y[0])+math.Abs(out[1]-y[1]) > 1e-10 {
		t.Errorf("two rows are met by %v, not %v: %v", out, y[:2], err)
	}
	constant := table.NewMatrix(5, 1)
	if m, err = linear.FitRegression(context.Background(), constant, y[:5], nil, linear.RegressionOptions{FitIntercept: true}); err != nil || m.Coef[0] != 0 || m.Rank != 0 {
		t.Errorf("a constant column: %+v, %v", m, err)
	}
}

func TestBadRegressionsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(x *table.Matrix, y, w []float64) float64{
		"cell":   func(x *table.Matrix, _, _ []float64) float64 { x.Col(1)[3] = math.NaN(); return 0 },
		"target": func(_ *table.Matrix, y, _ []float64) float64 { y[2] = math.Inf(1); return 0 },
		"weight": func(_ *table.Matrix, _, w []float64) float64 { w[0] = -1; return 0 },
		"zeros":  func(_ *table.Matrix, _, w []float64) float64 { clear(w); return 0 },
		"alpha":  func(_ *table.Matrix, _, _ []float64) float64 { return -1 },
	} {
		x, y := line(10, 2)
		w := []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
		alpha := spoil(x, y, w)
		_, err := linear.FitRegression(context.Background(), x, y, w, linear.RegressionOptions{Alpha: alpha})
		if want := map[bool]errs.Kind{true: errs.Usage, false: errs.Invalid}[name == "alpha"]; !errs.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleFitRegression() {
	// Temperature of drives by hours of load and fan speed.
	x := &table.Matrix{Rows: 4, Cols: 2, Data: []float64{1, 2, 3, 4, 900, 1200, 900, 1200}}
	m, err := linear.FitRegression(context.Background(), x, []float64{31, 30, 35, 34}, nil, linear.RegressionOptions{FitIntercept: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+.2f an hour, %+.3f a turn, from %.1f\n", m.Coef[0], m.Coef[1], m.Intercept)
	// Output: +2.00 an hour, -0.010 a turn, from 38.0
}
