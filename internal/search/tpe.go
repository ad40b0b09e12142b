package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The constants of the tree-structured Parzen estimator.
const (
	parzenWarmUp     = 10   // results before they are used
	parzenGood       = 0.15 // share of the results that count as good, at most maxGood of them
	maxGood          = 25
	parzenCandidates = 24 // values that are compared, for each hyperparameter
)

// parzen draws a point by the tree-structured Parzen estimator (Bergstra, Bardenet,
// Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization", NIPS 2011): the
// results are parted into good and others, a density is put on either part, and of
// values drawn from the good density the one is taken that the good density makes
// most likely against the other. It returns nil while too few results are known.
//
// Failed trials are among the others, as are points that are still being tried
// when a caller adds them with the value NaN.
func (s *Sampler) parzen(i int, known []Result) []float64 {
	order := slices.Clone(known)
	slices.SortStableFunc(order, s.ahead)
	judged := len(order)
	for judged > 0 && math.IsNaN(order[judged-1].Value) {
		judged--
	}
	if judged < parzenWarmUp {
		return nil
	}
	n := min(int(math.Ceil(parzenGood*float64(judged))), maxGood)
	r, x := s.rand(i), make([]float64, len(s.names))
	for k, name := range s.names {
		good, others := column(order[:n], k), column(order[n:], k)
		if d := s.space[name]; d.Kind == "choice" {
			x[k] = likelyChoice(r, len(d.Values), good, others)
		} else {
			x[k] = likelyNumber(r, newMixture(good), newMixture(others))
		}
	}
	return x
}

// ahead orders results: those that cost more of the full effort come first, as
// they are surer, and among equals the better ones; failures are last.
func (s *Sampler) ahead(a, b Result) int {
	share := func(r Result) float64 {
		switch {
		case math.IsNaN(r.Value):
			return -1
		case r.Share == 0:
			return 1
		}
		return r.Share
	}
	switch c := cmp.Compare(share(b), share(a)); {
	case c != 0:
		return c
	case s.goal.Better(a.Value, b.Value):
		return -1
	case s.goal.Better(b.Value, a.Value):
		return 1
	}
	return 0
}

func column(results []Result, k int) []float64 {
	out := make([]float64, len(results))
	for i, r := range results {
		out[i] = r.Point[k]
	}
	return out
}

// likelyChoice draws one of n choices. Every choice is counted once before any
// result is.
func likelyChoice(r *rand.Rand, n int, good, others []float64) float64 {
	count := func(points []float64) []float64 {
		c := make([]float64, n)
		for k := range c {
			c[k] = 1 / float64(len(points)+n)
		}
		for _, u := range points {
			c[min(n-1, int(u*float64(n)))] += 1 / float64(len(points)+n)
		}
		return c
	}
	l, g := count(good), count(others)
	best, top := 0, math.Inf(-1)
	for range parzenCandidates {
		u, k := r.Float64(), 0
		for ; k < n-1 && u >= l[k]; k++ {
			u -= l[k]
		}
		if ratio := l[k] / g[k]; ratio > top {
			best, top = k, ratio
		}
	}
	return (float64(best) + 0.5) / float64(n)
}

func likelyNumber(r *rand.Rand, good, others mixture) float64 {
	best, top := 0.5, math.Inf(-1)
	for range parzenCandidates {
		u := good.draw(r)
		if ratio := math.Log(good.density(u)) - math.Log(others.density(u)); ratio > top {
			best, top = u, ratio
		}
	}
	return best
}

// mixture is a density on [0, 1): the uniform one, and a bell about each point,
// cut off at the ends, all of equal weight.
type mixture struct{ mean, width, low, mass []float64 }

// newMixture gives each bell the width of the larger gap to its neighbours, the
// ends of the interval being neighbours too, within limits that narrow with the
// number of points.
func newMixture(points []float64) mixture {
	n := len(points)
	m := mixture{mean: slices.Sorted(slices.Values(points)), width: make([]float64, n), low: make([]float64, n), mass: make([]float64, n)}
	least := 1 / math.Min(100, float64(n+2))
	for i, u := range m.mean {
		left, right := u, 1-u
		if i > 0 {
			left = u - m.mean[i-1]
		}
		if i < n-1 {
			right = m.mean[i+1] - u
		}
		m.width[i] = math.Min(math.Max(math.Max(left, right), least), 1)
		m.low[i] = normal(-u / m.width[i])
		m.mass[i] = normal((1-u)/m.width[i]) - m.low[i]
	}
	return m
}

func (m mixture) density(u float64) float64 {
	sum := 1.0
	for i, mean := range m.mean {
		z := (u - mean) / m.width[i]
		sum += math.Exp(-z*z/2) / (math.Sqrt(2*math.Pi) * m.width[i] * m.mass[i])
	}
	return sum / float64(len(m.mean)+1)
}

func (m mixture) draw(r *rand.Rand) float64 {
	i := r.IntN(len(m.mean) + 1)
	v := r.Float64()
	if i == len(m.mean) {
		return v
	}
	z := math.Sqrt2 * math.Erfinv(2*(m.low[i]+v*m.mass[i])-1)
	return math.Min(math.Max(0, m.mean[i]+m.width[i]*z), math.Nextafter(1, 0))
}

// normal is the distribution function of the standard normal.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
