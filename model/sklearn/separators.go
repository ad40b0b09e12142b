package sklearn

import (
	"math"
	"slices"
)

// separator is a linear classifier that scikit-learn gives a decision function:
// LinearSVC, RidgeClassifier, SGDClassifier, Perceptron.
type separator struct {
	coef      [][]float64
	intercept []float64
	labels    []float64
	proba     func(dst, z []float64, k int) // nil: no probabilities, votes stand for them
}

// Features returns the number of columns a row must have.
func (m *separator) Features() int { return len(m.coef[0]) }

// Classes returns the class labels.
func (m *separator) Classes() []float64 { return m.labels }

// Width returns the number of margins a row.
func (m *separator) Width() int { return len(m.coef) }

// Margins writes w·x+b of each row.
func (m *separator) Margins(dst, x []float64) {
	p, k := m.Features(), m.Width()
	for r := range len(x) / p {
		for c := range k {
			dst[r*k+c] = dot(m.coef[c], x[r*p:(r+1)*p]) + m.intercept[c]
		}
	}
}

// Scores writes the class probabilities of each row, or votes.
func (m *separator) Scores(dst, x []float64) {
	n := len(x) / m.Features()
	z := make([]float64, n*m.Width())
	m.Margins(z, x)
	if m.proba != nil {
		m.proba(dst, z, m.Width())
		return
	}
	classes := make([]int, n)
	fromMargins(classes, z, m.Width(), false)
	votes(dst, classes, len(m.labels))
}

// Decide predicts by the margins; see model.Decider.
func (m *separator) Decide(dst []int, _, x []float64) {
	z := make([]float64, len(dst)*m.Width())
	m.Margins(z, x)
	fromMargins(dst, z, m.Width(), false)
}

// separatorOf reads LinearSVC, RidgeClassifier, SGDClassifier, Perceptron and
// PassiveAggressiveClassifier.
func separatorOf(b *builder, n node, depth int) (any, error) {
	coef, err := n.matrix("coef_")
	if err != nil {
		return nil, err
	}
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	intercept, _, err := n.floats("intercept_")
	if err != nil {
		return nil, err
	}
	if len(intercept) == 1 { // one for all
		intercept = slices.Repeat(intercept, len(coef))
	}
	k := len(labels)
	if inner, err := n.object("_label_binarizer"); err == nil && inner.text("y_type_", "") == "multilabel-indicator" {
		return nil, n.bad("several outputs are not supported")
	}
	if k < 2 || len(intercept) != len(coef) || len(coef) != k && (len(coef) != 1 || k != 2) {
		return nil, n.bad("%d rows of weights and %d intercepts for %d classes", len(coef), len(intercept), k)
	}
	m := &separator{coef: coef, intercept: intercept, labels: labels}
	if n.o.Class.Name == "SGDClassifier" {
		switch n.text("loss", "hinge") {
		case "log", "log_loss":
			m.proba = logisticProba
		case "modified_huber":
			m.proba = huberProba
		}
	}
	return m, nil
}

// logisticProba is one sigmoid a class, divided by their sum.
func logisticProba(dst, z []float64, k int) {
	if k == 1 {
		binary(dst, z, 1)
		return
	}
	for i, v := range z {
		dst[i] = sigmoid(v)
	}
	normalize(dst[:len(z)], k)
}

// huberProba is (clip(z, -1, 1) + 1) / 2 a class, divided by their sum.
func huberProba(dst, z []float64, k int) {
	if k == 1 {
		for r, v := range z {
			q := (math.Min(math.Max(v, -1), 1) + 1) / 2
			dst[2*r], dst[2*r+1] = 1-q, q
		}
		return
	}
	for i, v := range z {
		dst[i] = (math.Min(math.Max(v, -1), 1) + 1) / 2
	}
	for r := 0; r < len(z); r += k {
		if npSum(dst[r:r+k]) == 0 {
			for c := range k {
				dst[r+c] = 1
			}
		}
	}
	normalize(dst[:len(z)], k)
}

