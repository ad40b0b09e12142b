package sklearn

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/model/pickle"
)

// member is an estimator within an ensemble that sees some of the columns.
type member struct {
	e      Estimator
	cols   []int // columns of the ensemble's row; nil: all
	weight float64
	at     []int // place of each of its classes among the ensemble's; nil: the same
}

// see returns the columns of x (p a row) that the member takes.
func (m *member) see(x []float64, p int) []float64 {
	if m.cols == nil {
		return x
	}
	out := make([]float64, 0, len(x)/p*len(m.cols))
	for r := 0; r < len(x); r += p {
		for _, c := range m.cols {
			out = append(out, x[r+c])
		}
	}
	return out
}

// bagging averages members: Bagging, and soft voting.
type bagging struct {
	cols    int
	labels  []float64
	members []member
	total   float64 // what the sum is divided by
	hard    bool    // members vote
	bag     bool    // not voting
}

// Features returns the number of columns a row must have.
func (m *bagging) Features() int { return m.cols }

// Classes returns the class labels, or nil.
func (m *bagging) Classes() []float64 { return m.labels }

// Scores writes the average over the members, or the share of their votes.
func (m *bagging) Scores(dst, x []float64) {
	k, n := max(len(m.labels), 1), len(x)/m.cols
	clear(dst[:n*k])
	for i := range m.members {
		mb := &m.members[i]
		xi := mb.see(x, m.cols)
		w := max(len(mb.e.Classes()), 1)
		p := make([]float64, n*w)
		mb.e.Scores(p, xi)
		if m.labels != nil && (m.hard || !probabilistic(mb.e)) {
			classes := make([]int, n)
			decide(mb.e, classes, p, xi)
			votes(p, classes, w)
		}
		for r := range n {
			for c := range w {
				to := c
				if mb.at != nil {
					to = mb.at[c]
				}
				dst[r*k+to] += mb.weight * p[r*w+c]
			}
		}
	}
	for i := range dst[:n*k] {
		dst[i] /= m.total
	}
}

// Marginal reports whether it has a decision function: bagging of members that
// all have one.
func (m *bagging) Marginal() bool {
	return m.bag && m.labels != nil && !slices.ContainsFunc(m.members, func(mb member) bool { return margins(mb.e) == nil })
}

// Width returns the number of margins a row: 1 for two classes.
func (m *bagging) Width() int {
	if len(m.labels) == 2 {
		return 1
	}
	return len(m.labels)
}

// Margins writes the mean of the members' decision functions.
func (m *bagging) Margins(dst, x []float64) {
	size := len(x) / m.cols * m.Width()
	z := make([]float64, size)
	clear(dst[:size])
	for i := range m.members {
		mg := margins(m.members[i].e)
		mg.Margins(z, m.members[i].see(x, m.cols))
		for j, v := range z {
			dst[j] += v
		}
	}
	for j := range size {
		dst[j] /= float64(len(m.members))
	}
}

// probabilistic reports whether scikit-learn's class has predict_proba.
func probabilistic(e Estimator) bool {
	switch e := e.(type) {
	case *separator:
		return e.proba != nil
	case *pipeline:
		return probabilistic(e.last)
	case *bagging:
		return !e.hard
	case *isolation:
		return false
	}
	return true
}

// baggingClassifier reads BaggingClassifier.
func baggingClassifier(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	return b.bagging(n, labels, depth)
}

// baggingRegressor reads BaggingRegressor.
func baggingRegressor(b *builder, n node, depth int) (any, error) { return b.bagging(n, nil, depth) }

