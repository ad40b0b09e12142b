package eval_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/eval"
)

func manyScores(n int) (truth []int, score, weight []float64) {
	r := rand.New(rand.NewPCG(1, 1))
	truth, score, weight = make([]int, n), make([]float64, n), make([]float64, n)
	for i := range truth {
		truth[i] = r.IntN(2)
		score[i] = (r.Float64() + .3*float64(truth[i])) / 1.3
		weight[i] = r.ExpFloat64()
	}
	return truth, score, weight
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{2000, 1_000_000, 10_000_000} {
		truth, score, weight := manyScores(n)
		for name, w := range map[string][]float64{"plain": nil, "weighted": weight} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				b.SetBytes(int64(8 * n))
				b.ReportAllocs()
				sink := 0.0
				for b.Loop() {
					r, err := eval.Rank(truth, score, w)
					if err != nil {
						b.Fatal(err)
					}
					sink += r.AUC() + r.AveragePrecision()
				}
				if sink == 0 {
					b.Fatal("no area")
				}
			})
		}
	}
}

func BenchmarkCompareAUC(b *testing.B) {
	truth, score, other := manyScores(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eval.CompareAUC(truth, score, other, .95); err != nil {
			b.Fatal(err)
		}
	}
}
