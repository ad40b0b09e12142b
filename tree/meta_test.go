package tree

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/table"
)

// randomTable returns rows with ties, near ties and columns that say nothing.
func randomTable(r *rand.Rand, classes int) (*table.Matrix, []float64) {
	rows, cols := 2+r.IntN(300), 1+r.IntN(6)
	x, y := table.NewMatrix(rows, cols), make([]float64, rows)
	for i := range y {
		y[i] = float64(r.IntN(classes))
	}
	for c := range cols {
		step := []float64{1, 0.1, 1e-3, 4e-8, 1e20}[r.IntN(5)]
		spread := []float64{1, 5, 100, 3000}[r.IntN(4)]
		for i := range rows {
			x.Data[c*rows+i] = step * math.Round(spread*r.NormFloat64()+y[i])
		}
	}
	return x, y
}

func randomOptions(r *rand.Rand) Options {
	o := RandomForestClassifier()
	o.Estimators, o.Workers, o.Seed = 2, 1, r.Uint32N(1<<31)
	o.Bootstrap = r.IntN(2) == 0
	o.Criterion = []Criterion{Gini, Entropy}[r.IntN(2)]
	o.MaxDepth = r.IntN(8)
	o.MinSamplesLeaf = N(1 + r.IntN(2)*r.IntN(6))
	o.MinWeightFractionLeaf = []float64{0, 0, 0.05}[r.IntN(3)]
	o.MaxLeafNodes = []int{0, 0, 7}[r.IntN(3)]
	o.MaxFeatures = []Count{Sqrt, {}, N(2)}[r.IntN(3)]
	return o
}

// Counting ranks finds the trees that moving sums row by row finds.
func TestCountingFindsTheSameTrees(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		x, y := randomTable(r, 2+r.IntN(2)*r.IntN(4))
		var weights []float64
		if r.IntN(3) == 0 {
			weights = make([]float64, x.Rows)
			for i := range weights {
				weights[i] = float64(1 + r.IntN(3))
			}
		}
		o := randomOptions(r)
		d, err := prepare(x, y, weights, &o)
		if err != nil {
			t.Fatal(err)
		}
		if !d.countable(&o) {
			t.Fatalf("seed %d: whole weights are not countable", seed)
		}
		fast, slow := d.grower(rankColumns(d.x, d.hasMissing, 1), &o), d.grower(nil, &o)
		for s := range uint32(2) {
			a, b := fast.tree(context.Background(), s, d, &o), slow.tree(context.Background(), s, d, &o)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("seed %d, tree %d of %+v: %d nodes by counting, %d row by row; or they differ", seed, s, o, len(a.Left), len(b.Left))
			}
		}
	}
}

func fitTree(t *testing.T, x *table.Matrix, y []float64, o Options) *Tree {
	t.Helper()
	f, err := Fit(context.Background(), x, y, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return f.Trees[0]
}

// The order of rows does not matter where sums are exact.
func TestRowsInAnyOrder(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		x, y := randomTable(r, 3)
		order := r.Perm(x.Rows)
		shuffled := make([]float64, len(y))
		for i, from := range order {
			shuffled[i] = y[from]
		}
		for _, o := range []Options{DecisionTreeClassifier(), DecisionTreeRegressor()} {
			if a, b := fitTree(t, x, y, o), fitTree(t, x.Take(order), shuffled, o); !reflect.DeepEqual(a, b) {
				t.Errorf("seed %d, regression %v: another order of rows gives another tree", seed, o.Regression)
			}
		}
	}
}

// Trees see the order of values only: stretching a column changes thresholds and
// nothing else.
func TestStretchedColumns(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		x, y := table.NewMatrix(200, 3), make([]float64, 200)
		stretched := table.NewMatrix(200, 3)
		for i := range x.Data {
			x.Data[i] = float64(r.IntN(60) - 30)
			stretched.Data[i] = x.Data[i] * x.Data[i] * x.Data[i]
		}
		for i := range y {
			y[i] = r.NormFloat64() + x.Data[i]
		}
		o := DecisionTreeRegressor()
		o.Seed = uint32(seed)
		a, b := fitTree(t, x, y, o), fitTree(t, stretched, y, o)
		if !slices.Equal(a.Left, b.Left) || !slices.Equal(a.Feature, b.Feature) || !slices.Equal(a.Value, b.Value) {
			t.Errorf("seed %d: a monotone transform gives another tree", seed)
		}
	}
}

// Pruning at 0 gain keeps the tree, at more than the root's impurity the root.
func TestPruningEnds(t *testing.T) {
	x, y := blobs(500, 4)
	o := DecisionTreeClassifier()
	whole := fitTree(t, x, y, o)
	last := len(whole.Left)
	for _, alpha := range []float64{1e-9, 1e-3, 3e-3, 0.01, 1} {
		o.CCPAlpha = alpha
		n := len(fitTree(t, x, y, o).Left)
		if n > last {
			t.Errorf("alpha %v leaves %d nodes, a smaller one %d", alpha, n, last)
		}
		last = n
	}
	if last != 1 {
		t.Errorf("alpha 1 leaves %d nodes, want the root", last)
	}
}

func TestOutOfBagOfFewTrees(t *testing.T) {
	x, y := blobs(100, 4)
	o := RandomForestClassifier()
	o.Estimators, o.OOBScore = 1, true
	f, err := Fit(context.Background(), x, y, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	if f.OOB.Missed < 50 || f.OOB.Missed > 80 {
		t.Errorf("one tree draws %d of 100 rows, want about 63", f.OOB.Missed)
	}
	if len(f.OOB.Decision) != 200 || f.OOB.Score < 0.3 || f.OOB.Score > 1 {
		t.Errorf("%d answers, score %v", len(f.OOB.Decision), f.OOB.Score)
	}
}
