package onnx_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model/onnx"
	"github.com/drivecast/drivecast/tree"
)

type estimator interface {
	Features() int
	Classes() []float64
	Scores(dst, x []float64)
}

// stumps returns a forest of k outputs whose trees test one column each.
func stumps(k int) *tree.Forest {
	r := rand.New(rand.NewPCG(5, 6))
	f := &tree.Forest{NumInput: 3}
	for c := range k {
		f.Labels = append(f.Labels, float64(2*c-1))
	}
	w := max(k, 1)
	for i := range 7 {
		t := &tree.Tree{
			Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{int32(i % 3), -2, -2},
			Threshold: []float64{r.NormFloat64(), -2, -2}, MissingLeft: []bool{i%2 == 0, false, false}, Outputs: w,
		}
		for range 3 {
			rest := 1.0
			for c := range w {
				v := rest
				if c < w-1 {
					v = rest * r.Float64()
				}
				t.Value = append(t.Value, v)
				rest -= v
			}
		}
		f.Trees = append(f.Trees, t)
	}
	return f
}

func TestExportedModelsGiveTheSameAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		e    estimator
		spec onnx.Spec
		tol  float64
	}{
		"two classes":    {stumps(2), onnx.Spec{LabelType: "long"}, 1e-7},
		"three classes":  {stumps(3), onnx.Spec{LabelType: "string", Labels: []string{"a", "b", "c"}}, 1e-7},
		"value":          {stumps(0), onnx.Spec{}, 1e-6},
		"whole numbers":  {stumps(2), onnx.Spec{Columns: []onnx.Column{{Integer: true}, {Integer: true}, {Integer: true}}}, 1e-7},
		"logistic":       {&linear.Logistic{Coef: [][]float64{{1, -2, .5}}, Intercept: []float64{.1}, Labels: []float64{0, 1}}, onnx.Spec{}, 1e-15},
		"softmax":        {&linear.Logistic{Coef: [][]float64{{1, -2, .5}, {0, 1, 1}, {2, 0, 0}}, Intercept: []float64{.1, 0, -1}, Labels: []float64{0, 1, 5}}, onnx.Spec{}, 1e-15},
		"regression":     {&linear.Regression{Coef: []float64{1, -2, .5}, Intercept: .1}, onnx.Spec{}, 1e-14},
		"with threshold": {stumps(2), onnx.Spec{Threshold: .3}, 1e-7},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := onnx.Export(c.e, c.spec)
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Open(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			x := make([]float64, 300)
			for i := range x {
				x[i] = r.NormFloat64() * 2
				if len(c.spec.Columns) > 0 {
					x[i] = math.Trunc(x[i])
				} else if i%17 == 0 && name != "logistic" && name != "regression" && name != "softmax" {
					x[i] = math.NaN()
				}
			}
			k := max(len(c.e.Classes()), 1)
			want, got := make([]float64, 100*k), make([]float64, 100*k)
			c.e.Scores(want, x)
			if len(m.Classes()) != len(c.e.Classes()) {
				t.Fatalf("classes %v", m.Classes())
			}
			m.Scores(got, x)
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= c.tol) {
					t.Fatalf("score %d: %v, not %v", i, got[i], want[i])
				}
			}
		})
	}
	if _, err := onnx.Export("text", onnx.Spec{}); !errs.Is(err, errs.Unsupported) {
		t.Errorf("got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, e := range []any{stumps(2), stumps(0), &linear.Logistic{Coef: [][]float64{{1, 2}}, Intercept: []float64{0}, Labels: []float64{0, 1}}} {
		file, err := onnx.Export(e, onnx.Spec{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := onnx.Open(file, nil)
		if err == nil && m.Features() < 100 {
			m.Scores(make([]float64, max(len(m.Classes()), 1)), make([]float64, m.Features()))
		}
	})
}
