package tree

import (
	"context"
	"sync"
)

// OutOfBag is how a bootstrapped forest judges the rows it was grown from: each
// by the trees that did not draw it (Breiman, Out-of-bag estimation, 1996).
type OutOfBag struct {
	Score    float64   // accuracy of a classifier, R² of a regressor
	Decision []float64 // rows × outputs: mean answers; zeros for a row that every tree drew
	Missed   int       // rows that every tree drew
}

func (d *training) outOfBag(ctx context.Context, f *Forest, seeds []uint32, opt *Options) (*OutOfBag, error) {
	drawn := make([][]uint64, len(seeds)) // a bit a row
	d.inParallel(len(seeds), opt.Workers, func(from, to int) {
		counts := make([]float64, d.rows)
		for i := from; i < to && ctx.Err() == nil; i++ {
			d.countDraws(counts, seeds[i], opt)
			drawn[i] = make([]uint64, (d.rows+63)/64)
			for r, n := range counts {
				if n > 0 {
					drawn[i][r/64] |= 1 << (r % 64)
				}
			}
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := max(1, len(d.labels))
	o := &OutOfBag{Decision: make([]float64, d.rows*k)}
	missed := make([]bool, d.rows)
	d.inParallel(d.rows, opt.Workers, func(from, to int) {
		row := make([]float64, len(d.x))
		for r := from; r < to && ctx.Err() == nil; r++ {
			for c := range row {
				row[c] = float64(d.x[c][r])
			}
			missed[r] = d.judge(o.Decision[r*k:(r+1)*k], f, row, func(tree int) bool {
				return drawn[tree][r/64]>>(r%64)&1 == 1
			})
		}
	})
	for _, m := range missed {
		if m {
			o.Missed++
		}
	}
	if d.labels != nil {
		o.Score = accuracy(o.Decision, d.class, k)
	} else {
		o.Score = rSquared(o.Decision, d.target)
	}
	return o, ctx.Err()
}

// judge writes the mean answer of the trees that did not draw the row, and
// reports whether there are none.
func (d *training) judge(dst []float64, f *Forest, row []float64, drew func(tree int) bool) bool {
	n := 0
	for i, t := range f.Trees {
		if drew(i) {
			continue
		}
		n++
		at := t.Leaf(row) * t.Outputs
		for c := range dst {
			dst[c] += t.Value[at+c]
		}
	}
	for c := range dst {
		dst[c] /= float64(max(1, n))
	}
	return n == 0
}

// inParallel divides n things among workers.
func (d *training) inParallel(n, workers int, do func(from, to int)) {
	workers = min(workers, n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { do(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
}

func accuracy(decision []float64, class []int32, k int) float64 {
	right := 0
	for r, want := range class {
		row := decision[r*k : (r+1)*k]
		best := 0
		for c, v := range row {
			if v > row[best] {
				best = c
			}
		}
		if int32(best) == want {
			right++
		}
	}
	return float64(right) / float64(len(class))
}

// rSquared is the coefficient of determination; for a constant target it is 1
// when every answer is right and 0 otherwise.
func rSquared(answers, target []float64) float64 {
	mean := sum(target) / float64(len(target))
	wrong, spread := make([]float64, len(target)), make([]float64, len(target))
	for i, y := range target {
		wrong[i] = (y - answers[i]) * (y - answers[i])
		spread[i] = (y - mean) * (y - mean)
	}
	switch w, s := sum(wrong), sum(spread); {
	case s != 0:
		return 1 - w/s
	case w == 0:
		return 1
	}
	return 0
}
