package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// someValues are thresholds and row values that kernels may get wrong.
var someValues = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, float64(float32(0.1)), math.Nextafter(float64(float32(0.1)), 1), 1e-45, -1e-45, 5e-324,
	math.MaxFloat32, -math.MaxFloat32, 1e300, -1e300, math.Inf(1), math.Inf(-1), 16777217, 2, 3, 4, 70, 1e-38,
}

// randomEnsemble grows arbitrary trees; shape picks what they have.
func randomEnsemble(r *rand.Rand, how Compare) *Ensemble {
	e := &Ensemble{Features: 1 + r.IntN(6), Outputs: 1 + r.IntN(3), Compare: how}
	if r.IntN(3) == 0 {
		e.Outputs, e.Turns = 1, 2+r.IntN(3)
	}
	e.Single = e.Outputs == 1 && r.IntN(4) == 0
	categories := r.IntN(2) == 0
	for range 1 + r.IntN(20) {
		var t Tree
		ragged := r.IntN(4) == 0 // one long path with short ones beside it
		var grow func(depth int) int32
		grow = func(depth int) int32 {
			i := int32(len(t.Left))
			t.Left, t.Right, t.Feature = append(t.Left, -1), append(t.Right, -1), append(t.Feature, -2)
			t.Threshold, t.MissingLeft = append(t.Threshold, -2), append(t.MissingLeft, r.IntN(2) == 0)
			t.Category, t.Cover = append(t.Category, nil), append(t.Cover, 1)
			for range e.Outputs {
				v := r.NormFloat64()
				if e.Single {
					v = float64(float32(v))
				}
				t.Value = append(t.Value, v)
			}
			if depth == 0 || !ragged && r.IntN(5) == 0 {
				return i
			}
			t.Feature[i], t.Threshold[i] = int32(r.IntN(e.Features)), value(r)
			if categories && r.IntN(3) == 0 {
				t.Category[i] = Bitset{r.Uint64(), r.Uint64()}[:1+r.IntN(2)]
			}
			left, right := depth-1, depth-1
			if ragged && r.IntN(2) == 0 {
				left = min(left, r.IntN(3))
			} else if ragged {
				right = min(right, r.IntN(3))
			}
			t.Left[i] = grow(left)
			t.Right[i] = grow(right)
			return i
		}
		if ragged {
			grow(r.IntN(60))
		} else {
			grow(r.IntN(8))
		}
		e.Trees = append(e.Trees, t)
	}
	return e
}

func value(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return someValues[r.IntN(len(someValues))]
	case 1:
		return float64(float32(r.NormFloat64()))
	default:
		return r.NormFloat64()
	}
}

// plain sums as the ensemble is written.
func plain(e *Ensemble, dst, row []float64) {
	for k := range e.Trees {
		t := &e.Trees[k]
		leaf := t.Leaf(row, e.Compare)
		if e.Single {
			c := k % max(e.Turns, 1)
			dst[c] = float64(float32(dst[c]) + float32(t.Value[leaf]))
			continue
		}
		if e.Turns > 1 {
			dst[k%e.Turns] += t.Value[leaf]
			continue
		}
		for c := range e.Outputs {
			dst[c] += t.Value[leaf*e.Outputs+c]
		}
	}
}

// agree checks that compiled sums equal plain sums bit for bit, in batches and
// row by row.
func agree(t *testing.T, r *rand.Rand, e *Ensemble) {
	t.Helper()
	c, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	rows, k := r.IntN(300), c.Answers()
	x := make([]float64, rows*e.Features)
	for i := range x {
		if x[i] = value(r); r.IntN(8) == 0 {
			x[i] = math.NaN()
		}
		if r.IntN(4) == 0 {
			tr := &e.Trees[r.IntN(len(e.Trees))]
			x[i] = tr.Threshold[r.IntN(len(tr.Threshold))]
		}
	}
	start := make([]float64, k)
	for i := range start {
		if start[i] = r.NormFloat64(); e.Single {
			start[i] = float64(float32(start[i]))
		}
	}
	got, want, one := make([]float64, rows*k), make([]float64, rows*k), make([]float64, k)
	c.Sum(got, x, start)
	for row := range rows {
		copy(want[row*k:(row+1)*k], start)
		plain(e, want[row*k:(row+1)*k], x[row*e.Features:(row+1)*e.Features])
		c.Sum(one, x[row*e.Features:(row+1)*e.Features], start)
		for j := range k {
			if w := want[row*k+j]; got[row*k+j] != w || one[j] != w {
				t.Fatalf("%v row %v: batch %v, single %v, plain %v", e.Compare, x[row*e.Features:(row+1)*e.Features], got[row*k+j], one[j], w)
			}
		}
	}
}

