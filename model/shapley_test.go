package model_test

import (
	"math"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
)

// TestShapleyValuesAddUp explains every model that we open, with and without
// background, in both spaces.
func TestShapleyValuesAddUp(t *testing.T) {
	alone, against, paired := 0, 0, 0
	for _, f := range foreigners(t) {
		m, err := model.Decode(f.File)
		if err != nil {
			t.Fatal(err)
		}
		x := f.matrix(t, m)
		n, k := m.Estimator.Features(), m.Outputs()
		scores := make([]float64, len(f.Rows)*k)
		m.Estimator.Scores(scores, x)
		for _, opt := range []model.Explaining{{}, {Probability: true}, {Background: x[:3*n]}, {Background: x[:3*n], Probability: true}} {
			s, err := m.Shapley(opt)
			if errs.Is(err, errs.Unsupported) && opt.Background == nil || errs.Is(err, errs.Usage) && opt.Probability {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			if opt.Background == nil {
				alone++
			} else {
				against++
			}
			dst, pairs := make([]float64, n), make([]float64, n*n)
			for r := range f.Rows {
				row := x[r*n : (r+1)*n]
				sum := s.Explain(dst, row)
				for _, v := range dst {
					sum += v
				}
				want := scores[r*k+k-1]
				if s.Space() == "log-odds" && k == 2 {
					sum = 1 / (1 + math.Exp(-sum))
				}
				if s.Space() == "log-odds" && k > 2 {
					continue
				}
				if math.Abs(sum-want) > 3e-7 && !math.IsNaN(want) {
					t.Fatalf("%s %+v: row %d adds up to %v, not %v", f.Name, opt.Probability, r, sum, want)
				}
				if s.Interactions(pairs, row) != nil {
					continue
				}
				paired++
				for c, v := range dst {
					for _, p := range pairs[c*n : (c+1)*n] {
						v -= p
					}
					if math.Abs(v) > 1e-12 {
						t.Fatalf("%s: the interactions of column %d leave %v", f.Name, c, v)
					}
				}
			}
		}
	}
	if alone < 10 || against < 40 || paired < 100 {
		t.Errorf("only %d and %d models, %d rows in pairs", alone, against, paired)
	}
}
