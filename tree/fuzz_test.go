package tree

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// oddValues are what a byte of a fuzzed table stands for.
var oddValues = []float64{0, 1, -1, 2, 3.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 1e-300, 5e-324, 1e38, -3.4e38,
	1, 1 + 1e-9, math.Copysign(0, -1), 1e-8, 2e-8, 0.1, 0.2, 100, 1 << 24, 1<<24 + 1}

// Whatever the data, Fit returns a forest that can be walked, the same for any
// number of workers, or an error that says whose fault it is.
func FuzzFit(f *testing.F) {
	f.Add([]byte{3, 0, 1, 1, 2, 3, 4, 0, 1, 0}, uint64(0), uint8(2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0}, uint64(1), uint8(1))
	f.Add([]byte{5, 5, 1, 2, 3, 4, 5, 5, 5, 1, 0, 1}, uint64(0x1ff), uint8(3))
	f.Add([]byte{1, 6, 2, 3}, uint64(77), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, bits uint64, cols uint8) {
		x, y, w := oddTable(data, int(cols%5), bits)
		o := oddOptions(bits)
		a, err := Fit(context.Background(), x, y, w, o)
		if err != nil {
			if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Usage) {
				t.Fatalf("%v is of kind %v", err, errs.KindOf(err))
			}
			return
		}
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
		dst := make([]float64, x.Rows*max(1, len(a.Labels)))
		a.Scores(dst, x.RowMajor())
		a.Importances()
		o.Workers = 3
		b, err := Fit(context.Background(), x, y, w, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, tr := range a.Trees {
			if !reflect.DeepEqual(tr.Left, b.Trees[i].Left) || !reflect.DeepEqual(tr.Feature, b.Trees[i].Feature) {
				t.Fatal("other workers, other trees")
			}
		}
	})
}

// oddTable reads columns, targets and weights off the bytes.
func oddTable(data []byte, cols int, bits uint64) (x *table.Matrix, y, w []float64) {
	rows := min(64, len(data)/(cols+2))
	x = table.NewMatrix(rows, cols)
	at := func(i int) float64 { return oddValues[int(data[i])%len(oddValues)] }
	for i := range x.Data {
		x.Data[i] = at(i)
	}
	for i := range rows {
		v := at(rows*cols + i)
		if bits>>60 == 0 && (math.IsNaN(v) || math.IsInf(v, 0)) {
			v = 7
		}
		y = append(y, v)
		w = append(w, math.Abs(at(rows*(cols+1)+i)))
	}
	if bits>>59&1 == 0 {
		w = nil
	}
	return x, y, w
}

func oddOptions(bits uint64) Options {
	kinds := []func() Options{RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor,
		DecisionTreeClassifier, DecisionTreeRegressor}
	o := kinds[bits%6]()
	take := func(n uint64) uint64 { bits /= 7; return bits % n }
	o.Seed, o.Workers = uint32(take(1000)), 1
	if !o.Single {
		o.Estimators = 3
		o.Bootstrap = take(2) == 0
		o.OOBScore = o.Bootstrap && take(2) == 0
	}
	if !o.Regression {
		o.Criterion = Criterion(take(2))
		o.Balance = Balance(take(3))
	}
	o.Compat = Compat(take(2))
	o.MaxDepth = int(take(4))
	o.MaxLeafNodes = int(take(2) * take(7))
	o.CCPAlpha = float64(take(2)) * 0.01
	o.MinSamplesLeaf = N(1 + int(take(3)))
	o.MinWeightFractionLeaf = float64(take(2)) * 0.1
	return o
}
