package kernel

import (
	"math/rand/v2"
	"testing"
)

// deepForest is an ensemble of 20 full trees of ten levels on 20 columns.
func deepForest() (*Ensemble, []float64) {
	r := rand.New(rand.NewPCG(1, 9))
	e := &Ensemble{Features: 20, Outputs: 1}
	for range 20 {
		var t Tree
		var grow func(depth int, cover float64) int32
		grow = func(depth int, cover float64) int32 {
			i := int32(len(t.Left))
			t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
			t.Feature, t.Threshold = append(t.Feature, int32(r.IntN(20))), append(t.Threshold, r.NormFloat64())
			t.Cover, t.Value = append(t.Cover, cover), append(t.Value, r.NormFloat64())
			if depth > 0 {
				t.Left[i] = grow(depth-1, cover*0.4)
				t.Right[i] = grow(depth-1, cover*0.6)
			}
			return i
		}
		grow(10, 1000)
		e.Trees = append(e.Trees, t)
	}
	row := make([]float64, 20)
	for i := range row {
		row[i] = r.NormFloat64()
	}
	return e, row
}

func BenchmarkExplain(b *testing.B) {
	e, row := deepForest()
	x, err := NewExplainer(e, 0)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, len(row))
	for b.Loop() {
		x.Explain(dst, row)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(20*len(e.Trees[0].Left)), "ns/node")
}

func BenchmarkSumOneRow(b *testing.B) {
	e, row := deepForest()
	c, err := Compile(e)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, 1)
	for b.Loop() {
		c.Sum(dst, row, nil)
	}
}
