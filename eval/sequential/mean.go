// Package sequential holds tests that may be looked at after every observation: the
// chance that one of them ever rejects a true hypothesis stays below the stated error
// rate, however often and whenever one looks and stops.
//
// They are mixture sequential probability ratio tests (Robbins, Statistical methods
// related to the law of the iterated logarithm, 1970; Johari, Koomen, Pekelis and
// Walsh, Always valid inference, Operations Research 70, 2022) in the form that needs no
// normal distribution and no known variance, for bounded observations: betting
// martingales (Waudby-Smith and Ramdas, Estimating means of bounded random variables by
// betting, JRSS B 86, 2024). By Ville's inequality the error rates hold for every sample
// size, not in the limit.
package sequential

import "math"

// bets are the stakes λ of the mixture, all of the same weight: .99·2^(-k/2), from
// 7·10⁻⁴ to .99, so that one of them is within a fifth in the logarithm of the best
// one, which is about mean/variance.
var bets = func() (out [22]float64) {
	for k := range out {
		out[k] = .99 * math.Pow(2, -float64(k)/2)
	}
	return out
}()

// Mean tests whether the mean of observations between -1 and 1 is 0, given all before
// it. The evidence that it is above 0 is the mixture
//
//	M⁺ₙ = average over λ of Πᵢ (1 + λ·xᵢ)
//
// which is a nonnegative supermartingale of start 1 while means are at most 0; that it is
// below 0 is the same with -xᵢ. The zero value is ready.
type Mean struct {
	n          int
	sum, mean  float64
	squares    float64
	wealth     [2][len(bets)]float64
	best       [2]float64 // largest evidence so far: above 0, below 0
	outOfRange bool
}

// Add takes the next observation. One that is NaN or not between -1 and 1 breaks what
// the test assumes: P is then 1 for good.
func (m *Mean) Add(x float64) {
	if !(x >= -1 && x <= 1) {
		m.outOfRange = true
		return
	}
	m.n++
	d := x - m.mean
	m.mean += d / float64(m.n)
	m.squares += d * (x - m.mean)
	for side, v := range [2]float64{x, -x} {
		wealth, sum := &m.wealth[side], 0.0
		for k, bet := range bets {
			if m.n == 1 {
				wealth[k] = 1
			}
			wealth[k] *= 1 + bet*v
			sum += wealth[k]
		}
		m.best[side] = max(m.best[side], sum/float64(len(bets)))
		if sum > 1e250 { // more evidence than anyone wants; before it overflows
			*wealth = [len(bets)]float64{}
		}
	}
}

// N is how many observations were taken.
func (m *Mean) N() int { return m.n }

// Estimate is their mean.
func (m *Mean) Estimate() float64 { return m.mean }

// Deviation is their standard deviation; NaN of fewer than two.
func (m *Mean) Deviation() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	return math.Sqrt(m.squares / float64(m.n-1))
}

// P is the always-valid two-sided p-value: it never rises, and if the mean is 0, the
// chance that it is ever at most alpha is at most alpha.
func (m *Mean) P() float64 {
	if m.outOfRange {
		return 1
	}
	return min(1, 2/max(m.best[0], m.best[1]))
}

// Side is the direction of the stronger evidence so far: 1 for a mean above 0, -1 for
// one below, 0 for none. Once P is at most alpha, the chance that Side is wrong is at
// most alpha/2.
func (m *Mean) Side() int {
	switch {
	case m.best[0] > m.best[1]:
		return 1
	case m.best[1] > m.best[0]:
		return -1
	}
	return 0
}
