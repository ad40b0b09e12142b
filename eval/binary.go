// Package eval judges predictions: metrics as scikit-learn defines them, with
// the intervals that say how far to trust them.
//
// Functions take the truth as class numbers 0 and 1 and scores as probabilities
// of class 1 (any monotone scale where only the order counts). A metric that is
// not defined on the data at hand is NaN, never a made-up number, unless stated
// otherwise.
package eval

import "math"

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

// AUC is the area under the ROC curve; see Ranking.AUC. It is NaN when a class is
// absent or a score is NaN.
func AUC(truth []int, score []float64) float64 {
	r, err := Rank(truth, score, nil)
	if err != nil {
		return math.NaN()
	}
	return r.AUC()
}

// AveragePrecision is the mean precision over the positives, ranked by score. It
// is 0 when there is no positive, NaN when there is no row or a score is NaN.
func AveragePrecision(truth []int, score []float64) float64 {
	r, err := Rank(truth, score, nil)
	if err != nil {
		return math.NaN()
	}
	return r.AveragePrecision()
}

// LogLoss is the mean negative log-likelihood of the truth, NaN for no rows;
// probabilities are kept 2⁻⁵² away from 0 and 1, as scikit-learn keeps them.
func LogLoss(truth []int, probability []float64) float64 {
	parts := make([]float64, len(probability))
	for i, p := range probability {
		if truth[i] != 1 {
			p = 1 - p
		}
		parts[i] = -math.Log(min(max(p, epsilon), 1-epsilon))
	}
	return average(parts, nil)
}

const epsilon = 0x1p-52

// Brier is the mean squared error of the probabilities, NaN for no rows.
func Brier(truth []int, probability []float64) float64 {
	parts := make([]float64, len(probability))
	for i, p := range probability {
		d := p - float64(truth[i])
		parts[i] = d * d
	}
	return average(parts, nil)
}

// Prevalence is the share of positives.
func Prevalence(truth []int) float64 {
	n := 0
	for _, t := range truth {
		n += t
	}
	return ratio(n, len(truth))
}
