package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// Comparison is a difference between two classifiers judged on the same rows.
type Comparison struct {
	A, B       float64  // the figure of each
	Difference Interval // A less B, with its bounds
	Statistic  float64  // the test's statistic
	P          float64  // two-sided p-value of no difference
}

// CompareAUC tests whether scores a and b, of the same rows, have different AUCs
// (DeLong, DeLong and Clarke-Pearson, 1988; computed by midranks in O(n log n),
// Sun and Xu, 2014). The statistic is normal. When the scores rank alike, the
// difference is 0 and P is 1. It needs at least two rows of each class; less, and
// scores that are not finite, are of kind Invalid.
func CompareAUC(truth []int, a, b []float64, confidence float64) (Comparison, error) {
	if err := checkBinary(truth, a, nil); err != nil {
		return Comparison{}, err
	}
	if err := checkBinary(truth, b, nil); err != nil {
		return Comparison{}, err
	}
	pa, na := placements(truth, a)
	pb, nb := placements(truth, b)
	if len(pa) < 2 || len(na) < 2 {
		return Comparison{}, errs.New(errs.Invalid, "%d positives and %d negatives: at least 2 of each are needed", len(pa), len(na))
	}
	c := Comparison{A: mean(pa), B: mean(pb)}
	for i := range pa {
		pa[i] -= pb[i]
	}
	for i := range na {
		na[i] -= nb[i]
	}
	d := c.A - c.B
	sd := math.Sqrt(variance(pa)/float64(len(pa)) + variance(na)/float64(len(na)))
	half := quantileNormal(confidence) * sd
	c.Difference = Interval{d, d - half, d + half}
	switch {
	case sd > 0:
		c.Statistic = d / sd
		c.P = math.Erfc(math.Abs(c.Statistic) / math.Sqrt2)
	case d == 0:
		c.P = 1
	default:
		c.Statistic = math.Copysign(math.Inf(1), d)
	}
	return c, nil
}

// quantileNormal is the z of which a share of confidence lies within ±z.
func quantileNormal(confidence float64) float64 { return math.Sqrt2 * math.Erfinv(confidence) }

// placements returns, for each positive, the share of negatives that it beats,
// and for each negative the share of positives that beat it, ties one half.
func placements(truth []int, score []float64) (pos, neg []float64) {
	var p, n []float64
	for i, t := range truth {
		if t == 1 {
			p = append(p, score[i])
		} else {
			n = append(n, score[i])
		}
	}
	all := midranks(append(append([]float64(nil), p...), n...))
	pos, neg = midranks(p), midranks(n)
	for i := range pos {
		pos[i] = (all[i] - pos[i]) / float64(len(n))
	}
	for i := range neg {
		neg[i] = 1 - (all[len(pos)+i]-neg[i])/float64(len(p))
	}
	return pos, neg
}

func mean(v []float64) float64 { return sum(v) / float64(len(v)) }
