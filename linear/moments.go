package linear

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// columnMoments returns the weighted mean of col (0 when not centred) and the
// root mean square about it, 1 for a column that does not vary. bad is the first
// row that is NaN or infinite, or -1.
func (k kernels) columnMoments(col, weight []float64, centred bool) (center, scale float64, bad int) {
	shift := 0.0
	if centred { // near enough to the mean for the squares to keep their digits
		head := col[:min(len(col), 1024)]
		for _, v := range head {
			shift += v
		}
		shift /= float64(len(head))
		if math.IsNaN(shift) || math.IsInf(shift, 0) {
			shift = col[0]
		}
	}
	sum, squares, all := 0.0, 0.0, 1.0
	if weight == nil {
		sum, squares = k.moments(col, shift)
		all = float64(len(col))
	} else {
		for i, v := range col {
			d := v - shift
			sum += weight[i] * d
			squares += weight[i] * d * d
		}
	}
	if squares-squares != 0 || sum-sum != 0 {
		for i, v := range col {
			if v-v != 0 {
				return 0, 0, i
			}
		}
		return largest(col)
	}
	off := sum / all
	if centred {
		center = shift + off
		squares -= all * off * off
	}
	scale = math.Sqrt(squares / all)
	if !(scale > 1e-14*math.Abs(center)) || math.IsInf(scale, 0) {
		scale = 1
	}
	return center, scale, -1
}

// largest scales a column, whose squares overflow, by its largest element.
func largest(col []float64) (center, scale float64, bad int) {
	for _, v := range col {
		scale = max(scale, math.Abs(v))
	}
	return 0, scale, -1
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
