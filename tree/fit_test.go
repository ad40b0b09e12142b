package tree

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// peerCase is one fit by scikit-learn 1.9.1. Floats are hexadecimal.
type peerCase struct {
	Name       string
	Rows, Cols int
	X, Y, Pred []string
	Params     map[string]any
	Trees      []struct {
		Left, Right, Feature       []int32
		Threshold, Impurity, Value []string
		N                          []int64
		W                          []float64
		Miss                       []int
	}
}

func readPeerCases(t *testing.T) []peerCase {
	t.Helper()
	f, err := os.Open("testdata/sklearn-1.9.1.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []peerCase
	if err := json.NewDecoder(z).Decode(&cases); err != nil || len(cases) < 30 {
		t.Fatal(len(cases), err)
	}
	return cases
}

func floats(t *testing.T, in []string) []float64 {
	t.Helper()
	out := make([]float64, len(in))
	for i, s := range in {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func (c *peerCase) options() Options {
	o := map[string]func() Options{"rf": RandomForestClassifier, "dt": DecisionTreeClassifier,
		"rr": RandomForestRegressor, "dr": DecisionTreeRegressor}[c.Name[:2]]()
	whole := func(name string, none int) int {
		if v, ok := c.Params[name].(float64); ok {
			return int(v)
		}
		return none
	}
	o.Seed = uint32(whole("random_state", 0))
	o.MaxDepth = whole("max_depth", 0)
	o.MinSamplesSplit, o.MinSamplesLeaf = N(whole("min_samples_split", 2)), N(whole("min_samples_leaf", 1))
	o.Estimators = whole("n_estimators", 1)
	if c.Params["criterion"] == "entropy" {
		o.Criterion = Entropy
	}
	o.MaxFeatures = Count{}
	switch v := c.Params["max_features"].(type) {
	case string:
		o.MaxFeatures = Sqrt
	case float64:
		o.MaxFeatures = Share(v)
	}
	return o
}

// Trees are scikit-learn's node by node.
func TestTreesAsScikitLearn(t *testing.T) {
	for _, c := range readPeerCases(t) {
		x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: floats(t, c.X)}
		f, err := Fit(context.Background(), x, floats(t, c.Y), nil, c.options())
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for i, w := range c.Trees {
			g := f.Trees[i]
			missing := make([]bool, len(w.Miss))
			for j, m := range w.Miss {
				missing[j] = m == 1
			}
			if !slices.Equal(g.Left, w.Left) || !slices.Equal(g.Right, w.Right) || !slices.Equal(g.Feature, w.Feature) ||
				!slices.Equal(g.Threshold, floats(t, w.Threshold)) || !slices.Equal(g.Samples, w.N) || !slices.Equal(g.Weight, w.W) ||
				!slices.Equal(g.MissingLeft, missing) || !slices.Equal(g.Value, floats(t, w.Value)) ||
				!slices.Equal(g.Impurity, floats(t, w.Impurity)) {
				t.Fatalf("%s: tree %d differs", c.Name, i)
			}
			if err := g.Check(c.Cols); err != nil {
				t.Fatalf("%s: tree %d: %v", c.Name, i, err)
			}
		}
		want := floats(t, c.Pred)
		got := make([]float64, len(want))
		f.Scores(got, x.RowMajor()[:len(want)/max(1, len(f.Labels))*c.Cols])
		if !slices.Equal(got, want) {
			t.Errorf("%s: answers differ", c.Name)
		}
	}
}

func TestSameTreesForAnyNumberOfWorkers(t *testing.T) {
	c := readPeerCases(t)[0]
	x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: floats(t, c.X)}
	var first *Forest
	for workers := 1; workers <= 8; workers *= 2 {
		o := RandomForestClassifier()
		o.Estimators, o.Workers, o.Seed = 20, workers, 7
		f, err := Fit(context.Background(), x, floats(t, c.Y), nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = f
		}
		if !reflect.DeepEqual(f, first) {
			t.Errorf("%d workers grow other trees than 1", workers)
		}
	}
}

// A row of weight 2 is the same as the row twice.
func TestWeightsEqualDuplicates(t *testing.T) {
	c := readPeerCases(t)[0]
	x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: floats(t, c.X)}
	y := floats(t, c.Y)
	weights := make([]float64, c.Rows)
	var twice []int
	var yTwice []float64
	for i := range weights {
		for range 1 + i%3 {
			weights[i]++
			twice, yTwice = append(twice, i), append(yTwice, y[i])
		}
	}
	a, err := Fit(context.Background(), x, y, weights, DecisionTreeClassifier())
	if err != nil {
		t.Fatal(err)
	}
	b, err := Fit(context.Background(), x.Take(twice), yTwice, nil, DecisionTreeClassifier())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Trees[0].Threshold, b.Trees[0].Threshold) || !slices.Equal(a.Trees[0].Value, b.Trees[0].Value) {
		t.Error("weights and duplicates give different trees")
	}
}

