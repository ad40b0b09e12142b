package linear

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// peerCase is one fit by scikit-learn 1.9.1, solver newton-cholesky, tol 1e-12.
type peerCase struct {
	Name       string
	Rows, Cols int
	X, Y, W    []float64
	C          float64
	Intercept  bool
	Balanced   bool
	Coef       [][]float64
	B, Proba   []float64
}

func readPeerCases(t *testing.T) []peerCase {
	t.Helper()
	text, err := os.ReadFile("testdata/newton-cholesky.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []peerCase
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	return cases
}

func (c *peerCase) fit(t *testing.T, workers int) *Logistic {
	t.Helper()
	o := Defaults()
	o.C, o.FitIntercept, o.Balanced, o.Workers = c.C, c.Intercept, c.Balanced, workers
	m, err := FitLogistic(context.Background(), &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: c.X}, c.Y, c.W, o)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return m
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b))
}

func TestCoefficientsAsScikitLearn(t *testing.T) {
	for _, c := range readPeerCases(t) {
		m := c.fit(t, 1)
		for k := range c.Coef {
			for j, want := range c.Coef[k] {
				if !near(m.Coef[k][j], want, 1e-10) {
					t.Errorf("%s: coefficient %d,%d is %v, want %v", c.Name, k, j, m.Coef[k][j], want)
				}
			}
			if !near(m.Intercept[k], c.B[k], 1e-10) {
				t.Errorf("%s: intercept %d is %v, want %v", c.Name, k, m.Intercept[k], c.B[k])
			}
		}
		x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: c.X}
		got := make([]float64, len(c.Proba))
		m.Scores(got, x.RowMajor()[:20*c.Cols])
		for i, want := range c.Proba {
			if !near(got[i], want, 1e-10) {
				t.Fatalf("%s: probability %d is %v, want %v", c.Name, i, got[i], want)
			}
		}
	}
}

func TestSameBytesForAnyNumberOfWorkers(t *testing.T) {
	n := 3*chunkRows + 17
	c := peerCase{Rows: n, Cols: 2, C: 1, Intercept: true, X: make([]float64, 2*n), Y: make([]float64, n)}
	for i := range n {
		c.X[i], c.X[n+i] = math.Sin(float64(i)), math.Cos(float64(3*i))
		if c.X[i]+0.5*c.X[n+i]+math.Sin(float64(7*i)) > 0 {
			c.Y[i] = 1
		}
	}
	if one, many := c.fit(t, 1), c.fit(t, 5); !reflect.DeepEqual(one, many) {
		t.Errorf("1 worker finds %v, 5 find %v", one, many)
	}
}

func TestContributionsAddUp(t *testing.T) {
	for _, c := range readPeerCases(t) {
		m := c.fit(t, 0)
		x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: c.X}
		row := x.Row(make([]float64, c.Cols), 0)
		parts := make([]float64, c.Cols)
		sum, space := m.Explain(parts, row)
		for _, p := range parts {
			sum += p
		}
		if want := m.raw(len(m.Coef)-1, row); !near(sum, want, 1e-12) || space != "log-odds" {
			t.Errorf("%s: base and contributions make %v %s, want %v", c.Name, sum, space, want)
		}
	}
}

func TestMissingValues(t *testing.T) {
	m := &Logistic{Coef: [][]float64{{1, 2}}, Intercept: []float64{0}, Labels: []float64{0, 1}}
	out := make([]float64, 2)
	m.Scores(out, []float64{1, math.NaN()})
	if !math.IsNaN(out[1]) {
		t.Errorf("a missing value without a fill answers %v, want NaN", out)
	}
	m.Fill = []float64{0, -0.5}
	m.Scores(out, []float64{1, math.NaN()})
	if out[1] != 0.5 {
		t.Errorf("a filled value answers %v, want 0.5", out)
	}
}

func TestHardData(t *testing.T) {
	y := []float64{0, 0, 1, 1}
	for name, x := range map[string][]float64{
		"constant column":  {1, 1, 1, 1, 1, 2, 3, 4},
		"same column":      {1, 2, 3, 4, 1, 2, 3, 4},
		"enormous numbers": {1e12, 2e12, 3e12, 4e12, 1, 2, 3, 4},
	} {
		for _, penalty := range []float64{1, math.Inf(1)} { // the classes are divided by a plane
			o := Defaults()
			o.C = penalty
			m, err := FitLogistic(context.Background(), &table.Matrix{Rows: 4, Cols: 2, Data: x}, y, nil, o)
			if err != nil {
				t.Errorf("%s, C=%v: %v", name, penalty, err)
				continue
			}
			for _, v := range append(m.Coef[0], m.Intercept[0]) {
				if v-v != 0 {
					t.Errorf("%s, C=%v: %v", name, penalty, m)
				}
			}
		}
	}
	bad := &table.Matrix{Rows: 4, Cols: 1, Data: []float64{1, 2, math.NaN(), 4}, Names: []string{"lifetime"}}
	if _, err := FitLogistic(context.Background(), bad, y, nil, Defaults()); !errs.Is(err, errs.Invalid) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := FitLogistic(context.Background(), &table.Matrix{Rows: 2, Cols: 1, Data: []float64{1, 2}}, []float64{1, 1}, nil, Defaults()); !errs.Is(err, errs.Invalid) {
		t.Errorf("one class: %v", err)
	}
}
