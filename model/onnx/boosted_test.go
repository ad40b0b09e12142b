package onnx_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/model/onnx"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// boost fits an ensemble to numbers, missing values and a column of categories,
// and returns rows to ask about, some with unknown categories.
func boost(t testing.TB, o hist.Objective, categorical []int) (*hist.Boosted, []float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(8, 9))
	x, y := table.NewMatrix(900, 3), make([]float64, 900)
	for i := range y {
		x.Col(0)[i], x.Col(1)[i], x.Col(2)[i] = r.NormFloat64(), r.NormFloat64(), float64(r.IntN(70))
		v := x.At(i, 0) + 2*math.Sin(x.At(i, 2))
		switch y[i] = v; o {
		case hist.Binary:
			y[i] = max(0, math.Copysign(1, v))
		case hist.Multiclass:
			y[i] = min(max(math.Floor(v), -2), 1)
		case hist.Poisson, hist.Cox:
			y[i] = math.Abs(v) + .1
		}
		if i%5 == 0 {
			x.Col(0)[i] = math.NaN()
		}
	}
	opt := hist.Defaults(o)
	opt.Trees, opt.Leaves, opt.Categorical, opt.CatL2 = 8, 9, categorical, 0
	m, err := hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := x.RowMajor()
	for i := range rows {
		if r.IntN(12) == 0 {
			rows[i] = []float64{math.NaN(), 5000, -3, 1e300, math.Inf(1), math.Inf(-1)}[r.IntN(6)]
		}
	}
	return m, rows
}

func TestExportedBoostedGiveTheSameAnswers(t *testing.T) {
	for _, o := range []hist.Objective{hist.Binary, hist.Multiclass, hist.Squared, hist.Poisson, hist.Quantile, hist.Cox} {
		for name, categorical := range map[string][]int{"numbers": nil, "categories": {2}} {
			b, x := boost(t, o, categorical)
			sets := 0
			for k := range b.Trees {
				sets += len(b.Trees[k].Category)
			}
			if (sets > 0) != (categorical != nil) {
				t.Fatalf("%s %s: %d nodes with sets", o, name, sets)
			}
			file, err := onnx.Export(b, onnx.Spec{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.Open(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			k := max(1, len(b.Labels))
			want, got := make([]float64, 900*k), make([]float64, 900*k)
			b.Scores(want, x)
			m.Scores(got, x)
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= 1e-6*(1+math.Abs(want[i]))) {
					t.Fatalf("%s %s: score %d: %v, not %v", o, name, i, got[i], want[i])
				}
			}
		}
	}
}

// TestNodesThatLoopAreRefused damages files with chains that share children.
func TestNodesThatLoopAreRefused(t *testing.T) {
	b, x := boost(t, hist.Binary, []int{2})
	b.Trees = b.Trees[:1]
	file, err := onnx.Export(b, onnx.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	out, opened := make([]float64, 2), 0
	for i := range file { // a walk without an end would hang
		for _, flip := range []byte{1, 2, 4, 8} {
			file[i] ^= flip
			if m, err := onnx.Open(file, nil); err == nil && m.Features() == 3 && len(m.Classes()) == 2 {
				opened++
				m.Scores(out, x[:3])
			}
			file[i] ^= flip
		}
	}
	if opened == 0 {
		t.Error("no damaged file opened: the test shows nothing")
	}
}