// published returns the training rows of the published forest.
func published(t testing.TB) (*table.Matrix, []float64, Options) {
	t.Helper()
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drives to test with")
	}
	data, err := table.ReadFile(context.Background(), filepath.Join(dir, "seed/hdd_balanced_dataset.csv"), table.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := data.Matrix([]string{"capacity_bytes", "lifetime", "model_encoded"})
	if err != nil {
		t.Fatal(err)
	}
	y := data.Column("failure").Floats
	train, _, err := table.StratifiedSplit(y, 0.2, 42)
	if err != nil {
		t.Fatal(err)
	}
	o := RandomForestClassifier()
	o.MaxDepth, o.MinSamplesSplit, o.Seed = 10, N(5), 42
	yTrain := make([]float64, len(train))
	for i, r := range train {
		yTrain[i] = y[r]
	}
	return x.Take(train), yTrain, o
}

func TestSeedForestIsThePublishedOne(t *testing.T) {
	x, y, o := published(t)
	f, err := Fit(context.Background(), x, y, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	nodes := 0
	for _, tr := range f.Trees {
		nodes += len(tr.Left)
	}
	if nodes != 20666 {
		t.Errorf("the forest has %d nodes, want 20666", nodes)
	}
}

func TestBadDataAndParameters(t *testing.T) {
	x := &table.Matrix{Rows: 4, Cols: 1, Data: []float64{1, 2, 3, 4}, Names: []string{"a"}}
	inf := &table.Matrix{Rows: 4, Cols: 1, Data: []float64{1, math.Inf(1), 3, 4}, Names: []string{"a"}}
	y := []float64{0, 1, 0, 1}
	usage := func(f func(*Options)) Options { o := RandomForestClassifier(); f(&o); return o }
	for name, tt := range map[string]struct {
		x    *table.Matrix
		y, w []float64
		opt  Options
		kind errs.Kind
	}{
		"no rows":       {table.NewMatrix(0, 1), nil, nil, RandomForestClassifier(), errs.Invalid},
		"short target":  {x, y[:3], nil, RandomForestClassifier(), errs.Invalid},
		"infinite":      {inf, y, nil, RandomForestClassifier(), errs.Invalid},
		"NaN target":    {x, []float64{0, 1, 0, math.NaN()}, nil, RandomForestClassifier(), errs.Invalid},
		"zero weights":  {x, y, make([]float64, 4), RandomForestClassifier(), errs.Invalid},
		"minus weight":  {x, y, []float64{1, 1, 1, -1}, RandomForestClassifier(), errs.Invalid},
		"no trees":      {x, y, nil, usage(func(o *Options) { o.Estimators = 0 }), errs.Usage},
		"split of 1":    {x, y, nil, usage(func(o *Options) { o.MinSamplesSplit = N(1) }), errs.Usage},
		"half criteria": {x, y, nil, usage(func(o *Options) { o.Criterion = SquaredError }), errs.Usage},
		"class weight":  {x, y, nil, usage(func(o *Options) { o.ClassWeight = map[float64]float64{7: 1} }), errs.Usage},
	} {
		if _, err := Fit(context.Background(), tt.x, tt.y, tt.w, tt.opt); !errs.Is(err, tt.kind) {
			t.Errorf("%s: got %v, want kind %v", name, err, tt.kind)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, x, y, nil, RandomForestClassifier()); !errs.Is(err, errs.Canceled) {
		t.Errorf("a canceled fit returns %v", err)
	}
}
