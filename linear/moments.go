package linear

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// moments returns the weighted mean of col (0 when not centred) and the root
// mean square about it, 1 for a column that does not vary. bad is the first row
// that is NaN or infinite, or -1.
func moments(col, weight []float64, centred bool) (center, scale float64, bad int) {
	sum, sw := 0.0, 0.0
	for i, v := range col {
		if weight == nil {
			sum += v
		} else {
			sum += weight[i] * v
		}
	}
	if sw = 1; weight == nil {
		sw = float64(len(col))
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		for i, v := range col {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return 0, 0, i
			}
		}
	}
	if centred {
		center = sum / sw
	}
	ss, rest := 0.0, 0.0
	for i, v := range col {
		d := v - center
		if v-v != 0 {
			return 0, 0, i
		}
		if weight == nil {
			ss += d * d
			rest += d
		} else {
			ss += weight[i] * d * d
			rest += weight[i] * d
		}
	}
	if centred {
		center += rest / sw
	}
	scale = math.Sqrt(ss / sw)
	if !(scale > 1e-14*math.Abs(center)) || math.IsInf(scale, 0) {
		scale = 1
	}
	return center, scale, -1
}

// notFinite says which cell is missing or infinite.
func notFinite(x *table.Matrix, row, col int) error {
	name := "column " + strconv.Itoa(col+1)
	if x.Names != nil {
		name = x.Names[col]
	}
	what := "is missing"
	if math.IsInf(x.At(row, col), 0) {
		what = "is infinite"
	}
	return &errs.Input{Row: row + 2, Column: name, Problem: "the value " + what + ", which a linear model cannot take", Mend: "fill it or leave the row out"}
}

// parallel calls do(i) for each i below n on up to workers goroutines.
func parallel(workers, n int, do func(i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}
