package eval

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// Bootstrap says how to resample rows.
type Bootstrap struct {
	// Group holds the group of each row, such as its drive: whole groups are drawn,
	// so that rows of one drive do not count as independent evidence. nil draws rows.
	Group      []int
	Samples    int     // 0 stands for 1000
	Confidence float64 // in (0, 1); 0 stands for 0.95
	Seed       uint64  // the same seed gives the same bounds for any number of workers
	Workers    int     // 0: all processors
}

// Interval returns the percentile bootstrap interval of statistic (Efron and
// Tibshirani, 1993, chapter 13), which is called with the numbers of the drawn
// rows, from several goroutines at once. Samples on which it is NaN, as an AUC of
// one class, are left out; when more than half are, the bounds are NaN. Settings
// out of range are of kind Invalid; when ctx ends, the error is its error.
func (b Bootstrap) Interval(ctx context.Context, rows int, statistic func(rows []int) float64) (Interval, error) {
	out, err := b.Intervals(ctx, rows, 1, func(dst []float64, rows []int) { dst[0] = statistic(rows) })
	if err != nil {
		return Interval{}, err
	}
	return out[0], nil
}

// Intervals is Interval of count statistics on the same drawn rows, which statistic
// writes to dst: those that share their work, and differences of models, need one pass.
func (b Bootstrap) Intervals(ctx context.Context, rows, count int, statistic func(dst []float64, rows []int)) ([]Interval, error) {
	if b.Samples == 0 {
		b.Samples = 1000
	}
	if b.Confidence == 0 {
		b.Confidence = .95
	}
	if rows < 1 || b.Samples < 2 || count < 1 || !(b.Confidence > 0 && b.Confidence < 1) || b.Group != nil && len(b.Group) != rows {
		return nil, errs.New(errs.Invalid, "bootstrap of %d rows in %d groups: %d samples at confidence %v", rows, len(b.Group), b.Samples, b.Confidence)
	}
	if b.Workers <= 0 {
		b.Workers = runtime.GOMAXPROCS(0)
	}
	whole := make([]int, rows)
	for i := range whole {
		whole[i] = i
	}
	values := make([]float64, b.Samples*count) // sample by sample
	units := b.units(rows)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(b.Workers, b.Samples) {
		wg.Go(func() {
			var drawn []int
			for i := int(next.Add(1)) - 1; i < b.Samples && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				drawn = draw(drawn[:0], rows, units, rand.New(rand.NewPCG(b.Seed, uint64(i))))
				statistic(values[i*count:(i+1)*count], drawn)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := make([]float64, count)
	statistic(all, whole)
	out, one := make([]Interval, count), make([]float64, b.Samples)
	for k := range out {
		for i := range one {
			one[i] = values[i*count+k]
		}
		low, high := bounds(one, b.Confidence)
		out[k] = Interval{all[k], low, high}
	}
	return out, nil
}

// units lists the rows of each group, in order of first occurrence; nil when rows
// are drawn one by one.
func (b Bootstrap) units(rows int) [][]int {
	if b.Group == nil {
		return nil
	}
	at := make(map[int]int)
	var out [][]int
	for i, g := range b.Group[:rows] {
		u, ok := at[g]
		if !ok {
			u = len(out)
			at[g] = u
			out = append(out, nil)
		}
		out[u] = append(out[u], i)
	}
	return out
}

func draw(dst []int, rows int, units [][]int, r *rand.Rand) []int {
	if units == nil {
		for range rows {
			dst = append(dst, r.IntN(rows))
		}
		return dst
	}
	for range units {
		dst = append(dst, units[r.IntN(len(units))]...)
	}
	return dst
}

func bounds(values []float64, confidence float64) (low, high float64) {
	all := len(values)
	values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if 2*len(values) < all || len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(values)
	return quantile(values, (1-confidence)/2), quantile(values, (1+confidence)/2)
}

// quantile is the q-quantile of sorted values with linear interpolation (type 7
// of Hyndman and Fan, 1996).
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	a, b := sorted[i], sorted[min(i+1, len(sorted)-1)]
	t := at - float64(i)
	if t < .5 {
		return a + (b-a)*t
	}
	return b - (b-a)*(1-t)
}