func FuzzCompiled(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, how uint8) {
		r := rand.New(rand.NewPCG(seed, 5))
		agree(t, r, randomEnsemble(r, Compare(how%3)))
	})
}

func TestWalkersEqualPlainGo(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		e := randomEnsemble(r, LessEqual32)
		c, err := Compile(e)
		if err != nil {
			t.Fatal(err)
		}
		width := len(c.slots) * lanes
		slots := make([]uint64, 2*width)
		for i := range slots {
			if slots[i] = slotValue(r.Uint32()); i%width < lanes {
				slots[i] = 0
			}
		}
		got, want := make([]uint32, 2*lanes), make([]uint32, 2*lanes)
		for k, root := range c.roots {
			walkRows(c.nodes[root:], slots, width, c.depth[k], got)
			walkRowsGo(c.nodes[root:], slots, width, c.depth[k], want)
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("seed %d, tree %d: lane %d is at %d, plain Go at %d", seed, k, i, got[i], want[i])
				}
			}
		}
		a, b := slices.Clone(c.starts), slices.Clone(c.starts)
		walkTrees(c.nodes, a, slots, c.levels)
		walkTreesGo(c.nodes, b, slots, c.levels)
		if !slices.Equal(a, b) {
			t.Fatalf("seed %d: trees end at %v, plain Go at %v", seed, a, b)
		}
	}
}

func TestDeepTreesAreWalkedAsTheyCame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	e := randomEnsemble(r, LessEqual64)
	c, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.keepDeep(e); err != nil {
		t.Fatal(err)
	}
	row, got, want := make([]float64, e.Features), make([]float64, c.Answers()), make([]float64, c.Answers())
	for range 50 {
		for i := range row {
			row[i] = value(r)
		}
		clear(want)
		plain(e, want, row)
		c.Sum(got, row, nil)
		for k := range want {
			if got[k] != want[k] {
				t.Fatalf("deep %v, plain %v", got, want)
			}
		}
	}
}

func TestBrokenTreesAreRefused(t *testing.T) {
	leaf := Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{-2}, Threshold: []float64{0}, Value: []float64{1}}
	split := func(l, r, c int32) Tree {
		return Tree{
			Left: []int32{l, -1, -1}, Right: []int32{r, -1, -1}, Feature: []int32{c, 0, 0},
			Threshold: make([]float64, 3), Value: make([]float64, 3),
		}
	}
	for name, tr := range map[string]Tree{
		"empty": {}, "loop": split(0, 2, 0), "twice": split(1, 1, 0), "far": split(1, 9, 0), "column": split(1, 2, 4),
		"right": split(1, -1, 0), "values": {Left: leaf.Left, Right: leaf.Right, Feature: leaf.Feature, Threshold: leaf.Threshold},
	} {
		e := &Ensemble{Trees: []Tree{leaf, tr}, Features: 2, Outputs: 1}
		if _, err := Compile(e); err == nil {
			t.Errorf("%s: compiled", name)
		}
		if _, err := NewExplainer(e, 0); err == nil {
			t.Errorf("%s: explained", name)
		}
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 8))
	for _, how := range []Compare{LessEqual32, LessEqual64, Less32} {
		e := randomEnsemble(r, how)
		c, err := Compile(e)
		if err != nil {
			t.Fatal(err)
		}
		row, dst := make([]float64, e.Features), make([]float64, c.Answers())
		if n := testing.AllocsPerRun(100, func() { c.Sum(dst, row, nil) }); n > 0 && !racing {
			t.Errorf("%v allocations a row", n)
		}
	}
}
