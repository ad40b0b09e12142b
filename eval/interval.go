package eval

import (
	"math"
	"slices"
)

// Interval is an estimate with the bounds between which the truth lies with the
// stated confidence, given the data's size.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// AUCInterval returns the AUC with its interval at the given confidence, such as
// 0.95, by DeLong's variance (DeLong and others, 1988; by midranks as Sun and Xu,
// 2014) on the logit scale, which keeps the bounds inside (0, 1). Bounds are NaN
// where the AUC is not defined.
func AUCInterval(truth []int, score []float64, confidence float64) Interval {
	auc := AUC(truth, score)
	v := deLongVariance(truth, score)
	if math.IsNaN(auc) || math.IsNaN(v) {
		return Interval{auc, math.NaN(), math.NaN()}
	}
	if auc == 0 || auc == 1 || v == 0 {
		return Interval{auc, auc, auc}
	}
	z := math.Sqrt2 * math.Erfinv(confidence)
	logit := math.Log(auc / (1 - auc))
	half := z * math.Sqrt(v) / (auc * (1 - auc))
	return Interval{auc, expit(logit - half), expit(logit + half)}
}

func expit(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// deLongVariance is the variance of the AUC.
func deLongVariance(truth []int, score []float64) float64 {
	pos, neg := placements(truth, score)
	if len(pos) < 2 || len(neg) < 2 {
		return math.NaN()
	}
	return variance(pos)/float64(len(pos)) + variance(neg)/float64(len(neg))
}

// midranks returns the rank of each value from 1, equal values sharing the mean
// of their ranks.
func midranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if v[a] < v[b] {
			return -1
		}
		if v[a] > v[b] {
			return 1
		}
		return 0
	})
	out := make([]float64, len(v))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && v[order[j]] == v[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

func variance(v []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	return squares / float64(len(v)-1)
}

// Wilson returns the share k of n with its interval at the given confidence
// (Wilson, 1927). It is NaN when n is 0.
func Wilson(k, n int, confidence float64) Interval {
	p, z := ratio(k, n), math.Sqrt2*math.Erfinv(confidence)
	f := float64(n)
	mid := (p + z*z/(2*f)) / (1 + z*z/f)
	half := z / (1 + z*z/f) * math.Sqrt(p*(1-p)/f+z*z/(4*f*f))
	return Interval{p, max(0, mid-half), min(1, mid+half)}
}