func (b *builder) bagging(n node, labels []float64, depth int) (any, error) {
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	subsets, err := n.items("estimators_features_")
	if err != nil {
		return nil, err
	}
	m := &bagging{cols: n.features(), labels: labels, total: float64(len(items)), bag: true}
	if len(items) == 0 || len(subsets) != len(items) || m.cols == 0 {
		return nil, n.bad("%d estimators and %d lists of columns", len(items), len(subsets))
	}
	for i, item := range items {
		e, err := b.estimator(item, depth)
		if err != nil {
			return nil, err
		}
		cols, err := columnsOf(subsets[i], m.cols)
		if err != nil {
			return nil, err
		}
		if len(cols) != e.Features() {
			return nil, n.bad("estimator %d takes %d columns and is given %d", i, e.Features(), len(cols))
		}
		if whole(cols, m.cols) {
			cols = nil
		}
		at, err := places(n, e, labels)
		if err != nil {
			return nil, err
		}
		m.members = append(m.members, member{e, cols, 1, at})
	}
	return m, nil
}

// places says where the classes of a member, which are indexes into labels, lie;
// nil when they are all there in order.
func places(n node, e Estimator, labels []float64) ([]int, error) {
	own := e.Classes()
	if (own == nil) != (labels == nil) {
		return nil, n.bad("a member does not fit the ensemble")
	}
	if len(own) == len(labels) {
		return nil, nil
	}
	at := make([]int, len(own))
	for c, v := range own {
		at[c] = int(v)
		if v != math.Trunc(v) || v < 0 || int(v) >= len(labels) {
			return nil, n.bad("a member knows the class %v", v)
		}
	}
	return at, nil
}

// columnsOf reads a list of column indexes below p.
func columnsOf(v any, p int) ([]int, error) {
	items, err := itemsOf(v)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(items))
	for i, item := range items {
		f, ok := pickle.Float(item)
		if !ok || f != math.Trunc(f) || f < 0 || int(f) >= p {
			return nil, node{}.bad("column %v of %d", item, p)
		}
		out[i] = int(f)
	}
	return out, nil
}

// whole reports whether cols are 0 to p-1 in order.
func whole(cols []int, p int) bool {
	for i, c := range cols {
		if c != i {
			return false
		}
	}
	return len(cols) == p
}

// votingClassifier reads VotingClassifier.
func votingClassifier(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	return b.voting(n, labels, depth)
}

// votingRegressor reads VotingRegressor.
func votingRegressor(b *builder, n node, depth int) (any, error) { return b.voting(n, nil, depth) }

func (b *builder) voting(n node, labels []float64, depth int) (any, error) {
	parts, err := b.parts(n, depth)
	if err != nil {
		return nil, err
	}
	weights, err := n.weights(len(parts))
	if err != nil {
		return nil, err
	}
	m := &bagging{cols: parts[0].Features(), labels: labels, hard: labels != nil && n.text("voting", "hard") == "hard"}
	for i, e := range parts {
		if e.Features() != m.cols || len(e.Classes()) != len(labels) {
			return nil, n.bad("estimator %d does not fit the others", i)
		}
		m.members = append(m.members, member{e: e, weight: weights[i]})
	}
	m.total = npSum(weights)
	return m, nil
}

// parts builds estimators_, of which there must be one at least.
func (b *builder) parts(n node, depth int) ([]Estimator, error) {
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	var out []Estimator
	for _, item := range items {
		if s, ok := item.(string); ok && s == "drop" {
			continue
		}
		e, err := b.estimator(item, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, n.bad("it has no estimators")
	}
	return out, nil
}

// weights returns the weights of the estimators that were not dropped; ones
// where there are none.
func (n node) weights(count int) ([]float64, error) {
	if !n.has("weights") {
		return slices.Repeat([]float64{1}, count), nil
	}
	w, _, err := n.floats("weights")
	if err != nil {
		return nil, err
	}
	named, err := n.items("estimators")
	if err != nil || len(named) != len(w) {
		return nil, n.bad("%d weights for %d estimators", len(w), len(named))
	}
	var out []float64
	for i, item := range named {
		pair, _ := itemsOf(item)
		if len(pair) == 2 && (pair[1] == "drop" || pair[1] == nil) {
			continue
		}
		out = append(out, w[i])
	}
	if len(out) != count {
		return nil, n.bad("%d weights for %d estimators", len(out), count)
	}
	return out, nil
}
