package hist

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// paths calls visit with the columns tested on each path from the root to a leaf.
func paths(t *Tree, visit func(columns []int32)) {
	var walk func(i int32, columns []int32)
	walk = func(i int32, columns []int32) {
		if t.Left[i] < 0 {
			visit(columns)
			return
		}
		columns = append(slices.Clip(columns), t.Feature[i])
		walk(t.Left[i], columns)
		walk(t.Right[i], columns)
	}
	walk(0, nil)
}

func TestLeavesHoldTheirRows(t *testing.T) {
	x, raw := sample(21, 5_000)
	for _, levels := range []bool{false, true} {
		opt := options(Binary)
		opt.MinRows, opt.Leaves, opt.Depth, opt.LevelWise, opt.MinHessian = 60, 40, 6, levels, 0
		m := fitted(t, x, target(Binary, raw), opt)
		row := make([]float64, x.Cols)
		for k := range m.Trees {
			tr := &m.Trees[k]
			count := make([]float64, len(tr.Left))
			for r := range x.Rows {
				count[tr.Leaf(x.Row(row, r), 1)]++
			}
			leaves := 0
			for i, l := range tr.Left {
				if l < 0 {
					leaves++
					if count[i] != tr.Cover[i] || count[i] < 60 {
						t.Fatalf("tree %d: leaf %d holds %v rows, says %v", k, i, count[i], tr.Cover[i])
					}
				}
			}
			paths(tr, func(columns []int32) {
				if len(columns) > 6 {
					t.Fatalf("tree %d is %d levels deep", k, len(columns))
				}
			})
			if leaves > 40 {
				t.Fatalf("tree %d has %d leaves", k, leaves)
			}
		}
	}
}

func TestMonotoneConstraints(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	const rows = 4_000
	x, y := table.NewMatrix(rows, 3), make([]float64, rows)
	for i := range rows {
		for c := range 3 {
			x.Col(c)[i] = r.NormFloat64()
		}
		y[i] = math.Sin(2*x.At(i, 0)) + x.At(i, 0) - math.Cos(3*x.At(i, 1)) - x.At(i, 1) + x.At(i, 2)*x.At(i, 0)
	}
	opt := options(Squared)
	opt.Categorical, opt.Monotone, opt.Trees = nil, []int8{1, -1, 0}, 60
	m := fitted(t, x, y, opt)
	for range 200 {
		row, last := []float64{0, r.NormFloat64(), r.NormFloat64()}, []float64{0, 0}
		for c, sign := range []float64{1, -1} {
			row[0], row[1] = r.NormFloat64(), r.NormFloat64()
			last[1] = math.Inf(-1)
			for v := -3.0; v < 3; v += 0.05 {
				row[c] = v
				m.Scores(last[:1], row)
				if sign*last[0] < last[1]-1e-12 {
					t.Fatalf("column %d: the answer moves against its constraint at %v", c, row)
				}
				last[1] = sign * last[0]
			}
		}
	}
}

func TestInteractionConstraints(t *testing.T) {
	x, raw := sample(23, 5_000)
	opt := options(Squared)
	opt.Interactions = [][]int{{0, 1}, {1, 2, 3}}
	m := fitted(t, x, target(Squared, raw), opt)
	for k := range m.Trees {
		paths(&m.Trees[k], func(columns []int32) {
			set := slices.Compact(slices.Sorted(slices.Values(columns)))
			if len(set) < 2 {
				return
			}
			ok := slices.ContainsFunc(opt.Interactions, func(allowed []int) bool {
				return !slices.ContainsFunc(set, func(c int32) bool { return !slices.Contains(allowed, int(c)) })
			})
			if !ok {
				t.Fatalf("tree %d: columns %v meet", k, set)
			}
		})
	}
}

func TestCategoriesAreSplitBySets(t *testing.T) {
	r := rand.New(rand.NewPCG(24, 1))
	const rows = 6_000
	x, y := table.NewMatrix(rows, 1), make([]float64, rows)
	for i := range rows {
		k := r.IntN(40)
		x.Data[i] = float64(k)
		y[i] = float64(k * 7 % 5)
	}
	opt := options(Squared)
	opt.Categorical, opt.Trees, opt.Rate, opt.CatSmooth, opt.CatL2 = []int{0}, 30, 0.5, 0, 0
	m := fitted(t, x, y, opt)
	out := make([]float64, 1)
	for k := range 40 {
		m.Scores(out, []float64{float64(k)})
		if math.Abs(out[0]-float64(k*7%5)) > 0.05 {
			t.Errorf("category %d answers %v, want %d", k, out[0], k*7%5)
		}
	}
	missing, unknown := make([]float64, 1), make([]float64, 1)
	m.Scores(missing, []float64{math.NaN()})
	m.Scores(unknown, []float64{4000})
	if missing[0] != unknown[0] {
		t.Errorf("a missing category answers %v, an unknown one %v", missing, unknown)
	}
}

