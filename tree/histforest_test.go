package tree

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

func forestSample(rows, classes int) (*table.Matrix, []float64) {
	r := rand.New(rand.NewPCG(9, uint64(classes)))
	x, y := table.NewMatrix(rows, 6), make([]float64, rows)
	for i := range rows {
		for c := range 6 {
			x.Col(c)[i] = r.NormFloat64()
		}
		v := x.At(i, 0) + x.At(i, 1)*x.At(i, 2)
		if y[i] = v; classes > 0 {
			y[i] = min(max(math.Floor(v+float64(classes)/2), 0), float64(classes-1))
		}
		if r.IntN(9) == 0 {
			x.Col(3)[i] = math.NaN()
		}
	}
	return x, y
}

func TestHistForestLearns(t *testing.T) {
	for _, classes := range []int{0, 2, 3, 70} {
		x, y := forestSample(2_500, classes)
		opt := hist.ForestDefaults(classes == 0)
		opt.Trees, opt.Workers = 10, 2
		f, err := FitHistForest(context.Background(), x, y, nil, opt)
		if err != nil {
			t.Fatal(err)
		}
		k := max(len(f.Labels), 1)
		out := make([]float64, x.Rows*k)
		c, err := f.Compile()
		if err != nil {
			t.Fatal(err)
		}
		c.Scores(out, x.RowMajor())
		right, square := 0.0, 0.0
		for i, want := range y {
			p := out[i*k : (i+1)*k]
			if classes == 0 {
				square += (p[0] - want) * (p[0] - want) / float64(x.Rows)
			} else if best := slices.Index(p, slices.Max(p)); f.Labels[best] == want {
				right += 1 / float64(x.Rows)
			}
		}
		if classes > 0 && right < 0.98 || square > 0.15 {
			t.Errorf("%d classes: %v right, squared error %v on the rows learned from", classes, right, square)
		}
	}
}

func TestHistForestNodesHoldTheirRows(t *testing.T) {
	x, y := forestSample(3_000, 3)
	opt := hist.ForestDefaults(false)
	opt.Trees, opt.Bootstrap, opt.MinRows, opt.Depth, opt.Leaves, opt.MinSplit = 4, false, 12, 7, 50, 30
	f, err := FitHistForest(context.Background(), x, y, nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]float64, x.Cols)
	for _, tr := range f.Trees {
		count := make([]float64, len(tr.Left)*3)
		for r := range x.Rows {
			count[tr.Leaf(x.Row(row, r))*3+int(y[r])]++
		}
		leaves := 0
		for i, l := range tr.Left {
			if l >= 0 {
				if tr.Samples[i] < 30 || tr.Weight[i] != tr.Weight[l]+tr.Weight[tr.Right[i]] {
					t.Fatalf("node %d of %d rows, weight %v was split", i, tr.Samples[i], tr.Weight[i])
				}
				continue
			}
			leaves++
			n := count[3*i] + count[3*i+1] + count[3*i+2]
			if n < 12 || n != float64(tr.Samples[i]) || n != tr.Weight[i] {
				t.Fatalf("leaf %d holds %v rows, says %d of weight %v", i, n, tr.Samples[i], tr.Weight[i])
			}
			gini := 1.0
			for k := range 3 {
				p := count[3*i+k] / n
				gini -= p * p
				if math.Abs(p-tr.Value[3*i+k]) > 1e-12 {
					t.Fatalf("leaf %d: fractions %v, rows %v", i, tr.Value[3*i:3*i+3], count[3*i:3*i+3])
				}
			}
			if math.Abs(gini-tr.Impurity[i]) > 1e-12 {
				t.Fatalf("leaf %d: impurity %v, want %v", i, tr.Impurity[i], gini)
			}
		}
		if leaves > 50 {
			t.Errorf("%d leaves", leaves)
		}
	}
}

func TestHistForestSameOnAnyNumberOfWorkers(t *testing.T) {
	x, y := forestSample(5_000, 2)
	var want *Forest
	for _, workers := range []int{1, 2, 8} {
		opt := hist.ForestDefaults(false)
		opt.Trees, opt.Workers, opt.Seed, opt.Balanced = 9, workers, 3, true
		f, err := FitHistForest(context.Background(), x, y, nil, opt)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = f
		}
		if !reflect.DeepEqual(f.Trees, want.Trees) {
			t.Errorf("%d workers grow another forest", workers)
		}
	}
}

// TestHistForestWeightsCountRows compares integer weights with repeated rows.
func TestHistForestWeightsCountRows(t *testing.T) {
	x, y := forestSample(800, 2)
	w, twice := make([]float64, x.Rows), []int{}
	for i := range w {
		w[i] = float64(1 + i%3)
		for range 1 + i%3 {
			twice = append(twice, i)
		}
	}
	opt := hist.ForestDefaults(false)
	opt.Trees, opt.Bootstrap, opt.Columns = 1, false, x.Cols
	a, err := FitHistForest(context.Background(), x, y, w, opt)
	if err != nil {
		t.Fatal(err)
	}
	y2 := make([]float64, len(twice))
	for i, r := range twice {
		y2[i] = y[r]
	}
	opt.MaxBins = 255
	b, err := FitHistForest(context.Background(), x.Take(twice), y2, nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(a.Trees[0].Weight[0]-b.Trees[0].Weight[0]) > 1e-6*b.Trees[0].Weight[0] {
		t.Errorf("weights sum to %v, repeated rows to %v", a.Trees[0].Weight[0], b.Trees[0].Weight[0])
	}
}

func TestHistForestBadInput(t *testing.T) {
	x, y := forestSample(100, 2)
	for name, spoil := range map[string]func(*hist.ForestOptions, []float64){
		"trees":     func(o *hist.ForestOptions, _ []float64) { o.Trees = 0 },
		"columns":   func(o *hist.ForestOptions, _ []float64) { o.Columns = 7 },
		"leaves":    func(o *hist.ForestOptions, _ []float64) { o.Leaves = 1 },
		"share":     func(o *hist.ForestOptions, _ []float64) { o.RowShare = 2 },
		"one class": func(_ *hist.ForestOptions, y []float64) { clear(y) },
		"NaN":       func(_ *hist.ForestOptions, y []float64) { y[0] = math.NaN() },
	} {
		opt, y := hist.ForestDefaults(false), slices.Clone(y)
		spoil(&opt, y)
		if _, err := FitHistForest(context.Background(), x, y, nil, opt); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
