package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/linear"
)

// logistic reads LogisticRegression and LogisticRegressionCV.
func logistic(b *builder, n node, depth int) (any, error) {
	coef, err := n.matrix("coef_")
	if err != nil {
		return nil, err
	}
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	rows := len(coef)
	if len(labels) < 2 || rows != len(labels) && (rows != 1 || len(labels) != 2) {
		return nil, n.bad("%d rows of weights for %d classes", rows, len(labels))
	}
	intercept, _, err := n.floats("intercept_")
	if err != nil {
		return nil, err
	}
	if len(intercept) == 1 && rows > 1 {
		for len(intercept) < rows {
			intercept = append(intercept, intercept[0])
		}
	}
	if len(intercept) != rows {
		return nil, n.bad("%d intercepts for %d rows of weights", len(intercept), rows)
	}
	multi := n.text("multi_class", "auto")
	oneVsRest := multi == "ovr" || multi == "warn" || (multi == "auto" || multi == "deprecated") &&
		(len(labels) == 2 || n.text("solver", "lbfgs") == "liblinear")
	switch {
	case oneVsRest && len(labels) > 2:
		return &oneVsRestLogistic{coef, intercept, labels}, nil
	case !oneVsRest && len(labels) == 2: // softmax over (-z, z)
		neg := make([]float64, len(coef[0]))
		for i, w := range coef[0] {
			neg[i] = -w
		}
		coef, intercept = [][]float64{neg, coef[0]}, []float64{-intercept[0], intercept[0]}
	}
	return &linear.Logistic{Coef: coef, Intercept: intercept, Labels: labels}, nil
}

// oneVsRestLogistic has one sigmoid a class, divided by their sum.
type oneVsRestLogistic struct {
	coef      [][]float64
	intercept []float64
	labels    []float64
}

// Features returns the number of columns a row must have.
func (m *oneVsRestLogistic) Features() int { return len(m.coef[0]) }

// Classes returns the class labels.
func (m *oneVsRestLogistic) Classes() []float64 { return m.labels }

// Scores writes the class probabilities of each row.
func (m *oneVsRestLogistic) Scores(dst, x []float64) {
	p, k := m.Features(), len(m.labels)
	for r := range len(x) / p {
		out := dst[r*k : (r+1)*k]
		for c := range out {
			out[c] = sigmoid(dot(m.coef[c], x[r*p:(r+1)*p]) + m.intercept[c])
		}
		sum := npSum(out)
		for c := range out {
			out[c] /= sum
		}
	}
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
