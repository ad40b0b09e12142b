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

// lineCase is one linear regression that both sides fit.
type lineCase struct {
	Cols      int      `json:"cols"`
	X         []number `json:"x"` // column by column
	Y         []number `json:"y"`
	W         []number `json:"w"`
	Alpha     float64  `json:"alpha"`
	Intercept bool     `json:"intercept"`

	x    *table.Matrix
	y, w []float64
}

// TestRegressionAgrees fits least squares and ridge regressions: with weights,
// without an intercept, with columns that are there twice, with fewer rows than
// columns.
func TestRegressionAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var cases []*lineCase
	for i := range 120 {
		rows, cols := 20+r.IntN(300), 1+r.IntN(8)
		if i%10 == 9 {
			rows, cols = 6, 9
		}
		c := &lineCase{Cols: cols, Alpha: []float64{0, 0, 1, .01, 50}[r.IntN(5)], Intercept: r.IntN(4) > 0, x: table.NewMatrix(rows, cols), y: make([]float64, rows)}
		for j := range cols {
			for k := range rows {
				c.x.Col(j)[k] = r.NormFloat64() + float64(j)
				c.y[k] += float64(j-2) * c.x.At(k, j)
			}
		}
		for k := range rows {
			c.y[k] += r.NormFloat64()
		}
		if i%7 == 6 && cols > 1 {
			copy(c.x.Col(cols-1), c.x.Col(0))
		}
		if r.IntN(3) == 0 {
			c.w = make([]float64, rows)
			for k := range c.w {
				c.w[k] = float64(1+r.IntN(3)) * r.Float64()
			}
		}
		c.X, c.Y, c.W = numbers(c.x.Data), numbers(c.y), numbers(c.w)
		cases = append(cases, c)
	}
	var answers []fitAnswer
	ask(t, "regression.py", cases, &answers)
	worst := 0.0
	for i, c := range cases {
		m, err := linear.FitRegression(t.Context(), c.x, c.y, c.w, linear.RegressionOptions{Alpha: c.Alpha, FitIntercept: c.Intercept})
		if err != nil {
			t.Fatal(err)
		}
		d := math.Abs(m.Intercept - answers[i].Intercept[0])
		for j, v := range m.Coef {
			d = max(d, math.Abs(v-answers[i].Coef[j]))
		}
		if worst = max(worst, d); !(d <= 1e-10) {
			t.Fatalf("case %d (%d×%d, alpha %v): parameters differ by %v\nours %v %v\nscikit-learn's %v", i, c.x.Rows, c.Cols, c.Alpha, d, m.Coef, m.Intercept, answers[i])
		}
	}
	fmt.Printf("linear regression: %d of %d fits agree with scikit-learn to 1e-10 (largest difference %.2g)\n", len(cases), len(cases), worst)
}