func TestMissingValuesGoTheBetterWay(t *testing.T) {
	x, y := table.NewMatrix(4_000, 1), make([]float64, 4_000)
	for i := range y {
		x.Data[i] = float64(i % 10)
		if y[i] = 0; i%10 > 6 {
			y[i] = 1
		}
		if i%11 == 0 {
			x.Data[i], y[i] = math.NaN(), 1
		}
	}
	opt := options(Binary)
	opt.Categorical = nil
	m := fitted(t, x, y, opt)
	p := make([]float64, 2)
	for v, high := range map[float64]bool{0: false, 6: false, 7: true, math.NaN(): true} {
		if m.Scores(p, []float64{v}); p[1] > 0.5 != high {
			t.Errorf("at %v the probability is %v", v, p[1])
		}
	}
}

func TestBadInputIsNamed(t *testing.T) {
	x, raw := sample(25, 500)
	y := target(Binary, raw)
	bad := map[string]func(x *table.Matrix, y []float64, o *Options) []float64{
		"infinite":     func(x *table.Matrix, _ []float64, _ *Options) []float64 { x.Col(0)[3] = math.Inf(1); return nil },
		"half a class": func(x *table.Matrix, _ []float64, _ *Options) []float64 { x.Col(3)[3] = 1.5; return nil },
		"NaN target":   func(_ *table.Matrix, y []float64, _ *Options) []float64 { y[7] = math.NaN(); return nil },
		"one class":    func(_ *table.Matrix, y []float64, _ *Options) []float64 { clear(y); return nil },
		"no weight":    func(_ *table.Matrix, y []float64, _ *Options) []float64 { return make([]float64, len(y)) },
		"bad weight": func(_ *table.Matrix, y []float64, _ *Options) []float64 {
			return append(make([]float64, len(y)-1), math.NaN())
		},
		"no trees": func(_ *table.Matrix, _ []float64, o *Options) []float64 { o.Trees = 0; return nil },
		"no rate":  func(_ *table.Matrix, _ []float64, o *Options) []float64 { o.Rate = math.NaN(); return nil },
		"bins":     func(_ *table.Matrix, _ []float64, o *Options) []float64 { o.MaxBins = 256; return nil },
		"monotone": func(_ *table.Matrix, _ []float64, o *Options) []float64 { o.Monotone = []int8{1}; return nil },
		"category": func(_ *table.Matrix, _ []float64, o *Options) []float64 { o.Categorical = []int{9}; return nil },
		"goss, bags": func(_ *table.Matrix, _ []float64, o *Options) []float64 {
			o.Top, o.Other, o.RowShare, o.RowEvery = 0.1, 0.1, 0.5, 1
			return nil
		},
	}
	for name, spoil := range bad {
		x2, y2, opt := x.Take(upTo(x.Rows)), slices.Clone(y), options(Binary)
		w := spoil(x2, y2, &opt)
		if _, err := FitBoosted(context.Background(), x2, y2, w, opt, nil); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	opt := options("hinge")
	if _, err := FitBoosted(context.Background(), x, y, nil, opt, nil); !errs.Is(err, errs.Unsupported) {
		t.Errorf("an unknown objective: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FitBoosted(ctx, x, y, nil, options(Binary), nil); !errs.Is(err, errs.Canceled) {
		t.Errorf("a canceled fit: %v", err)
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestExplainAddsUp(t *testing.T) {
	x, raw := sample(26, 3_000)
	for _, o := range objectives {
		m := fitted(t, x, target(o, raw), options(o))
		row, dst, out := make([]float64, x.Cols), make([]float64, x.Cols), make([]float64, m.Outputs)
		for r := range 50 {
			x.Row(row, r)
			sum, _ := m.Explain(dst, row)
			for _, v := range dst {
				sum += v
			}
			if m.Raw(out, row); math.Abs(sum-out[m.Outputs-1]) > 1e-12 {
				t.Fatalf("%s: contributions sum to %v, the raw answer is %v", o, sum, out[m.Outputs-1])
			}
		}
		im := m.Importance()
		if im.Splits[0] == 0 || im.Gain[0] <= im.Gain[4] {
			t.Errorf("%s: importance %v", o, im)
		}
	}
}

// TestMissingIsASplitOfItsOwn learns a target that only says whether a value is
// missing.
func TestMissingIsASplitOfItsOwn(t *testing.T) {
	x, y := table.NewMatrix(2_000, 1), make([]float64, 2_000)
	for i := range y {
		if x.Data[i] = float64(i * 7 % 301); i%3 == 0 {
			x.Data[i], y[i] = math.NaN(), 1
		}
	}
	opt := options(Binary)
	opt.Categorical, opt.Trees, opt.Leaves = nil, 1, 2
	m := fitted(t, x, y, opt)
	f, err := FitForest(context.Background(), x, y, nil, ForestDefaults(false))
	if err != nil {
		t.Fatal(err)
	}
	low, high := []float64{0, 0}, []float64{0, 0}
	m.Scores(low, []float64{300})
	m.Scores(high, []float64{math.NaN()})
	if tr := f.Trees[0]; low[1] >= high[1] || len(tr.Left) != 3 || tr.Impurity[1]+tr.Impurity[2] > 0 {
		t.Errorf("probabilities are %v and %v; the forest's first tree is %v", low, high, tr)
	}
}

// TestClassWeightsAreRowWeights compares the ways to weigh classes.
func TestClassWeightsAreRowWeights(t *testing.T) {
	x, raw := sample(27, 2_000)
	y := target(Binary, raw)
	w, ones := make([]float64, len(y)), 0.0
	for i, v := range y {
		w[i] = 1 + 2*v
		ones += v
	}
	byRow, err := FitBoosted(context.Background(), x, y, w, options(Binary), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"class weight":    func(o *Options) { o.ClassWeight = []float64{1, 3} },
		"positive weight": func(o *Options) { o.PositiveWeight = 3 },
	} {
		opt := options(Binary)
		change(&opt)
		if m := fitted(t, x, y, opt); !slices.Equal(m.Base, byRow.Base) || !slices.Equal(m.Trees[9].Value, byRow.Trees[9].Value) {
			t.Errorf("%s: another model than with row weights", name)
		}
	}
	opt, n := options(Binary), float64(len(y))
	opt.Balanced = true
	balanced := fitted(t, x, y, opt)
	opt.Balanced, opt.ClassWeight = false, []float64{n / (2 * (n - ones)), n / (2 * ones)}
	if m := fitted(t, x, y, opt); !slices.Equal(m.Trees[9].Value, balanced.Trees[9].Value) {
		t.Error("balanced classes do not weigh n/(K·count)")
	}
}

// TestSharesAreDrawn counts the rows and columns of each tree.
func TestSharesAreDrawn(t *testing.T) {
	x, raw := sample(28, 4_000)
	y := target(Squared, raw)
	opt := options(Squared)
	opt.RowShare, opt.RowEvery, opt.ColumnShare = 0.4, 2, 0.4
	m := fitted(t, x, y, opt)
	columns := map[int32]bool{}
	for k := range m.Trees {
		tr, used := &m.Trees[k], map[int32]bool{}
		for i, l := range tr.Left {
			if l >= 0 {
				used[tr.Feature[i]], columns[tr.Feature[i]] = true, true
			}
		}
		if share := tr.Cover[0] / 4_000; len(used) > 2 || share < 0.37 || share > 0.43 {
			t.Errorf("tree %d: %d columns, %v of the rows", k, len(used), share)
		}
		if k%2 == 1 && tr.Cover[0] != m.Trees[k-1].Cover[0] {
			t.Errorf("tree %d: rows were drawn again", k)
		}
	}
	if len(columns) != 5 {
		t.Errorf("%d of 5 columns are ever used", len(columns))
	}
	opt = options(Squared)
	opt.Top, opt.Other, opt.Rate = 0.2, 0.1, 0.5
	m = fitted(t, x, y, opt)
	if first, later := m.Trees[0].Cover[0], m.Trees[5].Cover[0]/4_000; first != 4_000 || later < 0.27 || later > 0.33 {
		t.Errorf("GOSS learns from %v rows at first and a share of %v later", first, later)
	}
}
