package tree

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// randomTree grows an arbitrary tree: a test may repeat a column of its path.
// Right children are lean times shallower than left ones.
func randomTree(r *rand.Rand, depth, lean, features, outputs int) *Tree {
	t := &Tree{Outputs: outputs}
	var grow func(depth int, weight float64) int32
	grow = func(depth int, weight float64) int32 {
		i := int32(len(t.Left))
		t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
		t.Feature, t.Threshold = append(t.Feature, -2), append(t.Threshold, -2)
		t.MissingLeft, t.Weight = append(t.MissingLeft, r.IntN(2) == 0), append(t.Weight, weight)
		for range outputs {
			t.Value = append(t.Value, r.NormFloat64())
		}
		if depth <= 0 || lean == 1 && r.IntN(6) == 0 {
			return i
		}
		t.Feature[i], t.Threshold[i] = int32(r.IntN(features)), r.NormFloat64()
		share := 0.02 + 0.96*r.Float64()
		l := grow(depth-1, weight*share)
		t.Left[i] = l
		t.Right[i] = grow((depth-1)/lean, weight*(1-share))
		return i
	}
	grow(depth, 1000)
	return t
}

// known returns the tree's expected value when only the columns in set are known.
func (t *Tree) known(i int32, x []float64, set uint, out int) float64 {
	if t.Left[i] < 0 {
		return t.Value[int(i)*t.Outputs+out]
	}
	l, r, c := t.Left[i], t.Right[i], t.Feature[i]
	if set>>c&1 == 0 {
		return (t.known(l, x, set, out)*t.Weight[l] + t.known(r, x, set, out)*t.Weight[r]) / t.Weight[i]
	}
	left := float64(float32(x[c])) <= t.Threshold[i] || math.IsNaN(x[c]) && t.MissingLeft[i]
	if left {
		return t.known(l, x, set, out)
	}
	return t.known(r, x, set, out)
}

// shapley sums over all subsets of columns, as the definition says.
func (t *Tree) shapley(x []float64, out int) []float64 {
	n := len(x)
	phi := make([]float64, n)
	for set := range uint(1 << n) {
		v := t.known(0, x, set, out)
		k := bits.OnesCount(set)
		for c := range n {
			if set>>c&1 == 1 {
				phi[c] += v * math.Gamma(float64(k)) * math.Gamma(float64(n-k+1)) / math.Gamma(float64(n+1))
			} else {
				phi[c] -= v * math.Gamma(float64(k+1)) * math.Gamma(float64(n-k)) / math.Gamma(float64(n+1))
			}
		}
	}
	return phi
}

func TestExplainEqualsSubsetSums(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		features, outputs := 1+r.IntN(8), 1+r.IntN(3)
		f := &Forest{NumInput: features}
		space := "value"
		for c := range outputs {
			if outputs > 1 {
				f.Labels, space = append(f.Labels, float64(c)), "probability"
			}
		}
		for range 1 + r.IntN(3) {
			f.Trees = append(f.Trees, randomTree(r, r.IntN(9), 1, features, outputs))
		}
		row, want, got := make([]float64, features), make([]float64, features), make([]float64, features)
		for c := range row {
			if row[c] = r.NormFloat64(); r.IntN(5) == 0 {
				row[c] = math.NaN()
			}
		}
		for _, tr := range f.Trees {
			for c, v := range tr.shapley(row, outputs-1) {
				want[c] += v / float64(len(f.Trees))
			}
		}
		base, s := f.Explain(got, row)
		if s != space {
			t.Fatalf("seed %d: space %q, want %q", seed, s, space)
		}
		sum := base
		for c := range got {
			sum += got[c]
			if math.Abs(got[c]-want[c]) > 1e-12 {
				t.Fatalf("seed %d: column %d adds %v, subset sums say %v", seed, c, got[c], want[c])
			}
		}
		score := make([]float64, outputs)
		f.Scores(score, row)
		if math.Abs(sum-score[outputs-1]) > 1e-12 {
			t.Fatalf("seed %d: contributions sum to %v, the answer is %v", seed, sum, score[outputs-1])
		}
	}
}

func TestExplainDeepTreesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const features = 60
	f := &Forest{NumInput: features}
	for range 4 {
		f.Trees = append(f.Trees, randomTree(r, 45, 3, features, 1))
	}
	row, dst, score := make([]float64, features), make([]float64, features), make([]float64, 1)
	for range 3 {
		for c := range row {
			row[c] = r.NormFloat64()
		}
		sum, _ := f.Explain(dst, row)
		for _, v := range dst {
			sum += v
		}
		f.Scores(score, row)
		if math.Abs(sum-score[0]) > 1e-12 {
			t.Errorf("contributions sum to %v, the answer is %v", sum, score[0])
		}
	}
}

func TestExplainWithoutWeightBelow(t *testing.T) {
	f := &Forest{NumInput: 1, Trees: []*Tree{{
		Left: []int32{1, -1, 3, -1, -1}, Right: []int32{2, -1, 4, -1, -1}, Feature: []int32{0, -2, 0, -2, -2},
		Threshold: []float64{0, 0, 1, 0, 0}, Weight: []float64{4, 4, 0, 0, 0}, Value: []float64{0, 1, 0, 5, 9}, Outputs: 1,
	}}}
	for x, want := range map[float64]float64{-1: 1, 0.5: 5, 2: 9} {
		dst := []float64{0}
		base, _ := f.Explain(dst, []float64{x})
		if base != 1 || math.Abs(base+dst[0]-want) > 1e-12 {
			t.Errorf("at %v: base %v and contribution %v, want 1 and %v", x, base, dst[0], want-1)
		}
	}
}

func ExampleForest_Explain() {
	f := &Forest{NumInput: 2, Trees: []*Tree{{
		Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{1, -2, -2}, Threshold: []float64{3, -2, -2},
		Weight: []float64{16, 12, 4}, Value: []float64{0, 0.5, 3}, Outputs: 1,
	}}}
	dst := make([]float64, 2)
	base, space := f.Explain(dst, []float64{7, 4})
	fmt.Println(base, dst, space)
	// Output: 1.125 [0 1.875] value
}
