package eval

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Bins says how probabilities are put into bins.
type Bins uint8

// Uniform bins are equally wide; Quantile bins hold equally many rows.
const (
	Uniform Bins = iota
	Quantile
)

// Bin is one bin of a calibration curve.
type Bin struct {
	Predicted float64 // mean probability
	Observed  float64 // share of positives
	Weight    float64
}

// CalibrationCurve compares probabilities with what came true, in n bins; empty
// bins are left out. It is scikit-learn's calibration_curve, with weights (nil:
// 1). Probabilities outside [0, 1] and n below 1 are of kind Invalid.
func CalibrationCurve(truth []int, p, weight []float64, n int, by Bins) ([]Bin, error) {
	if err := checkBinary(truth, p, weight); err != nil {
		return nil, err
	}
	if err := checkProbabilities(p); err != nil {
		return nil, err
	}
	if n < 1 || n > 1<<20 {
		return nil, errs.New(errs.Invalid, "%d bins: there should be from 1 to %d", n, 1<<20)
	}
	edges := binEdges(p, n, by)
	bins := make([]Bin, n)
	for i, v := range p {
		w := 1.0
		if weight != nil {
			w = weight[i]
		}
		at, _ := slices.BinarySearch(edges, v)
		b := &bins[at]
		b.Weight += w
		b.Predicted += w * v
		b.Observed += w * float64(truth[i])
	}
	bins = slices.DeleteFunc(bins, func(b Bin) bool { return b.Weight == 0 })
	for i := range bins {
		bins[i].Predicted /= bins[i].Weight
		bins[i].Observed /= bins[i].Weight
	}
	return bins, nil
}

// binEdges returns the n-1 inner edges; a value on an edge is in the lower bin.
func binEdges(p []float64, n int, by Bins) []float64 {
	edges := make([]float64, n-1)
	var sorted []float64
	if by == Quantile {
		sorted = slices.Clone(p)
		slices.Sort(sorted)
	}
	step := 1 / float64(n)
	for i := range edges {
		edges[i] = float64(i+1) * step
		if by == Quantile {
			edges[i] = quantile(sorted, edges[i]*100/100)
		}
	}
	return edges
}

// ECE is the expected calibration error: the mean over rows of the distance
// between probability and observed share in their bin (Naeini and others, 2015).
func ECE(truth []int, p, weight []float64, n int, by Bins) (float64, error) {
	bins, err := CalibrationCurve(truth, p, weight, n, by)
	s, all := 0.0, 0.0
	for _, b := range bins {
		s += b.Weight * math.Abs(b.Predicted-b.Observed)
		all += b.Weight
	}
	return s / all, err
}

// MCE is the largest distance of a bin (maximum calibration error).
func MCE(truth []int, p, weight []float64, n int, by Bins) (float64, error) {
	bins, err := CalibrationCurve(truth, p, weight, n, by)
	most := 0.0
	for _, b := range bins {
		most = max(most, math.Abs(b.Predicted-b.Observed))
	}
	return most, err
}