// normalize divides each row of k values by its sum.
func normalize(v []float64, k int) {
	for r := 0; r < len(v); r += k {
		sum := npSum(v[r : r+k])
		for c := range k {
			v[r+c] /= sum
		}
	}
}

// line is a linear regressor.
type line struct {
	coef      []float64
	intercept float64
}

// Features returns the number of columns a row must have.
func (m *line) Features() int { return len(m.coef) }

// Classes returns nil.
func (m *line) Classes() []float64 { return nil }

// Scores writes w·x+b of each row.
func (m *line) Scores(dst, x []float64) {
	p := len(m.coef)
	for r := range len(x) / p {
		dst[r] = dot(m.coef, x[r*p:(r+1)*p]) + m.intercept
	}
}

// lineOf reads LinearRegression, Ridge, Lasso, ElasticNet and their kin.
func lineOf(b *builder, n node, depth int) (any, error) {
	coef, err := n.matrix("coef_")
	if err != nil {
		return nil, err
	}
	if len(coef) != 1 {
		return nil, n.bad("several outputs are not supported")
	}
	return &line{coef[0], n.float("intercept_", 0)}, nil
}

// bayes is Gaussian naive Bayes.
type bayes struct {
	mean, variance [][]float64
	prior, labels  []float64
}

// Features returns the number of columns a row must have.
func (m *bayes) Features() int { return len(m.mean[0]) }

// Classes returns the class labels.
func (m *bayes) Classes() []float64 { return m.labels }

// likelihoods writes the joint log-likelihood of each class and row.
func (m *bayes) likelihoods(dst, x []float64) {
	p, k := m.Features(), len(m.labels)
	part := make([]float64, p)
	for r := range len(x) / p {
		for c := range k {
			for j := range p {
				part[j] = math.Log(2 * math.Pi * m.variance[c][j])
			}
			v := -0.5 * npSum(part)
			for j := range p {
				d := x[r*p+j] - m.mean[c][j]
				part[j] = d * d / m.variance[c][j]
			}
			dst[r*k+c] = math.Log(m.prior[c]) + (v - 0.5*npSum(part))
		}
	}
}

// Scores writes the class probabilities of each row.
func (m *bayes) Scores(dst, x []float64) {
	m.likelihoods(dst, x)
	k := len(m.labels)
	for r := 0; r < len(dst) && r < len(x)/m.Features()*k; r += k {
		row := dst[r : r+k]
		top, sum := row[argmax(row)], 0.0
		for _, v := range row {
			sum += math.Exp(v - top)
		}
		for c, v := range row {
			row[c] = math.Exp(v - (top + math.Log(sum)))
		}
	}
}

// Decide predicts by the likelihoods; see model.Decider.
func (m *bayes) Decide(dst []int, _, x []float64) {
	k := len(m.labels)
	z := make([]float64, len(dst)*k)
	m.likelihoods(z, x)
	for r := range dst {
		dst[r] = argmax(z[r*k : (r+1)*k])
	}
}

// bayesOf reads GaussianNB.
func bayesOf(b *builder, n node, depth int) (any, error) {
	m := &bayes{}
	var err error
	if m.mean, err = n.matrix("theta_"); err != nil {
		return nil, err
	}
	name := "var_"
	if !n.has(name) {
		name = "sigma_" // before 1.0
	}
	if m.variance, err = n.matrix(name); err != nil {
		return nil, err
	}
	if m.labels, err = n.classLabels(); err != nil {
		return nil, err
	}
	if m.prior, err = n.vector("class_prior_", len(m.labels)); err != nil {
		return nil, err
	}
	if len(m.mean) != len(m.labels) || len(m.variance) != len(m.labels) || len(m.variance[0]) != len(m.mean[0]) {
		return nil, n.bad("means, variances and classes do not fit together")
	}
	return m, nil
}
