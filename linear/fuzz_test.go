package linear_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

// Whatever the data, a fit ends, does not panic, and gives finite numbers or an
// error of the kinds that are documented.
func FuzzFitLogistic(f *testing.F) {
	f.Add(uint64(1), 10, 2, 2, 1.0, 0.0, 1.0, uint8(0))
	f.Add(uint64(2), 4, 6, 3, 1e300, 0.5, 1e6, uint8(1))
	f.Add(uint64(3), 30, 1, 2, 1e-300, 1.0, 1e-9, uint8(2))
	f.Add(uint64(4), 20, 3, 5, 1.0, 0.0, math.Inf(1), uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, rows, cols, classes int, size, ratio, c float64, flags uint8) {
		r := rand.New(rand.NewPCG(seed, 0))
		rows, cols, classes = int(uint(rows)%60), int(uint(cols)%6), 1+int(uint(classes)%5)
		x, y := table.NewMatrix(rows, cols), make([]float64, rows)
		for i := range x.Data {
			x.Data[i] = size * float64(r.IntN(5)-2)
			if flags&8 != 0 {
				x.Data[i] += r.NormFloat64()
			}
		}
		for i := range y {
			y[i] = float64(r.IntN(classes))
		}
		var w []float64
		if flags&1 != 0 {
			w = make([]float64, rows)
			for i := range w {
				w[i] = float64(r.IntN(3))
			}
		}
		o := linear.Options{C: c, L1Ratio: ratio, FitIntercept: flags&2 != 0, Balanced: flags&4 != 0, Workers: 1}
		m, err := linear.FitLogistic(context.Background(), x, y, w, o)
		if k := errs.KindOf(err); err != nil && k != errs.Invalid && k != errs.Usage {
			t.Fatalf("%v: %v", k, err)
		}
		if err != nil {
			return
		}
		for k := range m.Coef {
			for _, v := range append(m.Coef[k], m.Intercept[k]) {
				if v-v != 0 {
					t.Fatalf("%+v gives %v %v", o, m.Coef, m.Intercept)
				}
			}
		}
	})
}
