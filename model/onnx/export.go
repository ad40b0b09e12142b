package onnx

import (
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// Column is one input column of an exported model.
type Column struct {
	Name    string
	Integer bool      // values come as 64-bit integers
	Texts   []string  // known texts of a text column; nil: a number
	Codes   []float64 // their numbers
	Other   float64   // number of any other text; NaN: missing
}

// Spec says how a model is to look from outside.
type Spec struct {
	Columns   []Column
	Labels    []string // text labels; nil: the estimator's numbers
	LabelType string   // "long", "double", "boolean" or "string"
	Threshold float64  // the second class is predicted at or above it; 0: the likelier class
}

// Export writes a *tree.Forest, *hist.Boosted, *linear.Logistic or
// *linear.Regression as an ONNX model. Without
// text columns it has one input X (rows × columns), else one input a column,
// named like it. A classifier has the outputs label and, with one value a row
// each, probability (of the second class; with more classes probability_0,
// probability_1, … in the order of the labels); a regressor has the output value.
// Another estimator is of kind Unsupported.
//
// A forest compares in double precision what was rounded to float32, as we do;
// its probabilities are float32. A boosted ensemble compares in double precision;
// its trees' sum is float32. A test of a set of categories is a chain of
// equalities, so a number between two categories is an unknown category, where we
// cut it to a whole one.
func Export(estimator any, s Spec) ([]byte, error) {
	g := &graph{name: "drivecast", opsets: map[string]int64{"": 13, mlDomain: 3}}
	switch e := estimator.(type) {
	case *tree.Forest:
		x := g.matrix(s, e.Features(), typeFloat)
		x = g.cast(x, typeDouble)
		if len(e.Labels) == 0 {
			g.forestValue(e, x)
		} else {
			g.forestClasses(e, x, s)
		}
	case *hist.Boosted:
		if err := e.Check(); err != nil {
			return nil, err
		}
		g.boosted(e, g.matrix(s, e.Features(), typeDouble), s)
	case *linear.Logistic:
		g.logistic(e, g.matrix(s, e.Features(), typeDouble), s)
	case *linear.Regression:
		g.regression(e, g.matrix(s, e.Features(), typeDouble))
	default:
		return nil, errs.New(errs.Unsupported, "this kind of model cannot be written as ONNX; trees, forests, boosting, logistic and linear regression can")
	}
	return g.encode(), nil
}

func (g *graph) add(op, domain string, in, out []string, attrs ...attr) string {
	g.nodes = append(g.nodes, node{op, domain, in, out, attrs})
	return out[0]
}

func (g *graph) constant(t tensor) string {
	g.consts = append(g.consts, t)
	return t.name
}

func (g *graph) cast(x string, elem int) string {
	name := x + map[int]string{typeFloat: "_f4", typeDouble: "_f8", typeInt64: "_i8", typeBool: "_b"}[elem]
	return g.add("Cast", "", []string{x}, []string{name}, attr{name: "to", kind: 2, i: int64(elem)})
}

// matrix declares the inputs and returns the name of the rows × columns matrix
// of the given element type.
func (g *graph) matrix(s Spec, cols, elem int) string {
	integers, texts := len(s.Columns) > 0, false
	for _, c := range s.Columns {
		integers = integers && c.Integer
		texts = texts || c.Texts != nil
	}
	if !texts {
		in := elem
		if integers {
			in = typeInt64
		}
		g.inputs = append(g.inputs, value{"X", in, []int64{-1, int64(cols)}})
		if in != elem {
			return g.cast("X", elem)
		}
		return "X"
	}
	upright := g.constant(tensor{name: "upright", elem: typeInt64, shape: []int64{2}, nums: []float64{-1, 1}})
	var parts []string
	for _, c := range s.Columns {
		x := c.Name
		switch {
		case c.Texts != nil:
			g.inputs = append(g.inputs, value{c.Name, typeString, []int64{-1}})
			codes := make([]float32, len(c.Codes))
			for i, v := range c.Codes {
				codes[i] = float32(v)
			}
			x = g.add("LabelEncoder", mlDomain, []string{c.Name}, []string{c.Name + "_code"},
				attr{name: "keys_strings", kind: 8, strings: c.Texts}, attr{name: "values_floats", kind: 6, floats: codes},
				attr{name: "default_float", kind: 1, f: float32(c.Other)})
			if elem != typeFloat {
				x = g.cast(x, elem)
			}
		case c.Integer:
			g.inputs = append(g.inputs, value{c.Name, typeInt64, []int64{-1}})
			x = g.cast(x, elem)
		default:
			g.inputs = append(g.inputs, value{c.Name, typeDouble, []int64{-1}})
			if elem != typeDouble {
				x = g.cast(x, elem)
			}
		}
		parts = append(parts, g.add("Reshape", "", []string{x, upright}, []string{x + "_column"}))
	}
	return g.add("Concat", "", parts, []string{"matrix"}, attr{name: "axis", kind: 2, i: 1})
}

// nodes returns the attributes that describe the trees' inner nodes.
func treeNodes(f *tree.Forest) []attr {
	var ids, treeIDs, features, yes, no, missing []int64
	var modes []string
	var values []float64
	for t, tr := range f.Trees {
		for i := range tr.Left {
			ids, treeIDs = append(ids, int64(i)), append(treeIDs, int64(t))
			if tr.Left[i] < 0 {
				modes, features, values = append(modes, "LEAF"), append(features, 0), append(values, 0)
				yes, no, missing = append(yes, 0), append(no, 0), append(missing, 0)
				continue
			}
			modes, features, values = append(modes, "BRANCH_LEQ"), append(features, int64(tr.Feature[i])), append(values, tr.Threshold[i])
			yes, no = append(yes, int64(tr.Left[i])), append(no, int64(tr.Right[i]))
			m := int64(0)
			if tr.MissingLeft != nil && tr.MissingLeft[i] {
				m = 1
			}
			missing = append(missing, m)
		}
	}
	return []attr{
		{name: "nodes_falsenodeids", kind: 7, ints: no}, {name: "nodes_featureids", kind: 7, ints: features},
		{name: "nodes_missing_value_tracks_true", kind: 7, ints: missing}, {name: "nodes_modes", kind: 8, strings: modes},
		{name: "nodes_nodeids", kind: 7, ints: ids}, {name: "nodes_treeids", kind: 7, ints: treeIDs},
		{name: "nodes_truenodeids", kind: 7, ints: yes},
		{name: "nodes_values_as_tensor", kind: 4, t: &tensor{elem: typeDouble, shape: []int64{int64(len(values))}, nums: values}},
		{name: "post_transform", kind: 3, s: "NONE"},
	}
}

// leaves returns attributes with the given prefix that describe what the leaves
// add for each of k outputs.
func leaves(f *tree.Forest, prefix, suffix string, k int) []attr {
	var ids, nodeIDs, treeIDs []int64
	var weights []float64
	for t, tr := range f.Trees {
		for i := range tr.Left {
			if tr.Left[i] >= 0 {
				continue
			}
			for c := range k {
				ids, nodeIDs, treeIDs = append(ids, int64(c)), append(nodeIDs, int64(i)), append(treeIDs, int64(t))
				weights = append(weights, tr.Value[i*k+c]/float64(len(f.Trees)))
			}
		}
	}
	return []attr{
		{name: prefix + "ids", kind: 7, ints: ids}, {name: prefix + "nodeids", kind: 7, ints: nodeIDs},
		{name: prefix + "treeids", kind: 7, ints: treeIDs},
		{name: prefix + suffix + "_as_tensor", kind: 4, t: &tensor{elem: typeDouble, shape: []int64{int64(len(weights))}, nums: weights}},
	}
}

func (g *graph) forestValue(f *tree.Forest, x string) {
	attrs := append(treeNodes(f), leaves(f, "target_", "weights", 1)...)
	attrs = append(attrs, attr{name: "n_targets", kind: 2, i: 1}, attr{name: "aggregate_function", kind: 3, s: "SUM"})
	g.add("TreeEnsembleRegressor", mlDomain, []string{x}, []string{"values"}, attrs...)
	flat := g.constant(tensor{name: "flat", elem: typeInt64, shape: []int64{1}, nums: []float64{-1}})
	g.add("Reshape", "", []string{"values", flat}, []string{"value"})
	g.output = append(g.output, value{"value", typeFloat, []int64{-1}})
}

func (g *graph) forestClasses(f *tree.Forest, x string, s Spec) {
	k := len(f.Labels)
	index := make([]int64, k)
	for c := range index {
		index[c] = int64(c)
	}
	attrs := append(treeNodes(f), leaves(f, "class_", "weights", k)...)
	attrs = append(attrs, attr{name: "classlabels_int64s", kind: 7, ints: index})
	g.add("TreeEnsembleClassifier", mlDomain, []string{x}, []string{"class", "probabilities"}, attrs...)
	// The operator's own label breaks ties towards the last class; we, as
	// scikit-learn does, towards the first.
	g.add("ArgMax", "", []string{"probabilities"}, []string{"likelier"}, attr{name: "axis", kind: 2, i: 1}, attr{name: "keepdims", kind: 2, i: 0})
	g.classes(f.Labels, s, "likelier", typeFloat)
}

func (g *graph) logistic(m *linear.Logistic, x string, s Spec) {
	p, rows := m.Features(), len(m.Coef)
	w := make([]float64, p*rows)
	for c := range rows {
		for j, v := range m.Coef[c] {
			w[j*rows+c] = v
		}
	}
	weights := g.constant(tensor{name: "weights", elem: typeDouble, shape: []int64{int64(p), int64(rows)}, nums: w})
	bias := g.constant(tensor{name: "intercept", elem: typeDouble, shape: []int64{int64(rows)}, nums: m.Intercept})
	product := g.add("MatMul", "", []string{x, weights}, []string{"product"})
	g.probabilities(g.add("Add", "", []string{product, bias}, []string{"margin"}), rows, m.Labels, s)
}

func (g *graph) regression(m *linear.Regression, x string) {
	weights := g.constant(tensor{name: "weights", elem: typeDouble, shape: []int64{int64(len(m.Coef)), 1}, nums: m.Coef})
	bias := g.constant(tensor{name: "intercept", elem: typeDouble, shape: []int64{1}, nums: []float64{m.Intercept}})
	product := g.add("MatMul", "", []string{x, weights}, []string{"product"})
	z := g.add("Add", "", []string{product, bias}, []string{"sum"})
	flat := g.constant(tensor{name: "flat", elem: typeInt64, shape: []int64{1}, nums: []float64{-1}})
	g.add("Reshape", "", []string{z, flat}, []string{"value"})
	g.output = append(g.output, value{"value", typeDouble, []int64{-1}})
}

// probabilities makes the outputs of a classifier from the log-odds of the second
// class, or from one raw answer a class.
func (g *graph) probabilities(z string, outputs int, classes []float64, s Spec) {
	if outputs > 1 {
		g.add("Softmax", "", []string{z}, []string{"probabilities"}, attr{name: "axis", kind: 2, i: 1})
		g.add("ArgMax", "", []string{z}, []string{"likelier"}, attr{name: "axis", kind: 2, i: 1}, attr{name: "keepdims", kind: 2, i: 0})
		g.classes(classes, s, "likelier", typeDouble)
		return
	}
	q := g.add("Sigmoid", "", []string{z}, []string{"second"})
	one := g.constant(tensor{name: "one", elem: typeDouble, shape: []int64{1}, nums: []float64{1}})
	first := g.add("Sub", "", []string{one, q}, []string{"first"})
	g.add("Concat", "", []string{first, q}, []string{"probabilities"}, attr{name: "axis", kind: 2, i: 1})
	zero := g.constant(tensor{name: "zero", elem: typeDouble, shape: []int64{1}, nums: []float64{0}})
	flat := g.constant(tensor{name: "flat", elem: typeInt64, shape: []int64{1}, nums: []float64{-1}})
	above := g.add("Greater", "", []string{z, zero}, []string{"above"})
	row := g.add("Reshape", "", []string{above, flat}, []string{"above_flat"})
	g.classes(classes, s, g.cast(row, typeInt64), typeDouble)
}

// classes makes the outputs of a classifier from the matrix probabilities and the
// index of the likelier class.
func (g *graph) classes(labels []float64, s Spec, index string, elem int) {
	names := make([]string, len(labels))
	for c := range labels {
		if len(labels) == 2 && c == 0 {
			continue
		}
		at := g.constant(tensor{name: "class_" + digits(c), elem: typeInt64, shape: []int64{}, nums: []float64{float64(c)}})
		names[c] = "probability_" + digits(c)
		if len(labels) == 2 {
			names[c] = "probability"
		}
		g.add("Gather", "", []string{"probabilities", at}, []string{names[c]}, attr{name: "axis", kind: 2, i: 1})
	}
	if s.Threshold > 0 && len(labels) == 2 {
		limit := g.constant(tensor{name: "threshold", elem: elem, shape: []int64{}, nums: []float64{s.Threshold}})
		index = g.cast(g.add("GreaterOrEqual", "", []string{"probability", limit}, []string{"reached"}), typeInt64)
	}
	list := tensor{name: "labels", elem: typeInt64, shape: []int64{int64(len(labels))}, nums: labels}
	whole := true
	for _, v := range labels {
		whole = whole && v == math.Trunc(v)
	}
	switch {
	case s.Labels != nil:
		list.elem, list.nums, list.strings = typeString, nil, s.Labels
	case s.LabelType == "double" || !whole:
		list.elem = typeDouble
	}
	kind := list.elem
	g.constant(list)
	label := "label"
	if s.LabelType == "boolean" {
		label, kind = "label_number", typeBool
	}
	g.add("Gather", "", []string{"labels", index}, []string{label}, attr{name: "axis", kind: 2})
	if s.LabelType == "boolean" {
		g.add("Cast", "", []string{label}, []string{"label"}, attr{name: "to", kind: 2, i: typeBool})
	}
	g.output = append(g.output, value{"label", kind, []int64{-1}})
	for _, name := range names {
		if name != "" {
			g.output = append(g.output, value{name, elem, []int64{-1}})
		}
	}
}

func digits(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return digits(n/10) + string(rune('0'+n%10))
}
