// Package eval judges predictions: metrics as scikit-learn defines them, with
// the intervals that say how far to trust them.
//
// Functions take the truth as class numbers 0 and 1 and scores as probabilities
// of class 1 (any monotone scale where only the order counts). A metric that is
// not defined on the data at hand is NaN, never a made-up number, unless stated
// otherwise.
package eval

import (
	"math"
	"slices"
)

// Confusion counts the four outcomes of a binary decision.
type Confusion struct {
	TruePositive, FalsePositive, FalseNegative, TrueNegative int
}

// Count tallies decisions against the truth. Both hold 0 and 1 only.
func Count(truth, decision []int) Confusion {
	var c Confusion
	for i, t := range truth {
		switch {
		case t == 1 && decision[i] == 1:
			c.TruePositive++
		case t == 1:
			c.FalseNegative++
		case decision[i] == 1:
			c.FalsePositive++
		default:
			c.TrueNegative++
		}
	}
	return c
}

func ratio(a, b int) float64 { return float64(a) / float64(b) }

// Accuracy is the share of right decisions.
func (c Confusion) Accuracy() float64 {
	right := c.TruePositive + c.TrueNegative
	return ratio(right, right+c.FalsePositive+c.FalseNegative)
}

// Precision is the share of alarms that were right: 0 when there was no alarm,
// as scikit-learn has it.
func (c Confusion) Precision() float64 { return orZero(c.TruePositive, c.TruePositive+c.FalsePositive) }

// Recall is the share of positives that were found (the detection rate): 0 when
// there was none.
func (c Confusion) Recall() float64 { return orZero(c.TruePositive, c.TruePositive+c.FalseNegative) }

// F1 is the harmonic mean of precision and recall, 0 when both are 0.
func (c Confusion) F1() float64 {
	return orZero(2*c.TruePositive, 2*c.TruePositive+c.FalsePositive+c.FalseNegative)
}

// FalseAlarmRate is the share of negatives that raised an alarm, NaN when there
// was no negative.
func (c Confusion) FalseAlarmRate() float64 {
	return ratio(c.FalsePositive, c.FalsePositive+c.TrueNegative)
}

// MCC is Matthews' correlation coefficient, 0 when a row or column of the table
// is empty.
func (c Confusion) MCC() float64 {
	tp, fp, fn, tn := float64(c.TruePositive), float64(c.FalsePositive), float64(c.FalseNegative), float64(c.TrueNegative)
	d := (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
	if d == 0 {
		return 0
	}
	return (tp*tn - fp*fn) / math.Sqrt(d)
}

func orZero(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return ratio(a, b)
}

// step is one distinct score, with what it and all higher ones would catch.
type step struct {
	score  float64
	tp, fp int // rows of each class at or above the score
}

// steps returns the distinct scores in descending order.
func steps(truth []int, score []float64) []step {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	var out []step
	tp, fp := 0, 0
	for i, r := range order {
		tp += truth[r]
		fp += 1 - truth[r]
		if i+1 == len(order) || score[order[i+1]] != score[r] {
			out = append(out, step{score[r], tp, fp})
		}
	}
	return out
}

// AUC is the area under the ROC curve: the chance that a positive scores higher
// than a negative, ties counting one half. It is NaN when a class is absent.
func AUC(truth []int, score []float64) float64 {
	s := steps(truth, score)
	if len(s) == 0 || s[len(s)-1].tp == 0 || s[len(s)-1].fp == 0 {
		return math.NaN()
	}
	area := 0.0 // twice the number of pairs in order
	var last step
	for _, p := range s {
		area += float64(p.fp-last.fp) * float64(p.tp+last.tp)
		last = p
	}
	return area / 2 / (float64(last.tp) * float64(last.fp))
}

// AveragePrecision is the mean precision over the positives, ranked by score. It
// is 0 when there is no positive.
func AveragePrecision(truth []int, score []float64) float64 {
	s := steps(truth, score)
	if len(s) == 0 || s[len(s)-1].tp == 0 {
		return 0
	}
	all, sum, last := float64(s[len(s)-1].tp), 0.0, 0
	for _, p := range s {
		sum += float64(p.tp-last) / all * ratio(p.tp, p.tp+p.fp)
		last = p.tp
	}
	return sum
}

// LogLoss is the mean negative log-likelihood of the truth; probabilities are
// kept 2⁻⁵² away from 0 and 1, as scikit-learn keeps them.
func LogLoss(truth []int, probability []float64) float64 {
	const eps = 0x1p-52
	sum := 0.0
	for i, p := range probability {
		p = min(max(p, eps), 1-eps)
		if truth[i] == 1 {
			sum -= math.Log(p)
		} else {
			sum -= math.Log1p(-p)
		}
	}
	return sum / float64(len(truth))
}

// Brier is the mean squared error of the probabilities.
func Brier(truth []int, probability []float64) float64 {
	sum := 0.0
	for i, p := range probability {
		d := p - float64(truth[i])
		sum += d * d
	}
	return sum / float64(len(truth))
}

// Prevalence is the share of positives.
func Prevalence(truth []int) float64 {
	n := 0
	for _, t := range truth {
		n += t
	}
	return ratio(n, len(truth))
}
