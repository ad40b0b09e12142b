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

// Permutation says how columns are shuffled to see what a model makes of them.
type Permutation struct {
	Repeats  int    // shuffles of each column; 0 stands for 5
	Seed     uint64 // the same seed gives the same answer for any number of workers
	Workers  int    // 0: all processors
	Progress func(done, total int)
}

// Reliance is how much a model's score relies on each column.
type Reliance struct {
	Baseline float64     // score of the rows as they are
	Drop     [][]float64 // columns × repeats: baseline less the score with the column shuffled
	Mean     []float64   // mean drop of each column
	Std      []float64   // standard deviation of each column's drops (divided by their number)
}

// Importance measures how far the score of a model falls when one column after
// another is shuffled among the rows: permutation importance (Breiman, Random
// Forests, 2001), or model reliance (Fisher, Rudin and Dominici, All models are
// wrong but many are useful, JMLR 20, 2019). x holds rows × columns, row by row;
// score answers for such rows, more being better (negate a loss), and is called
// from several goroutines at once. It works on any model and any metric; rows
// that the model did not learn from show what it generalises by.
//
// Columns that say the same share their importance or hide it: the model reads in
// the other what was shuffled in the one. A drop below 0 is chance.
//
// Shapes that do not fit and a baseline that is not a number are of kind Invalid;
// when ctx ends, the error is its error.
func (p Permutation) Importance(ctx context.Context, x []float64, columns int, score func(x []float64) float64) (*Reliance, error) {
	if p.Repeats == 0 {
		p.Repeats = 5
	}
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	if columns < 1 || len(x) == 0 || len(x)%columns != 0 || p.Repeats < 1 {
		return nil, errs.New(errs.Invalid, "permutation of %d columns of %d numbers, %d times", columns, len(x), p.Repeats)
	}
	out := &Reliance{Baseline: score(x), Drop: make([][]float64, columns)}
	if math.IsNaN(out.Baseline) {
		return nil, errs.New(errs.Invalid, "the model's score on these rows is not a number: is there one class only?")
	}
	for c := range out.Drop {
		out.Drop[c] = make([]float64, p.Repeats)
	}
	total := columns * p.Repeats
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := 0
	for range min(p.Workers, total) {
		wg.Go(func() {
			s := newShuffler(x, columns)
			for k := int(next.Add(1)) - 1; k < total && ctx.Err() == nil; k = int(next.Add(1)) - 1 {
				c := k / p.Repeats
				s.shuffle(c, rand.New(rand.NewPCG(p.Seed, uint64(k))))
				out.Drop[c][k%p.Repeats] = out.Baseline - score(s.rows)
				s.restore(c)
				if p.Progress != nil {
					mu.Lock()
					done++
					p.Progress(done, total)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, errs.Wrap(err, "permute columns")
	}
	out.summarise()
	return out, nil
}

func (r *Reliance) summarise() {
	for _, drops := range r.Drop {
		mean, spread, n := 0.0, 0.0, float64(len(drops))
		for _, d := range drops {
			mean += d / n
		}
		for _, d := range drops {
			spread += (d - mean) * (d - mean) / n
		}
		r.Mean, r.Std = append(r.Mean, mean), append(r.Std, math.Sqrt(spread))
	}
}

// shuffler holds a copy of the rows, of which one column at a time is shuffled.
type shuffler struct {
	whole, rows []float64
	columns     int
	order       []int
}

func newShuffler(x []float64, columns int) *shuffler {
	return &shuffler{whole: x, rows: slices.Clone(x), columns: columns, order: make([]int, len(x)/columns)}
}

func (s *shuffler) shuffle(c int, r *rand.Rand) {
	for i := range s.order {
		s.order[i] = i
	}
	r.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
	for i, from := range s.order {
		s.rows[i*s.columns+c] = s.whole[from*s.columns+c]
	}
}

func (s *shuffler) restore(c int) {
	for i := c; i < len(s.rows); i += s.columns {
		s.rows[i] = s.whole[i]
	}
}
