package onnx

import (
	"github.com/drivecast/drivecast/errs"
)

// classLabels are the labels of the classes: numbers, or texts.
type classLabels struct {
	nums  []float64
	texts []string
}

func (c *classLabels) count() int { return max(len(c.nums), len(c.texts)) }

// declared returns the labels that a node's attributes list, nil when it lists none.
func (n *node) declared() *classLabels {
	ints := n.get("classlabels_int64s").ints
	if len(ints) == 0 {
		ints = n.get("classlabels_ints").ints
	}
	c := &classLabels{texts: n.get("classlabels_strings").strings}
	if len(c.texts) == 0 {
		for _, v := range ints {
			c.nums = append(c.nums, float64(v))
		}
	}
	if c.count() == 0 {
		return nil
	}
	return c
}

// classesOf finds the labels of the classes: those that the output of labels picks
// from, those that the scores are mapped to, or the only ones that any node lists.
// A graph may hold several classifiers, whose own labels are not the model's. nil
// means that it is no classifier.
func (m *Model) classesOf() (*classLabels, error) {
	makers := map[string]*node{}
	var all []*classLabels
	for i := range m.g.nodes {
		n := &m.g.nodes[i]
		for _, out := range n.out {
			makers[out] = n
		}
		if c := n.declared(); c != nil {
			if n.op == "ZipMap" {
				return c, nil
			}
			all = append(all, c)
		}
	}
	for _, o := range m.g.output {
		if o.elem == typeInt64 || o.elem == typeString {
			if c := m.picked(o.name, makers); c != nil {
				return c, nil
			}
		}
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return nil, errs.New(errs.Unsupported, "ONNX: several nodes are classifiers, and which labels the model's classes have cannot be told; export it with ZipMap")
}

// picked follows an output of labels back to the node or the constant that they
// come from.
func (m *Model) picked(name string, makers map[string]*node) *classLabels {
	for range len(m.g.nodes) {
		n := makers[name]
		if n == nil || len(n.in) == 0 {
			return nil
		}
		switch n.op {
		case "Cast", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten":
			name = n.in[0]
		case "ArrayFeatureExtractor", "Gather":
			t := m.consts[n.in[0]]
			if t == nil || len(t.nums)+len(t.strings) < 2 {
				return nil
			}
			return &classLabels{t.nums, t.strings}
		default:
			return n.declared()
		}
	}
	return nil
}

// scored returns the scores of the last run: those of one output, or those of one
// output a class side by side.
func (m *Model) scored(vals map[string]*tensor) []float64 {
	if m.columns == nil {
		if t := vals[m.score]; t != nil {
			return t.nums
		}
		return nil
	}
	k := len(m.columns)
	var out []float64
	for c, name := range m.columns {
		t := vals[name]
		if t == nil {
			return nil
		}
		if out == nil {
			out = make([]float64, len(t.nums)*k)
		}
		for r, v := range t.nums {
			if r*k+c < len(out) {
				out[r*k+c] = v
			}
		}
	}
	return out
}

// findOutputs finds the output of labels and that of scores, given what the model
// made of one row. A score of each class may be an output of its own.
func (m *Model) findOutputs(vals map[string]*tensor) error {
	k := max(len(m.classes), 1)
	var each []string
	for _, o := range m.g.output {
		t := vals[o.name]
		if t == nil {
			return invalid("ONNX: the output %s is never computed", o.name)
		}
		switch {
		case m.classes != nil && (t.elem == typeInt64 || t.elem == typeString || m.g.ours && o.name == "label") && m.label == "":
			m.label = o.name
		case t.elem == typeFloat || t.elem == typeDouble:
			if len(t.nums) == 1 {
				each = append(each, o.name)
			}
			if m.score == "" {
				m.score = o.name
			}
		}
	}
	if len(each) == k && k > 1 && !m.g.ours {
		m.columns = each
	}
	scores := m.scored(vals)
	if len(scores) != k && (len(scores) != 1 || k != 2) {
		return errs.New(errs.Unsupported, "ONNX: no output holds a value or a probability for each class")
	}
	return nil
}
