//go:build conformance

package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	agreeOnFits(t, fitCases(), "newton-cholesky to 1e-10")
}

func agreeOnFits(t *testing.T, cases []*fitCase, judge string) {
	t.Helper()
	var answers []fitAnswer
	ask(t, "logistic.py", cases, &answers)
	agreed, short, worst := 0, 0, 0.0
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
		peer := a.model(c.Cols)
		d := gap(m, peer)
		ours, theirs := c.objective(m), c.objective(peer)
		switch {
		case d <= c.tol:
			agreed++
			worst = max(worst, d)
		case c.tol > 1e-10 && theirs > ours*(1+1e-9):
			short++
		default:
			t.Errorf("%s %v: coefficients differ by %.3g, objectives are %.17g and %.17g\nours %v %v\nscikit-learn's %v %v",
				c.Name, c.Params, d, ours, theirs, m.Coef, m.Intercept, a.Coef, a.Intercept)
		}
	}
	fmt.Printf("logistic regression: %d of %d fits agree with %s (largest difference %.2g)", agreed, len(cases), judge, worst)
	if short > 0 {
		fmt.Printf("; in %d the peer stopped at a higher objective than ours", short)
	}
	fmt.Println()
	if 10*short > len(cases) {
		t.Errorf("%d of %d peers stopped short: that is no check", short, len(cases))
	}
}

func (a *fitAnswer) model(cols int) *linear.Logistic {
	m := &linear.Logistic{Intercept: a.Intercept}
	for k := range a.Intercept {
		m.Coef = append(m.Coef, a.Coef[k*cols:(k+1)*cols])
	}
	return m
}

// gap is the largest difference of two models' parameters. The common shift of
// intercepts of a multinomial model, which means nothing, does not count.
func gap(a, b *linear.Logistic) float64 {
	d, shift := 0.0, 0.0
	if len(a.Coef) > 1 {
		for k := range a.Intercept {
			shift += (a.Intercept[k] - b.Intercept[k]) / float64(len(a.Coef))
		}
	}
	for k, row := range a.Coef {
		d = max(d, far(a.Intercept[k]-shift, b.Intercept[k]))
		for j, v := range row {
			d = max(d, far(v, b.Coef[k][j]))
		}
	}
	return d
}

// objective is what scikit-learn says that it minimises, times C.
func (c *fitCase) objective(m *linear.Logistic) float64 {
	k, classWeight := 1+int(slices.Max(c.y)), map[float64]float64{}
	all := 0.0
	for i, y := range c.y {
		classWeight[y] += c.weight(i)
		all += c.weight(i)
	}
	for y, w := range classWeight {
		v, named := c.opt.ClassWeight[y]
		switch {
		case c.opt.Balanced:
			v = all / (float64(k) * w)
		case !named:
			v = 1
		}
		classWeight[y] = v
	}
	m.Labels = make([]float64, k)
	p, row, sum := make([]float64, k), make([]float64, c.Cols), 0.0
	for i, y := range c.y {
		m.Scores(p, c.x.Row(row, i))
		sum -= c.weight(i) * classWeight[y] * math.Log(max(p[int(y)], 1e-300))
	}
	penalty := func(v float64) float64 { return (1-c.opt.L1Ratio)/2*v*v + c.opt.L1Ratio*math.Abs(v) }
	for r, row := range m.Coef {
		for _, v := range row {
			sum += penalty(v) / c.opt.C
		}
		if c.opt.Solver == "liblinear" {
			sum += penalty(m.Intercept[r]) / c.opt.C
		}
	}
	return sum
}

func (c *fitCase) weight(i int) float64 {
	if c.w == nil {
		return 1
	}
	return c.w[i]
}
