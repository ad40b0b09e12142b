package boosted

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/tree/kernel"
)

var odd = []float64{0, math.Copysign(0, -1), 1e-36, -1e-36, 0.1, float64(float32(0.1)), math.Inf(1), math.Inf(-1), math.NaN(), 1e300}

func oddValue(r *rand.Rand) float64 {
	if r.IntN(3) == 0 {
		return odd[r.IntN(len(odd))]
	}
	return math.Round(r.NormFloat64()*8) / 8
}

// threshold is a value that trees have.
func threshold(r *rand.Rand) float64 {
	if v := oddValue(r); v == v && v != 1e300 {
		return v
	}
	return 0.5
}

// same asks for random rows by the plain walk and by kernels.
func same(t *testing.T, r *rand.Rand, m *Model) {
	t.Helper()
	if m.fast.sums() == nil {
		t.Fatal("there is no fast form")
	}
	rows := 1 + r.IntN(3*fastRows)
	x := make([]float64, rows*m.cols)
	for i := range x {
		x[i] = oddValue(r)
	}
	got, raw := make([]float64, rows*m.outputs), make([]float64, m.outputs)
	m.Scores(got, x)
	for i := range rows {
		m.raw(raw, x[i*m.cols:(i+1)*m.cols])
		for c, want := range raw {
			if g := got[i*m.outputs+c]; math.Float64bits(g) != math.Float64bits(want) {
				t.Fatalf("row %v: %v by kernels, %v by the plain walk", x[i*m.cols:(i+1)*m.cols], g, want)
			}
		}
	}
}

// grow makes a random tree of up to depth levels.
func grow(r *rand.Rand, k *kernel.Tree, cols, depth int) int32 {
	i := int32(len(k.Left))
	k.Left, k.Right, k.Feature = append(k.Left, -1), append(k.Right, -1), append(k.Feature, int32(r.IntN(cols)))
	k.Threshold, k.MissingLeft, k.Value = append(k.Threshold, threshold(r)), append(k.MissingLeft, r.IntN(2) == 0), append(k.Value, r.NormFloat64())
	if depth > 0 && r.IntN(6) > 0 {
		k.Left[i] = grow(r, k, cols, depth-1)
		k.Right[i] = grow(r, k, cols, depth-1)
	}
	return i
}

func TestXGBoostByKernels(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		k := 1 + r.IntN(3)
		b := &booster{cols: 1 + r.IntN(5)}
		for range k {
			b.start = append(b.start, float32(r.NormFloat64()))
		}
		for i := range k * r.IntN(12) {
			var one kernel.Tree
			grow(r, &one, b.cols, r.IntN(7))
			b.trees, b.turn = append(b.trees, one), append(b.turn, i%k)
		}
		if r.IntN(3) == 0 {
			for range b.trees {
				b.weight = append(b.weight, r.Float32())
			}
		}
		m := &Model{cols: b.cols, outputs: k, raw: b.sum, fast: b.fast(), answer: func(dst, raw []float64) { copy(dst, raw) }}
		if k > 1 {
			m.classes = counted(k)
		}
		same(t, r, m)
	}
	b := &booster{cols: 1, start: []float32{0, 0}, trees: make([]kernel.Tree, 2), turn: []int{0, 0}}
	if b.fast() != nil {
		t.Error("trees that take no turns were taken for such")
	}
}

func TestLightGBMByKernels(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := &Model{cols: 1 + r.IntN(5), outputs: 1 + r.IntN(3), answer: func(dst, raw []float64) { copy(dst, raw) }}
		if m.outputs > 1 {
			m.classes = counted(m.outputs)
		}
		trees := make([]lgbTree, m.outputs*(1+r.IntN(8)))
		for i := range trees {
			var k kernel.Tree
			grow(r, &k, m.cols, r.IntN(7))
			trees[i].take(r, &k, 0)
		}
		average := r.IntN(2) == 0
		rounds := float64(len(trees) / m.outputs)
		m.raw = func(dst, row []float64) {
			clear(dst)
			for i := range trees {
				dst[i%m.outputs] += trees[i].value(row)
			}
			for c := range dst {
				if average {
					dst[c] /= rounds
				}
			}
		}
		m.lgbKernels(trees, average, rounds)
		same(t, r, m)
	}
}

// take adds node i of a tree and those below it, and returns its number.
func (t *lgbTree) take(r *rand.Rand, k *kernel.Tree, i int32) int32 {
	if k.Left[i] < 0 {
		t.leaf = append(t.leaf, k.Value[i])
		return ^int32(len(t.leaf) - 1)
	}
	n := int32(len(t.left))
	t.left, t.right, t.feature = append(t.left, 0), append(t.right, 0), append(t.feature, k.Feature[i])
	t.threshold, t.decision = append(t.threshold, k.Threshold[i]), append(t.decision, []uint8{0, 2, 8, 10}[r.IntN(4)])
	t.left[n] = t.take(r, k, k.Left[i])
	t.right[n] = t.take(r, k, k.Right[i])
	return n
}
