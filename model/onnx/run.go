package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Model is an ONNX model that is run. See model.Estimator, which it satisfies.
type Model struct {
	Names     []string // input names, when each column is an input
	Labels    []string // class labels that are text, or nil
	LabelType string   // "long" or "string"; "" for a regressor
	Texts     []Text   // columns that hold text

	g       *graph
	ops     []operator
	consts  map[string]*tensor
	cols    int
	classes []float64
	label   string   // output that holds labels, ""
	score   string   // tensor that holds probabilities or the value
	columns []string // outputs of one class each, side by side; nil: score holds all
}

// operator computes the outputs of one node.
type operator func(in []*tensor) ([]*tensor, error)

// Open reads an ONNX model of numeric columns that classifies or predicts a
// value. Operators that are not known are of kind Unsupported. Tensors that are kept
// in other files are read by read, which may be nil.
func Open(data []byte, read func(name string) ([]byte, error)) (*Model, error) {
	g, err := parse(data)
	if err != nil {
		return nil, err
	}
	for i := range g.consts {
		if t := &g.consts[i]; t.outside != nil {
			if err := t.fetch(read); err != nil {
				return nil, err
			}
		}
	}
	m := &Model{g: g, consts: map[string]*tensor{}}
	for i := range g.consts {
		m.consts[g.consts[i].name] = &g.consts[i]
	}
	if err := m.readInputs(); err != nil {
		return nil, err
	}
	for i := range g.nodes {
		op, err := build(&g.nodes[i])
		if err != nil {
			return nil, errs.Wrap(err, "ONNX operator %s", g.nodes[i].op)
		}
		m.ops = append(m.ops, op)
	}
	return m, m.readOutputs()
}

func (m *Model) readInputs() error {
	var ins []value
	for _, v := range m.g.inputs {
		if m.consts[v.name] == nil { // old files list constants as inputs
			ins = append(ins, v)
		}
	}
	m.g.inputs = ins
	var texts []string
	for j, v := range ins {
		switch v.elem {
		case 0:
			return errs.New(errs.Unsupported, "ONNX: the input %s is no tensor", v.name)
		case typeString:
			if texts == nil {
				texts = m.g.knownTexts()
			}
			m.Texts = append(m.Texts, Text{Column: j, Values: texts})
		}
	}
	switch {
	case len(ins) == 1 && m.Texts == nil && len(ins[0].shape) == 2 && ins[0].shape[1] > 0 && ins[0].shape[1] < 1<<24:
		m.cols = int(ins[0].shape[1])
		return nil
	case len(ins) >= 1:
		for _, v := range ins {
			if len(v.shape) > 2 || len(v.shape) == 2 && v.shape[1] > 1 {
				return errs.New(errs.Unsupported, "ONNX: the input %s has the shape %v", v.name, v.shape)
			}
			m.Names = append(m.Names, v.name)
		}
		m.cols = len(ins)
		return nil
	}
	return invalid("ONNX: the model has no input")
}

// readOutputs finds labels and scores, and tries the model on a row of zeros.
func (m *Model) readOutputs() error {
	labels, err := m.classesOf()
	if err != nil {
		return err
	}
	if labels != nil {
		m.classes, m.LabelType = labels.nums, "long"
		if labels.texts != nil {
			m.LabelType, m.Labels, m.classes = "string", labels.texts, make([]float64, len(labels.texts))
			for c := range m.classes {
				m.classes[c] = float64(c)
			}
		}
	}
	for i := range m.g.nodes {
		if n := &m.g.nodes[i]; n.op == "ZipMap" && len(n.in) > 0 {
			m.score = n.in[0]
		}
	}
	if t := m.consts["labels"]; m.g.ours && t != nil {
		m.readOwn(t)
	}
	vals, err := m.run(make([]float64, m.cols), 1)
	if err != nil {
		return err
	}
	return m.findOutputs(vals)
}

// readOwn finds the classes of a file that Export wrote.
func (m *Model) readOwn(labels *tensor) {
	m.score, m.classes, m.Labels, m.LabelType = "probabilities", nil, nil, "long"
	if labels.strings != nil {
		m.Labels, m.LabelType = labels.strings, "string"
		for c := range labels.strings {
			m.classes = append(m.classes, float64(c))
		}
		return
	}
	m.classes = labels.nums
	if labels.elem == typeDouble {
		m.LabelType = "double"
	}
}

// Features returns the number of columns a row must have.
func (m *Model) Features() int { return m.cols }

// Classes returns the class labels, or nil.
func (m *Model) Classes() []float64 { return m.classes }

// Scores writes the class probabilities or the value of each row of x; NaN
// throughout for rows that the graph cannot take.
func (m *Model) Scores(dst, x []float64) {
	n, k := len(x)/m.cols, max(len(m.classes), 1)
	vals, err := m.run(x, n)
	if err != nil {
		for i := range dst[:n*k] {
			dst[i] = math.NaN()
		}
		return
	}
	scores := m.scored(vals)
	if k == 2 && len(scores) == n { // the second class alone
		for r, v := range scores {
			dst[2*r], dst[2*r+1] = 1-v, v
		}
		return
	}
	copy(dst[:n*k], scores)
}

