package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/linear"
)

// marginal is an Estimator with a decision function, as scikit-learn's
// classifiers that are not plainly probabilistic have one.
type marginal interface {
	Estimator
	// Width returns the number of margins a row: 1 for two classes.
	Width() int
	// Margins writes the decision function of each row of x to dst.
	Margins(dst, x []float64)
}

// logisticMargins gives linear.Logistic its decision function.
type logisticMargins struct{ *linear.Logistic }

// Width returns the number of margins a row.
func (m logisticMargins) Width() int {
	if len(m.Labels) == 2 {
		return 1
	}
	return len(m.Coef)
}

// Margins writes w·x+b of each row.
func (m logisticMargins) Margins(dst, x []float64) {
	p, k := m.Features(), m.Width()
	for r := range len(x) / p {
		for c := range k {
			row := c
			if k == 1 {
				row = len(m.Coef) - 1
			}
			dst[r*k+c] = dot(m.Coef[row], x[r*p:(r+1)*p]) + m.Intercept[row]
		}
	}
}

// margins returns e with its decision function, or nil when scikit-learn's class
// has none.
func margins(e Estimator) marginal {
	switch e := e.(type) {
	case *linear.Logistic:
		return logisticMargins{e}
	case *pipeline:
		if inner := margins(e.last); inner != nil {
			return &pipelineMargins{e, inner}
		}
		return nil
	case interface { // of another library
		marginal
		Marginal() bool
	}:
		if e.Marginal() {
			return e
		}
		return nil
	case marginal:
		return e
	}
	return nil
}

// pipelineMargins is a pipeline with the decision function of its last step.
type pipelineMargins struct {
	*pipeline
	inner marginal
}

// Width returns the number of margins a row.
func (p *pipelineMargins) Width() int { return p.inner.Width() }

// Margins transforms rows and asks the last step.
func (p *pipelineMargins) Margins(dst, x []float64) { p.inner.Margins(dst, p.transform(x)) }

// fromMargins writes the class with the largest margin of each row, or, with one
// margin, the second class where it is above zero (at or above, when equal says
// so).
func fromMargins(dst []int, z []float64, k int, equal bool) {
	for r := range dst {
		if k > 1 {
			dst[r] = argmax(z[r*k : (r+1)*k])
			continue
		}
		dst[r] = 0
		if z[r] > 0 || equal && z[r] == 0 {
			dst[r] = 1
		}
	}
}

// votes writes 1 for the predicted class of each row and 0 for the others: what
// stands for probabilities where scikit-learn has none.
func votes(dst []float64, classes []int, k int) {
	clear(dst)
	for r, c := range classes {
		dst[r*k+c] = 1
	}
}

// softmax replaces each row of k values by its softmax.
func softmax(z []float64, k int) {
	for r := 0; r < len(z); r += k {
		row := z[r : r+k]
		top := row[0]
		for _, v := range row {
			top = math.Max(top, v)
		}
		for c, v := range row {
			row[c] = math.Exp(v - top)
		}
		sum := npSum(row)
		for c := range row {
			row[c] /= sum
		}
	}
}

// binary writes (1-p, p) of each row, p being the sigmoid of its margin times
// scale.
func binary(dst, z []float64, scale float64) {
	for r, v := range z {
		q := sigmoid(scale * v)
		dst[2*r], dst[2*r+1] = 1-q, q
	}
}
