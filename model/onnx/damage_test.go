package onnx_test

import (
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model/onnx"
)

func TestDamagedFilesOnlyFail(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, e := range []any{stumps(2), stumps(0), &linear.Logistic{Coef: [][]float64{{1, 2}}, Intercept: []float64{0}, Labels: []float64{0, 1}}} {
		file, err := onnx.Export(e, onnx.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		for range 5000 {
			bad := append([]byte(nil), file...)
			for range 1 + r.IntN(4) {
				bad[r.IntN(len(bad))] ^= byte(1 << r.IntN(8))
			}
			m, err := onnx.Open(bad, nil)
			if err == nil && m.Features() < 100 {
				m.Scores(make([]float64, max(len(m.Classes()), 1)), make([]float64, m.Features()))
			}
		}
	}
}
