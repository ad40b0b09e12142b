package tree

import (
	"math"
	"slices"
	"sort"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/rng"
)

// takeWeights checks the weights of rows and multiplies them by those of their
// classes.
func (d *training) takeWeights(weights []float64, opt *Options) error {
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return errs.New(errs.Invalid, "row %d: the weight %v is not a number from 0", i, w)
		}
	}
	d.weights = slices.Clone(weights)
	byClass, err := d.classWeights(weights, opt)
	if err != nil {
		return err
	}
	if byClass != nil {
		if d.weights == nil {
			d.weights = slices.Repeat([]float64{1}, d.rows)
		}
		for i, c := range d.class {
			d.weights[i] *= byClass[c]
		}
	}
	if d.weights != nil {
		total := sum(d.weights)
		switch {
		case total == 0:
			return errs.New(errs.Invalid, "all weights are zero; give at least one row some weight")
		case math.IsInf(total, 1):
			return errs.New(errs.Invalid, "the weights sum to infinity; divide them all by one large number")
		case opt.Bootstrap && opt.Compat == Sklearn19:
			d.shares = runningShares(d.weights, total)
		}
	}
	d.exact = d.sumsAreExact(opt)
	return nil
}

// runningShares returns the running sums of weights, scaled to end in 1.
func runningShares(weights []float64, total float64) []float64 {
	out := make([]float64, len(weights))
	at := 0.0
	for i, w := range weights {
		at += w / total
		out[i] = at
	}
	for i := range out {
		out[i] /= at
	}
	return out
}

// sumsAreExact reports whether all weights, and a regressor's targets, are whole
// numbers so small that their sums are whole numbers which float64 holds.
func (d *training) sumsAreExact(opt *Options) bool {
	const top = 1 << 53
	total := float64(d.rows)
	if opt.Bootstrap {
		if opt.Balance == BalancedSubsample {
			return false
		}
		total = float64(d.draws(opt))
	}
	if d.weights != nil && d.shares == nil {
		most := 0.0
		for _, w := range d.weights {
			if w != math.Trunc(w) {
				return false
			}
			most = max(most, w)
		}
		total *= most
	}
	most := 1.0
	if opt.Regression {
		for _, v := range d.target {
			if v != math.Trunc(v) {
				return false
			}
			most = max(most, v*v)
		}
	}
	return total*most < top
}

// classWeights returns the weight of each class, or nil when all are 1.
func (d *training) classWeights(weights []float64, opt *Options) ([]float64, error) {
	switch {
	case opt.Balance == BalancedSubsample && opt.Bootstrap:
		return nil, nil // each tree weighs its own rows
	case opt.Balance != Unbalanced:
		if opt.Single || opt.Compat == Sklearn18 {
			weights = nil
		}
		counts := make([]float64, len(d.labels))
		for i, c := range d.class {
			if weights != nil {
				counts[c] += weights[i]
			} else {
				counts[c]++
			}
		}
		return balance(counts), nil
	case opt.ClassWeight == nil:
		return nil, nil
	}
	out := make([]float64, len(d.labels))
	named := 0
	for i, l := range d.labels {
		w, ok := opt.ClassWeight[l]
		if !ok {
			w = 1
		} else {
			named++
		}
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, errs.New(errs.Usage, "class_weight of class %v must be a number from 0", l)
		}
		out[i] = w
	}
	if named < len(d.labels) && named < len(opt.ClassWeight) {
		return nil, errs.New(errs.Usage, "class_weight names a class that the data has not; the classes are %v", d.labels)
	}
	return out, nil
}

// balance returns weights in inverse proportion to counts; 0 where a count is 0.
func balance(counts []float64) []float64 {
	present := 0
	for _, n := range counts {
		if n > 0 {
			present++
		}
	}
	out := make([]float64, len(counts))
	for i, n := range counts {
		if n > 0 {
			out[i] = sum(counts) / (float64(present) * n)
		}
	}
	return out
}

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
