package tree

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/table"
)

// blobs returns rows of two overlapping classes on many columns, half of which
// say something about the class.
func blobs(rows, cols int) (*table.Matrix, []float64) {
	r := rand.New(rand.NewPCG(1, 2))
	x, y := table.NewMatrix(rows, cols), make([]float64, rows)
	for i := range y {
		y[i] = float64(r.IntN(2))
	}
	for c := range cols {
		for i := range rows {
			x.Data[c*rows+i] = r.NormFloat64()
			if c%2 == 0 {
				x.Data[c*rows+i] += y[i] * 0.3 * float64(1+c%5)
			}
		}
	}
	return x, y
}

func benchmarkFit(b *testing.B, x *table.Matrix, y []float64, o Options) {
	o.Workers = 1
	for b.Loop() {
		if _, err := Fit(context.Background(), x, y, nil, o); err != nil {
			b.Fatal(err)
		}
	}
}

// The published forest: 100 trees of 7168 drives with 3 columns.
func BenchmarkPublishedForest(b *testing.B) {
	x, y, o := published(b)
	benchmarkFit(b, x, y, o)
}

func BenchmarkForest100kx20(b *testing.B) {
	x, y := blobs(100_000, 20)
	o := RandomForestClassifier()
	o.MaxDepth, o.Estimators = 10, 10
	benchmarkFit(b, x, y, o)
}

func BenchmarkRegressor(b *testing.B) {
	x, y := blobs(20_000, 10)
	for i := range y {
		y[i] += 0.3 * x.Data[i]
	}
	o := RandomForestRegressor()
	o.MaxDepth, o.Estimators = 10, 5
	benchmarkFit(b, x, y, o)
}

func BenchmarkExtraTrees(b *testing.B) {
	x, y := blobs(20_000, 10)
	o := ExtraTreesClassifier()
	o.MaxDepth, o.Estimators = 10, 20
	benchmarkFit(b, x, y, o)
}
