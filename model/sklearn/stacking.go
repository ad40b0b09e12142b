package sklearn

// stacking asks a final estimator about the answers of others.
type stacking struct {
	cols    int
	parts   []Estimator
	methods []string
	pass    bool // the row itself follows the answers
	last    Estimator
}

// Features returns the number of columns a row must have.
func (m *stacking) Features() int { return m.cols }

// Classes returns the class labels, or nil.
func (m *stacking) Classes() []float64 { return m.last.Classes() }

// Scores asks the final estimator.
func (m *stacking) Scores(dst, x []float64) { m.last.Scores(dst, m.transform(x)) }

// Decide gives the final estimator its say; see model.Decider.
func (m *stacking) Decide(dst []int, scores, x []float64) {
	decide(m.last, dst, scores, m.transform(x))
}

// Marginal reports whether the final estimator has a decision function.
func (m *stacking) Marginal() bool { return margins(m.last) != nil }

// Width returns the number of margins a row.
func (m *stacking) Width() int { return margins(m.last).Width() }

// Margins asks the final estimator.
func (m *stacking) Margins(dst, x []float64) { margins(m.last).Margins(dst, m.transform(x)) }

// width returns how many values part i adds to a row.
func (m *stacking) width(i int) int {
	k := len(m.parts[i].Classes())
	switch {
	case k <= 2 || m.methods[i] == "predict":
		return 1
	}
	return k
}

// transform returns the rows that the final estimator sees.
func (m *stacking) transform(x []float64) []float64 {
	n, w := len(x)/m.cols, 0
	for i := range m.parts {
		w += m.width(i)
	}
	if m.pass {
		w += m.cols
	}
	out := make([]float64, n*w)
	at := 0
	for i := range m.parts {
		k := m.width(i)
		v := m.answers(i, x, n)
		for r := range n {
			copy(out[r*w+at:], v[r*k:(r+1)*k])
		}
		at += k
	}
	for r := 0; m.pass && r < n; r++ {
		copy(out[r*w+at:], x[r*m.cols:(r+1)*m.cols])
	}
	return out
}

// answers returns what part i says about each row, by its method.
func (m *stacking) answers(i int, x []float64, n int) []float64 {
	e := m.parts[i]
	k := len(e.Classes())
	if m.methods[i] == "decision_function" {
		v, _ := response(e, x, n)
		return v
	}
	p := make([]float64, n*max(k, 1))
	e.Scores(p, x)
	switch {
	case k == 0 || k > 2 && m.methods[i] == "predict_proba":
		return p
	case m.methods[i] == "predict":
		classes := make([]int, n)
		decide(e, classes, p, x)
		v := make([]float64, n)
		for r, c := range classes {
			v[r] = e.Classes()[c]
		}
		return v
	}
	v := make([]float64, n)
	for r := range v {
		v[r] = p[2*r+1]
	}
	return v
}

// stackingOf reads StackingClassifier and StackingRegressor.
func stackingOf(b *builder, n node, depth int) (any, error) {
	parts, err := b.parts(n, depth)
	if err != nil {
		return nil, err
	}
	final, err := n.object("final_estimator_")
	if err != nil {
		return nil, err
	}
	pass := n.flag("passthrough", false)
	b.sparse = b.sparse && pass
	last, err := b.estimator(final.o, depth)
	if err != nil {
		return nil, err
	}
	items, err := n.items("stack_method_")
	if err != nil {
		return nil, err
	}
	m := &stacking{cols: parts[0].Features(), parts: parts, pass: pass, last: last}
	for _, item := range items {
		if s, ok := item.(string); ok {
			m.methods = append(m.methods, s)
		}
	}
	if len(m.methods) != len(parts) {
		return nil, n.bad("%d methods for %d estimators", len(m.methods), len(parts))
	}
	w := 0
	for i, e := range parts {
		if e.Features() != m.cols {
			return nil, n.bad("estimator %d takes other columns than the first", i)
		}
		w += m.width(i)
	}
	if m.pass {
		w += m.cols
	}
	if w != last.Features() {
		return nil, n.bad("the final estimator takes %d columns and is given %d", last.Features(), w)
	}
	return m, nil
}
