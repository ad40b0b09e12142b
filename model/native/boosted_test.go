package native

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
	"github.com/drivecast/drivecast/tree/kernel"
)

var objectives = []hist.Objective{hist.Binary, hist.Multiclass, hist.Squared, hist.Poisson, hist.Quantile, hist.Cox}

// boost fits a small ensemble on numbers, categories and missing values.
func boost(t testing.TB, o hist.Objective) (*hist.Boosted, []float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	x, y := table.NewMatrix(600, 3), make([]float64, 600)
	x.Names = []string{"a", "b", "kind"}
	for i := range y {
		x.Col(0)[i], x.Col(1)[i], x.Col(2)[i] = r.NormFloat64(), r.NormFloat64(), float64(r.IntN(90))
		v := x.At(i, 0) + math.Sin(x.At(i, 2))
		if y[i] = v; o == hist.Binary {
			y[i] = max(0, math.Copysign(1, v))
		}
		if o == hist.Multiclass {
			y[i] = min(max(math.Floor(v), -1), 1)
		}
		if o == hist.Poisson || o == hist.Cox {
			y[i] = math.Abs(v) + .1
		}
		if i%5 == 0 {
			x.Col(0)[i] = math.NaN()
		}
	}
	opt := hist.Defaults(o)
	opt.Trees, opt.Leaves, opt.Categorical = 6, 7, []int{2}
	m, err := hist.FitBoosted(context.Background(), x, y, nil, opt, &hist.Validation{X: x, Y: y})
	if err != nil {
		t.Fatal(err)
	}
	return m, x.RowMajor()
}

func TestBoostedRoundTrip(t *testing.T) {
	for _, o := range objectives {
		want, rows := boost(t, o)
		file, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		got := e.(*hist.Boosted)
		k := max(1, len(want.Labels))
		n := len(rows) / 3
		a, b := make([]float64, n*k), make([]float64, n*k)
		want.Scores(a, rows)
		got.Scores(b, rows)
		if !slices.Equal(a, b) {
			t.Errorf("%s: scores differ after loading", o)
		}
		va, vb := make([]float64, 3), make([]float64, 3)
		base, space := want.Explain(va, rows[:3])
		if base2, space2 := got.Explain(vb, rows[:3]); base != base2 || space != space2 || !slices.Equal(va, vb) {
			t.Errorf("%s: explanations differ after loading", o)
		}
		if !slices.Equal(got.Names, want.Names) || !slices.Equal(got.History, want.History) || !slices.Equal(got.Importance().Gain, want.Importance().Gain) {
			t.Errorf("%s: names, history or gains differ after loading", o)
		}
		if again, _ := Encode(got); !bytes.Equal(again, file) {
			t.Errorf("%s: equal models gave other bytes", o)
		}
	}
}

func TestSpoiledEnsemblesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*hist.Boosted){
		"cycle":           func(b *hist.Boosted) { b.Trees[1].Left[0] = 0 },
		"child too large": func(b *hist.Boosted) { b.Trees[1].Right[0] = 1000 },
		"two parents":     func(b *hist.Boosted) { b.Trees[1].Right[0] = b.Trees[1].Left[0] },
		"column":          func(b *hist.Boosted) { b.Trees[2].Feature[0] = 3 },
		"threshold":       func(b *hist.Boosted) { b.Trees[2].Threshold[0] = math.NaN() },
		"cover":           func(b *hist.Boosted) { b.Trees[2].Cover[1] = -1 },
		"value":           func(b *hist.Boosted) { b.Trees[0].Value = b.Trees[0].Value[1:] },
		"gain":            func(b *hist.Boosted) { b.Trees[0].Gain = nil },
		"classes":         func(b *hist.Boosted) { b.Labels = b.Labels[:1] },
		"labels":          func(b *hist.Boosted) { b.Labels = []float64{1, 1} },
		"base":            func(b *hist.Boosted) { b.Base[0] = math.NaN() },
		"outputs":         func(b *hist.Boosted) { b.Outputs = 2 },
		"names":           func(b *hist.Boosted) { b.Names = b.Names[:2] },
		"no trees":        func(b *hist.Boosted) { b.Trees = nil },
	} {
		b, _ := boost(t, hist.Binary)
		spoil(b)
		if _, err := Encode(b); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestSetsMustLieInTheFile changes the places of the sets, checksums included.
func TestSetsMustLieInTheFile(t *testing.T) {
	n := 3
	for name, sets := range map[string][]int64{
		"too few": {0, 1}, "beyond": {0, 1, 5, 2}, "backwards": {0, 2, 1, 2}, "not at 0": {1, 1, 1, 2}, "not to the end": {0, 0, 0, 1},
	} {
		a := &arrays{}
		doc := boostedDoc{Sets: put(a, sets), Words: put(a, []int64{1, 2})}
		if out, err := decodeSets(&doc, &reader{a.info, a.data}, n); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, %v", name, out, err)
		}
	}
	a := &arrays{}
	doc := boostedDoc{Sets: put(a, []int64{0, 0, 1, 2}), Words: put(a, []int64{-1, 2})}
	out, err := decodeSets(&doc, &reader{a.info, a.data}, n)
	if err != nil || out[0] != nil || !slices.Equal(out[1], kernel.Bitset{math.MaxUint64}) || !slices.Equal(out[2], kernel.Bitset{2}) {
		t.Errorf("got %v, %v", out, err)
	}
}

// FuzzDecodeBoosted damages a description and keeps the checksums right, so that
// what is behind them is reached.
func FuzzDecodeBoosted(f *testing.F) {
	b, _ := boost(f, hist.Binary)
	b.Trees = b.Trees[:2]
	file, _ := Encode(b)
	desc, r, _ := open(file)
	info := r.info
	f.Add([]byte(desc), r.data)
	f.Fuzz(func(t *testing.T, desc, data []byte) {
		for _, a := range info {
			if a.Offset+a.Count*elementSize(a.Type) > int64(len(data)) {
				return
			}
		}
		e, err := decodeBoosted(desc, &reader{info, data})
		if err != nil {
			return
		}
		m := e.(*hist.Boosted)
		if m.Features() > 1000 {
			return
		}
		row, why := make([]float64, m.Features()), make([]float64, m.Features())
		m.Scores(make([]float64, max(len(m.Classes()), 1)), row)
		m.Explain(why, row)
		if _, err := m.Compile(); err != nil {
			t.Errorf("what was accepted does not compile: %v", err)
		}
	})
}
