package search

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	warmUp     = 8   // random trials before results are used
	maxKnown   = 250 // results that are looked at: the best half and the newest half
	candidates = 400 // points that are compared for the next trial
)

// gauss draws the point of greatest expected improvement under a Gaussian
// process (Jones, Schonlau and Welch, J. Global Optimization 13, 1998), with the
// Matérn 5/2 kernel whose length and noise explain the results best. It returns
// nil while too few results are known.
func (s *Sampler) gauss(i int, known []Result) []float64 {
	known = slices.DeleteFunc(slices.Clone(known), func(r Result) bool { return math.IsNaN(r.Value) || math.IsInf(r.Value, 0) })
	if len(known) < warmUp {
		return nil
	}
	known = s.few(known)
	p := s.fit(known)
	if p == nil {
		return nil
	}
	best := slices.Min(p.y)
	r := s.rand(i)
	var next []float64
	top := math.Inf(-1)
	for n := range candidates {
		x := s.candidate(r, known, n)
		if ei := p.improvement(x, best); ei > top {
			next, top = x, ei
		}
	}
	return next
}

// Pending adds trials that still run, as if each had come out average, so that
// trials drawn meanwhile look elsewhere.
func Pending(known []Result, running [][]float64) []Result {
	var values []float64
	for _, r := range known {
		if !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0) {
			values = append(values, r.Value)
		}
	}
	if len(values) < warmUp {
		return known
	}
	out := slices.Clone(known)
	for _, p := range running {
		out = append(out, Result{Point: p, Value: mean(values)})
	}
	return out
}

// few keeps the best and the newest results when there are many.
func (s *Sampler) few(known []Result) []Result {
	if len(known) <= maxKnown {
		return known
	}
	newest := known[len(known)-maxKnown/2:]
	older := slices.Clone(known[:len(known)-maxKnown/2])
	slices.SortStableFunc(older, func(a, b Result) int {
		switch {
		case s.goal.Better(a.Value, b.Value):
			return -1
		case s.goal.Better(b.Value, a.Value):
			return 1
		}
		return 0
	})
	return append(older[:maxKnown/2], newest...)
}

// candidate is a random point, or one near a result that did well.
func (s *Sampler) candidate(r *rand.Rand, known []Result, n int) []float64 {
	x := make([]float64, len(s.names))
	if n%2 == 0 {
		for k := range x {
			x[k] = r.Float64()
		}
		return x
	}
	from := known[0]
	for range 3 { // the best of a few drawn ones
		if o := known[r.IntN(len(known))]; s.goal.Better(o.Value, from.Value) {
			from = o
		}
	}
	reach := []float64{0.02, 0.1}[n/2%2]
	for k, name := range s.names {
		x[k] = from.Point[k]
		if s.space[name].Kind == "choice" {
			if r.Float64() < 0.1 {
				x[k] = r.Float64()
			}
			continue
		}
		x[k] = math.Min(math.Max(0, x[k]+reach*r.NormFloat64()), math.Nextafter(1, 0))
	}
	return x
}

// process is a Gaussian process fitted to results.
type process struct {
	s      *Sampler
	points [][]float64
	y      []float64 // standardized, so that less is better
	length float64
	chol   [][]float64 // lower triangle
	alpha  []float64   // K⁻¹y
}

// fit chooses length and noise by marginal likelihood.
func (s *Sampler) fit(known []Result) *process {
	points, y := make([][]float64, len(known)), make([]float64, len(known))
	for i, r := range known {
		points[i], y[i] = r.Point, r.Value
		if s.goal == Maximize {
			y[i] = -r.Value
		}
	}
	m := mean(y)
	variance := 0.0
	for _, v := range y {
		variance += (v - m) * (v - m) / float64(len(y))
	}
	if variance == 0 {
		return nil // all alike: nothing to learn
	}
	for i := range y {
		y[i] = (y[i] - m) / math.Sqrt(variance)
	}
	var best *process
	top := math.Inf(-1)
	for _, length := range []float64{0.15, 0.3, 0.6, 1.2} {
		for _, noise := range []float64{1e-4, 1e-2, 0.2} {
			p := &process{s: s, points: points, y: y, length: length}
			if score := p.solve(noise); score > top {
				best, top = p, score
			}
		}
	}
	return best
}

// solve factors the kernel matrix and returns the log marginal likelihood but
// for a constant; -Inf when the matrix is not positive.
func (p *process) solve(noise float64) float64 {
	n := len(p.y)
	p.chol = make([][]float64, n)
	logDet := 0.0
	for i := range n {
		p.chol[i] = make([]float64, i+1)
		for j := range i + 1 {
			sum := p.kernel(p.points[i], p.points[j])
			if i == j {
				sum += noise
			}
			for k := range j {
				sum -= p.chol[i][k] * p.chol[j][k]
			}
			if i != j {
				p.chol[i][j] = sum / p.chol[j][j]
				continue
			}
			if sum <= 0 {
				return math.Inf(-1)
			}
			p.chol[i][i] = math.Sqrt(sum)
			logDet += math.Log(sum)
		}
	}
	z := p.forward(p.y)
	p.alpha = slices.Clone(z)
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			p.alpha[i] -= p.chol[k][i] * p.alpha[k]
		}
		p.alpha[i] /= p.chol[i][i]
	}
	return -dot(z, z)/2 - logDet/2
}

// forward solves L z = b.
func (p *process) forward(b []float64) []float64 {
	z := make([]float64, len(b))
	for i := range b {
		sum := b[i]
		for k := range i {
			sum -= p.chol[i][k] * z[k]
		}
		z[i] = sum / p.chol[i][i]
	}
	return z
}

func (p *process) kernel(a, b []float64) float64 {
	sum := 0.0
	for k, name := range p.s.names {
		d := a[k] - b[k]
		if x := p.s.space[name]; x.Kind == "choice" {
			n := float64(len(x.Values))
			d = 0
			if int(a[k]*n) != int(b[k]*n) {
				d = 0.7 // choices have no order: any two are as far apart
			}
		}
		sum += d * d
	}
	r := math.Sqrt(5*sum) / p.length
	return (1 + r + r*r/3) * math.Exp(-r)
}

// improvement is the expected improvement on best at x.
func (p *process) improvement(x []float64, best float64) float64 {
	k := make([]float64, len(p.points))
	for i, q := range p.points {
		k[i] = p.kernel(x, q)
	}
	mu := dot(k, p.alpha)
	v := p.forward(k)
	sd := math.Sqrt(math.Max(1e-12, 1-dot(v, v)))
	z := (best - mu) / sd
	return (best-mu)*0.5*math.Erfc(-z/math.Sqrt2) + sd*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
