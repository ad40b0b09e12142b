package eval

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// McNemar tests whether decisions a and b, of the same rows, are right equally
// often (McNemar, 1947). Statistic is the χ² with continuity correction; P is
// exact, from the binomial distribution of the rows where just one is right. A
// and B are the accuracies; Difference has bounds by Wald's formula for paired
// shares. Numbers that differ in length and no rows are of kind Invalid.
func McNemar(truth, a, b []int, confidence float64) (Comparison, error) {
	if err := checkLengths(len(truth), len(a), nil); err != nil {
		return Comparison{}, err
	}
	if len(b) != len(a) {
		return Comparison{}, errs.New(errs.Invalid, "%d decisions of one and %d of the other", len(a), len(b))
	}
	n := float64(len(truth))
	var rightA, rightB, onlyA, onlyB int
	for i, t := range truth {
		ra, rb := a[i] == t, b[i] == t
		switch {
		case ra && rb:
			rightA, rightB = rightA+1, rightB+1
		case ra:
			rightA, onlyA = rightA+1, onlyA+1
		case rb:
			rightB, onlyB = rightB+1, onlyB+1
		}
	}
	x, y := float64(onlyA), float64(onlyB)
	c := Comparison{A: float64(rightA) / n, B: float64(rightB) / n, P: binomialHalf(min(onlyA, onlyB), onlyA+onlyB)}
	d := (x - y) / n
	half := quantileNormal(confidence) * math.Sqrt(x+y-(x-y)*(x-y)/n) / n
	c.Difference = Interval{d, d - half, d + half}
	if x+y > 0 {
		gap := max(0, math.Abs(x-y)-1)
		c.Statistic = gap * gap / (x + y)
	}
	return c, nil
}

// binomialHalf is the two-sided probability of at most k, or at least n-k,
// successes in n fair throws.
func binomialHalf(k, n int) float64 {
	if 2*k >= n {
		return 1
	}
	lgN, _ := math.Lgamma(float64(n) + 1)
	p := 0.0
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(i) + 1)
		b, _ := math.Lgamma(float64(n-i) + 1)
		p += math.Exp(lgN - a - b - float64(n)*math.Ln2)
	}
	return min(1, 2*p)
}
