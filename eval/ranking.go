package eval

import (
	"math"
	"sync"
)

// Ranking is truth ordered by score: at each distinct score, from the highest
// down, the weight of the positives and of the negatives that score at least as
// much. Every metric of ranks is read off it, so that sorting is done once.
type Ranking struct {
	Threshold []float64 // distinct scores in descending order
	TP, FP    []float64 // weight of positives and negatives at or above each
	weighted  bool
	both      bool // both classes occur, whatever their weight
}

// Rank sorts truth (0 and 1) by score. weight, one a row, may be nil; rows of
// weight 0 are left out. A score that is NaN or infinite is of kind Invalid, as
// are lengths that differ and no rows at all.
func Rank(truth []int, score, weight []float64) (*Ranking, error) {
	if err := checkBinary(truth, score, weight); err != nil {
		return nil, err
	}
	return rank(truth, score, weight), nil
}

// side is the rows of one class, sorted by descending score.
type side struct {
	keys []uint64
	load []float64 // weights; nil when all are 1
}

// rank sorts the classes side by side, which leaves the truth out of the keys,
// and merges them.
func rank(truth []int, score, weight []float64) *Ranking {
	positives := 0
	for _, t := range truth {
		positives += t
	}
	r := &Ranking{weighted: weight != nil, both: positives > 0 && positives < len(truth)}
	var pos, neg side
	var wg sync.WaitGroup
	wg.Go(func() { pos = sortSide(1, positives, truth, score, weight) })
	wg.Go(func() { neg = sortSide(0, len(truth)-positives, truth, score, weight) })
	wg.Wait()
	r.merge(pos, neg)
	return r
}

func sortSide(class, n int, truth []int, score, weight []float64) side {
	keys := make([]uint64, 0, n)
	var load, spareLoad []float64
	if weight != nil {
		load, spareLoad = make([]float64, 0, n), make([]float64, n)
	}
	for i, t := range truth {
		if t != class {
			continue
		}
		if weight != nil {
			if weight[i] == 0 {
				continue
			}
			load = append(load, weight[i])
		}
		keys = append(keys, orderKey(score[i]))
	}
	keys, load = sortKeys(keys, make([]uint64, len(keys)), load, spareLoad[:len(load)])
	return side{keys, load}
}

// take adds up the entries of s that hold key and returns what is left.
func (s side) take(key uint64, total float64) (side, float64) {
	i := 0
	if s.load == nil {
		for i < len(s.keys) && s.keys[i] == key {
			i++
		}
		return side{keys: s.keys[i:]}, total + float64(i)
	}
	for i < len(s.keys) && s.keys[i] == key {
		total += s.load[i]
		i++
	}
	return side{s.keys[i:], s.load[i:]}, total
}

func (r *Ranking) merge(pos, neg side) {
	size := len(pos.keys) + len(neg.keys)
	r.Threshold, r.TP, r.FP = make([]float64, 0, size), make([]float64, 0, size), make([]float64, 0, size)
	tp, fp := 0.0, 0.0
	for len(pos.keys) > 0 || len(neg.keys) > 0 {
		key := uint64(math.MaxUint64)
		if len(pos.keys) > 0 {
			key = pos.keys[0]
		}
		if len(neg.keys) > 0 {
			key = min(key, neg.keys[0])
		}
		pos, tp = pos.take(key, tp)
		neg, fp = neg.take(key, fp)
		r.Threshold = append(r.Threshold, scoreOf(key))
		r.TP, r.FP = append(r.TP, tp), append(r.FP, fp)
	}
}

// Positives and Negatives are the weights of the classes.
func (r *Ranking) Positives() float64 { return last(r.TP) }

// Negatives is the weight of the negatives.
func (r *Ranking) Negatives() float64 { return last(r.FP) }

func last(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return v[len(v)-1]
}

// AUC is the area under the ROC curve: the chance that a positive scores higher
// than a negative, ties counting one half. It is NaN when a class is absent. The
// trapezoids are added as scikit-learn adds them, to the last bit.
func (r *Ranking) AUC() float64 {
	if !r.both || !(r.Positives() > 0) || !(r.Negatives() > 0) {
		return math.NaN()
	}
	parts := make([]float64, 0, len(r.TP))
	p, n := r.Positives(), r.Negatives()
	x0, y0 := 0.0, 0.0
	for i := range r.TP {
		if !r.corner(i) {
			continue
		}
		x, y := r.FP[i]/n, r.TP[i]/p
		parts = append(parts, (x-x0)*(y+y0)/2)
		x0, y0 = x, y
	}
	return sum(parts)
}

// corner reports whether point i of the ROC curve is an end or off the line
// through its neighbours in either coordinate.
func (r *Ranking) corner(i int) bool {
	if i == 0 || i == len(r.TP)-1 {
		return true
	}
	return (r.FP[i+1]-r.FP[i])-(r.FP[i]-r.FP[i-1]) != 0 || (r.TP[i+1]-r.TP[i])-(r.TP[i]-r.TP[i-1]) != 0
}

// PartialAUC is the area under the ROC curve up to the false-alarm rate limit, in
// (0, 1], scaled to 0.5 for chance and 1 for perfection (McClish, 1989). It is
// NaN when a class is absent or limit is out of its range.
func (r *Ranking) PartialAUC(limit float64) float64 {
	if !(limit > 0 && limit <= 1) {
		return math.NaN()
	}
	if limit == 1 {
		return r.AUC()
	}
	c := r.ROC(false)
	if !r.both || math.IsNaN(c.X[0]+c.Y[0]) {
		return math.NaN()
	}
	stop := 0
	for stop < len(c.X) && c.X[stop] <= limit {
		stop++
	}
	slope := (c.Y[stop] - c.Y[stop-1]) / (c.X[stop] - c.X[stop-1])
	x := append(c.X[:stop:stop], limit)
	y := append(c.Y[:stop:stop], c.Y[stop-1]+slope*(limit-c.X[stop-1]))
	parts := make([]float64, len(x)-1)
	for i := range parts {
		parts[i] = (x[i+1] - x[i]) * (y[i+1] + y[i]) / 2
	}
	least := limit * limit / 2
	return .5 * (1 + (sum(parts)-least)/(limit-least))
}

// AveragePrecision is the mean over the positives of the precision at their
// score: Σ (R_n - R_{n-1}) P_n without interpolation. It is 0 when there is no
// positive, as in scikit-learn.
func (r *Ranking) AveragePrecision() float64 {
	all := r.Positives()
	if !(all > 0) {
		return 0
	}
	parts := make([]float64, len(r.TP))
	before := 0.0
	for i, tp := range r.TP {
		now := tp / all
		parts[len(parts)-1-i] = (before - now) * (tp / (tp + r.FP[i]))
		before = now
	}
	return max(0, -sum(parts))
}
