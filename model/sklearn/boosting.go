package sklearn

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/kernel"
)

// boosting is gradient boosting over regression trees: GradientBoosting.
type boosting struct {
	cols    int
	rate    float64
	trees   [][]*tree.Tree // rounds × outputs
	start   []float64      // raw answer without trees, one an output
	first   Estimator      // gives the start instead, when it depends on the row
	labels  []float64      // nil for a regressor
	scale   float64        // 2 for exponential loss, else 1
	atZero  bool           // a margin of zero is the second class
	link    func([]float64)
	eps     float64 // nearest that a probability of init may come to 0 and 1
	outputs int
	paths   kernel.Paths // prepared by the first Explain
}

// Features returns the number of columns a row must have.
func (m *boosting) Features() int { return m.cols }

// Classes returns the class labels, or nil.
func (m *boosting) Classes() []float64 { return m.labels }

// Width returns the number of raw answers a row.
func (m *boosting) Width() int { return m.outputs }

// Margins writes the raw answers of each row: the start, then the trees in order.
func (m *boosting) Margins(dst, x []float64) {
	k := m.outputs
	m.begin(dst, x)
	for r := range len(x) / m.cols {
		row, out := x[r*m.cols:(r+1)*m.cols], dst[r*k:(r+1)*k]
		for _, round := range m.trees {
			for c, t := range round {
				out[c] += m.rate * t.Value[t.Leaf(row)]
			}
		}
	}
}

// begin writes the raw answers without trees.
func (m *boosting) begin(dst, x []float64) {
	k, n := m.outputs, len(x)/m.cols
	if m.first == nil {
		for r := range n {
			copy(dst[r*k:(r+1)*k], m.start)
		}
		return
	}
	x = slices.Clone(x) // as the library hands it on: rounded to float32
	for i, v := range x {
		x[i] = float64(float32(v))
	}
	if m.labels == nil {
		m.first.Scores(dst, x)
		return
	}
	w := len(m.labels)
	p := make([]float64, n*w)
	m.first.Scores(p, x)
	for r := range n {
		raw := p[r*w : (r+1)*w]
		if k == 1 {
			raw = raw[1:]
		}
		for c, v := range raw {
			raw[c] = m.clip(v)
		}
		m.link(raw)
		copy(dst[r*k:(r+1)*k], raw)
	}
}

func (m *boosting) clip(p float64) float64 { return math.Min(math.Max(p, m.eps), 1-m.eps) }

// Scores writes class probabilities or values.
func (m *boosting) Scores(dst, x []float64) {
	if m.labels == nil {
		m.Margins(dst, x)
		return
	}
	if m.outputs > 1 {
		m.Margins(dst, x)
		softmax(dst[:len(x)/m.cols*m.outputs], m.outputs)
		return
	}
	z := make([]float64, len(x)/m.cols)
	m.Margins(z, x)
	binary(dst, z, m.scale)
}

// Decide predicts by the raw answers; see model.Decider.
func (m *boosting) Decide(dst []int, _, x []float64) {
	z := make([]float64, len(dst)*m.outputs)
	m.Margins(z, x)
	fromMargins(dst, z, m.outputs, m.atZero)
}

// boostingClassifier reads GradientBoostingClassifier.
func boostingClassifier(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	return b.boosting(n, labels, depth)
}

// boostingRegressor reads GradientBoostingRegressor.
func boostingRegressor(b *builder, n node, depth int) (any, error) { return b.boosting(n, nil, depth) }

func (b *builder) boosting(n node, labels []float64, depth int) (any, error) {
	m := &boosting{cols: n.features(), rate: n.float("learning_rate", 0.1), labels: labels, scale: 1, outputs: 1, atZero: b.atLeast(1, 4)}
	if len(labels) > 2 {
		m.outputs = len(labels)
	}
	exponential := n.text("loss", "") == "exponential"
	if exponential {
		m.scale = 2
	}
	m.link, m.eps = linkOf(m.outputs, exponential, b.atLeast(1, 4)), 1.1920928955078125e-07 // of float32
	if b.atLeast(1, 8) {
		m.eps = 2.220446049250313e-16
	}
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	if len(items)%m.outputs != 0 {
		return nil, n.bad("%d trees for %d outputs", len(items), m.outputs)
	}
	for i, item := range items {
		o, ok := item.(*pickle.Object)
		if !ok {
			return nil, n.bad("tree %d is %s", i, pickle.Describe(item))
		}
		t, cols, err := b.tree(node{o, n.path}, 1, false)
		if err != nil {
			return nil, n.bad("tree %d: %w", i, err)
		}
		if m.cols == 0 {
			m.cols = cols
		}
		if err := t.Check(m.cols); err != nil {
			return nil, n.bad("tree %d: %w", i, err)
		}
		if i%m.outputs == 0 {
			m.trees = append(m.trees, nil)
		}
		last := len(m.trees) - 1
		m.trees[last] = append(m.trees[last], t)
	}
	return m, b.startOf(n, m, depth)
}

// linkOf returns what turns probabilities into raw answers, in place. Those of
// several classes add up to zero where centred says so.
func linkOf(outputs int, exponential, centred bool) func([]float64) {
	return func(p []float64) {
		if outputs > 1 {
			mean := 0.0
			for c, v := range p {
				p[c] = math.Log(v)
				mean += p[c] / float64(outputs)
			}
			for c := range p {
				if centred {
					p[c] -= mean
				}
			}
			return
		}
		p[0] = math.Log(p[0] / (1 - p[0]))
		if exponential {
			p[0] /= 2
		}
	}
}

// startOf reads init_: zero, a constant, or an estimator.
func (b *builder) startOf(n node, m *boosting, depth int) error {
	m.start = make([]float64, m.outputs)
	v, ok := n.o.Attr("init_")
	if s, isText := v.(string); !ok || v == nil || isText && s == "zero" {
		return nil
	}
	init, err := n.object("init_")
	if err != nil {
		return err
	}
	switch init.o.Class.Name {
	case "DummyClassifier":
		if s := init.text("strategy", "prior"); s != "prior" {
			return n.bad("init_ is a DummyClassifier of strategy %q; use prior", s)
		}
		prior, _, err := init.floats("class_prior_")
		if err != nil {
			return err
		}
		if len(prior) != len(m.labels) {
			return n.bad("%d priors for %d classes", len(prior), len(m.labels))
		}
		if m.outputs == 1 {
			prior = prior[1:]
		}
		for c, v := range prior {
			m.start[c] = m.clip(v)
		}
		m.link(m.start)
		return nil
	case "DummyRegressor", "QuantileEstimator":
		name := "constant_"
		if !init.has(name) {
			name = "quantile"
		}
		m.start, err = init.vector(name, 1)
		return err
	}
	m.first, err = b.estimator(init.o, depth)
	if err == nil && (m.first.Features() != m.cols || len(m.first.Classes()) != len(m.labels)) {
		err = n.bad("init_ does not fit the rest")
	}
	return err
}
