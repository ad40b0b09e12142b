package tree

import (
	"math"
	"sort"

	"github.com/drivecast/drivecast/internal/rng"
)

// draws is the number of rows that a tree draws.
func (d *training) draws(opt *Options) int {
	if opt.MaxSamples.form != fraction {
		return opt.MaxSamples.of(d.rows, math.Trunc)
	}
	if opt.Compat == Sklearn18 {
		return max(1, opt.MaxSamples.of(d.rows, math.RoundToEven))
	}
	total := float64(d.rows)
	if d.weights != nil {
		total = sum(d.weights)
	}
	return max(1, int(opt.MaxSamples.share*total))
}

// weigh writes the weight of each row in the tree with the given seed.
func (d *training) weigh(dst []float64, seed uint32, opt *Options) {
	if !opt.Bootstrap {
		if d.weights != nil {
			copy(dst, d.weights)
			return
		}
		for i := range dst {
			dst[i] = 1
		}
		return
	}
	d.countDraws(dst, seed, opt)
	var byClass []float64
	if opt.Balance == BalancedSubsample {
		counts := make([]float64, len(d.labels))
		for i, n := range dst {
			counts[d.class[i]] += n
		}
		byClass = balance(counts)
	}
	if d.weights != nil && d.shares == nil {
		for i, w := range d.weights {
			dst[i] *= w
		}
	}
	if byClass != nil {
		for i, c := range d.class {
			dst[i] *= byClass[c]
		}
	}
}

// countDraws writes how often the tree with the given seed draws each row.
func (d *training) countDraws(dst []float64, seed uint32, opt *Options) {
	clear(dst)
	r := rng.New(seed)
	if d.shares == nil {
		r.Count(dst, d.draws(opt))
		return
	}
	for range d.draws(opt) {
		u := r.Float64()
		dst[sort.Search(d.rows-1, func(i int) bool { return d.shares[i] > u })]++
	}
}