// Decide writes the class whose label the model gives; see model.Decider.
func (m *Model) Decide(dst []int, scores, x []float64) {
	vals, err := m.run(x, len(dst))
	t := vals[m.label]
	k := len(m.classes)
	for r := range dst {
		dst[r] = 0
		for c := 1; c < k; c++ {
			if scores[r*k+c] > scores[r*k+dst[r]] {
				dst[r] = c
			}
		}
		if err != nil || t == nil {
			continue
		}
		for c := range k {
			if r < len(t.nums) && t.nums[r] == m.classes[c] || r < len(t.strings) && m.Labels != nil && t.strings[r] == m.Labels[c] {
				dst[r] = c
			}
		}
	}
}

// run computes every tensor for n rows.
func (m *Model) run(x []float64, n int) (map[string]*tensor, error) {
	vals := make(map[string]*tensor, len(m.consts)+len(m.ops)*2)
	for name, t := range m.consts {
		vals[name] = t
	}
	for j, v := range m.g.inputs {
		t := &tensor{elem: v.elem, shape: []int64{int64(n), int64(m.cols)}, nums: x}
		if m.Names != nil {
			t.shape = []int64{int64(n), 1}[:max(len(v.shape), 1)]
			t.nums = make([]float64, n)
			for r := range n {
				t.nums[r] = x[r*m.cols+j]
			}
		}
		if v.elem == typeString {
			t.nums, t.strings = nil, spelled(t.nums, m.Texts[slices.IndexFunc(m.Texts, func(x Text) bool { return x.Column == j })].Values)
		}
		vals[v.name] = t.rounded()
	}
	for i, op := range m.ops {
		nd := &m.g.nodes[i]
		ins := make([]*tensor, len(nd.in))
		for k, name := range nd.in {
			if ins[k] = vals[name]; ins[k] == nil && name != "" {
				return nil, invalid("ONNX: %s wants %s, which is not computed before it", nd.op, name)
			}
		}
		if err := nd.checkInputs(ins); err != nil {
			return nil, err
		}
		outs, err := op(ins)
		if err != nil {
			return nil, errs.Wrap(err, "ONNX operator %s", nd.op)
		}
		for _, t := range outs {
			if t != nil && t.count() != int64(len(t.nums)+len(t.strings)) {
				return nil, invalid("ONNX operator %s made %d elements of shape %v", nd.op, len(t.nums)+len(t.strings), t.shape)
			}
		}
		for k, name := range nd.out {
			if k < len(outs) && outs[k] != nil {
				vals[name] = outs[k].rounded()
			}
		}
	}
	return vals, nil
}

// checkInputs refuses operands that are missing, and text where numbers belong.
func (n *node) checkInputs(in []*tensor) error {
	need := 1
	switch n.op {
	case "Constant":
		need = 0
	case "Gather", "ArrayFeatureExtractor", "MatMul", "Gemm", "Reshape", "Expand", "GatherElements", "CumSum":
		need = 2
	case "Where":
		need = 3
	}
	if pairwise[n.op] != nil {
		need = 2
	}
	for k := range need {
		if k >= len(in) || in[k] == nil {
			return invalid("ONNX operator %s has %d operands, %d are needed", n.op, len(in), need)
		}
	}
	takesText := false
	switch n.op {
	case "Gather", "ArrayFeatureExtractor", "Identity", "ZipMap", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Shape",
		"Concat", "Transpose", "Slice", "Expand", "GatherElements", "LabelEncoder", "OneHotEncoder", "Equal", "Where":
		takesText = true
	}
	for _, t := range in {
		if t != nil && len(t.strings) > 0 && !takesText {
			return errs.New(errs.Unsupported, "ONNX operator %s on text", n.op)
		}
		if t == nil && (n.op == "Concat" || folds[n.op] != nil) {
			return invalid("ONNX operator %s lacks a part", n.op)
		}
	}
	return nil
}

// rounded returns t with its numbers rounded to its element type.
func (t *tensor) rounded() *tensor {
	switch t.elem {
	case typeFloat:
		out := make([]float64, len(t.nums))
		for i, v := range t.nums {
			out[i] = float64(float32(v))
		}
		return &tensor{elem: t.elem, shape: t.shape, nums: out}
	case typeInt64, typeInt32:
		out := make([]float64, len(t.nums))
		for i, v := range t.nums {
			out[i] = math.Trunc(v)
		}
		return &tensor{elem: t.elem, shape: t.shape, nums: out}
	}
	return t
}

// rows returns a matrix's rows and columns; a vector is one column of rows.
func (t *tensor) rows() (n, p int) {
	switch len(t.shape) {
	case 0:
		return 1, 1
	case 1:
		return int(t.shape[0]), 1
	}
	n = int(t.shape[0])
	if n == 0 {
		return 0, 0
	}
	return n, len(t.nums) / n
}
