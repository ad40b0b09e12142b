package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// ensembleOf reads the trees of TreeEnsembleClassifier and TreeEnsembleRegressor.
type ensemble struct {
	roots   []int
	nodes   []enode
	outputs int
	base    []float64
	double  bool
	post    string
}

// enode is a node: an index below zero in yes marks a leaf.
type enode struct {
	mode    string
	col     int
	value   float64
	yes, no int
	missing bool
	add     []weight
}

type weight struct {
	to int
	v  float64
}

// floatsOf returns an attribute of floats, or its double form.
func (n *node) floatsOf(name string) ([]float64, bool) {
	if a := n.get(name + "_as_tensor"); a.t != nil {
		return a.t.nums, a.t.elem == typeDouble
	}
	a := n.get(name)
	out := make([]float64, len(a.floats))
	for i, v := range a.floats {
		out[i] = float64(v)
	}
	return out, false
}

func readEnsemble(n *node, prefix, weights string, outputs int) (*ensemble, error) {
	trees, ids := n.get("nodes_treeids").ints, n.get("nodes_nodeids").ints
	yes, no := n.get("nodes_truenodeids").ints, n.get("nodes_falsenodeids").ints
	modes, cols, miss := n.get("nodes_modes").strings, n.get("nodes_featureids").ints, n.get("nodes_missing_value_tracks_true").ints
	values, double := n.floatsOf("nodes_values")
	k := len(ids)
	if k == 0 || len(trees) != k || len(yes) != k || len(no) != k || len(modes) != k || len(cols) != k || len(values) != k {
		return nil, invalid("its lists of nodes differ in length")
	}
	e := &ensemble{outputs: outputs, double: double, post: n.get("post_transform").s}
	e.base, _ = n.floatsOf("base_values")
	at := make(map[[2]int64]int, k)
	for i := range k {
		at[[2]int64{trees[i], ids[i]}] = i
	}
	parents := make([]int, k)
	for i := range k {
		nd := enode{mode: modes[i], col: int(cols[i]), value: values[i], yes: -1, no: -1, missing: i < len(miss) && miss[i] != 0}
		if modes[i] != "LEAF" {
			var ok1, ok2 bool
			nd.yes, ok1 = at[[2]int64{trees[i], yes[i]}]
			nd.no, ok2 = at[[2]int64{trees[i], no[i]}]
			if !ok1 || !ok2 || nd.col < 0 || nd.yes == nd.no {
				return nil, invalid("node %d of tree %d has children that do not fit", ids[i], trees[i])
			}
			parents[nd.yes]++
			parents[nd.no]++
		}
		e.nodes = append(e.nodes, nd)
	}
	for i := range k {
		if parents[i] == 0 {
			e.roots = append(e.roots, i)
		}
	}
	if e.loops(parents) {
		return nil, invalid("its nodes form a loop")
	}
	wt, wn, wi := n.get(prefix+"treeids").ints, n.get(prefix+"nodeids").ints, n.get(prefix+"ids").ints
	wv, _ := n.floatsOf(prefix + weights)
	if len(wt) != len(wv) || len(wn) != len(wv) || len(wi) != len(wv) {
		return nil, invalid("its lists of weights differ in length")
	}
	for i, v := range wv {
		leaf, ok := at[[2]int64{wt[i], wn[i]}]
		if !ok || wi[i] < 0 || int(wi[i]) >= outputs {
			return nil, invalid("a weight of node %d of tree %d does not fit", wn[i], wt[i])
		}
		e.nodes[leaf].add = append(e.nodes[leaf].add, weight{int(wi[i]), v})
	}
	return e, nil
}

// loops reports whether some walk would not end. Nodes may share children, as
// tests of sets of categories do; parents counts them and is used up.
func (e *ensemble) loops(parents []int) bool {
	todo, seen := slices.Clone(e.roots), 0
	for len(todo) > 0 {
		nd := &e.nodes[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		seen++
		if nd.yes < 0 {
			continue
		}
		for _, c := range [2]int{nd.yes, nd.no} {
			if parents[c]--; parents[c] == 0 {
				todo = append(todo, c)
			}
		}
	}
	return seen < len(e.nodes)
}

// leaf walks one tree, which has no loops.
func (e *ensemble) leaf(i int, row []float64) (*enode, error) {
	for {
		nd := &e.nodes[i]
		if nd.yes < 0 {
			return nd, nil
		}
		if nd.col >= len(row) {
			return nil, invalid("it tests column %d of %d", nd.col, len(row))
		}
		v := row[nd.col]
		if !e.double {
			v = float64(float32(v))
		}
		pass := false
		switch nd.mode {
		case "BRANCH_LEQ":
			pass = v <= nd.value
		case "BRANCH_LT":
			pass = v < nd.value
		case "BRANCH_GTE":
			pass = v >= nd.value
		case "BRANCH_GT":
			pass = v > nd.value
		case "BRANCH_EQ":
			pass = v == nd.value
		case "BRANCH_NEQ":
			pass = v != nd.value
		default:
			return nil, errs.New(errs.Unsupported, "nodes of mode %s", nd.mode)
		}
		if pass || nd.missing && math.IsNaN(v) {
			i = nd.yes
		} else {
			i = nd.no
		}
	}
}

// sum adds what the trees say about a row to dst.
func (e *ensemble) sum(dst, row []float64) error {
	clear(dst)
	for _, root := range e.roots {
		leaf, err := e.leaf(root, row)
		if err != nil {
			return err
		}
		for _, w := range leaf.add {
			dst[w.to] += w.v
			if !e.double {
				dst[w.to] = float64(float32(dst[w.to]))
			}
		}
	}
	return nil
}

func treeRegressor(n *node) (operator, error) {
	k := int(n.integer("n_targets", 1))
	if k < 1 || k > 1<<16 {
		return nil, invalid("%d targets", k)
	}
	e, err := readEnsemble(n, "target_", "weights", k)
	if err != nil {
		return nil, err
	}
	how := n.get("aggregate_function").s
	if how != "" && how != "SUM" && how != "AVERAGE" {
		return nil, errs.New(errs.Unsupported, "the aggregate %s", how)
	}
	return func(in []*tensor) ([]*tensor, error) {
		rows, p := in[0].rows()
		out := &tensor{elem: typeFloat, shape: []int64{int64(rows), int64(k)}, nums: make([]float64, rows*k)}
		for r := range rows {
			row := out.nums[r*k : (r+1)*k]
			if err := e.sum(row, in[0].nums[r*p:(r+1)*p]); err != nil {
				return nil, err
			}
			for c := range row {
				if how == "AVERAGE" {
					row[c] /= float64(len(e.roots))
				}
				if c < len(e.base) {
					row[c] += e.base[c]
				}
			}
			transform(row, e.post)
		}
		return []*tensor{out}, nil
	}, nil
}

func treeClassifier(n *node) (operator, error) {
	k := max(len(n.get("classlabels_int64s").ints), len(n.get("classlabels_strings").strings))
	if k < 2 || len(n.get("classlabels_int64s").ints) > 0 && len(n.get("classlabels_strings").strings) > 0 {
		return nil, invalid("%d classes", k)
	}
	e, err := readEnsemble(n, "class_", "weights", k)
	if err != nil {
		return nil, err
	}
	only, positive := -1, true // with two classes, all weights may be of one
	for _, nd := range e.nodes {
		for _, w := range nd.add {
			if only == -1 {
				only = w.to
			} else if only != w.to {
				only = -2
			}
			positive = positive && w.v >= 0
		}
	}
	single := k == 2 && only >= 0
	return func(in []*tensor) ([]*tensor, error) {
		rows, p := in[0].rows()
		out := &tensor{elem: typeFloat, shape: []int64{int64(rows), int64(k)}, nums: make([]float64, rows*k)}
		classes := make([]int, rows)
		for r := range rows {
			row := out.nums[r*k : (r+1)*k]
			if err := e.sum(row, in[0].nums[r*p:(r+1)*p]); err != nil {
				return nil, err
			}
			if single {
				classes[r] = e.second(row, row[only], positive)
				continue
			}
			for c := range row {
				if c < len(e.base) {
					row[c] += e.base[c]
				}
			}
			classes[r] = argmax(row)
			transform(row, e.post)
		}
		return []*tensor{labels(n, classes), out}, nil
	}, nil
}

// second fills in the scores of two classes from the sum for one of them.
func (e *ensemble) second(row []float64, s float64, positive bool) int {
	if len(e.base) > 0 {
		s += e.base[len(e.base)-1]
	}
	limit := 0.0
	if positive && e.post != "LOGISTIC" {
		limit = 0.5
	}
	switch {
	case e.post == "LOGISTIC":
		row[0], row[1] = sigmoid(-s), sigmoid(s)
	case positive:
		row[0], row[1] = 1-s, s
	default:
		row[0], row[1] = -s, s
	}
	if s > limit {
		return 1
	}
	return 0
}

// labels returns the labels of classes as the node declares them.
func labels(n *node, classes []int) *tensor {
	t, declared := &tensor{elem: typeInt64, shape: []int64{int64(len(classes))}}, n.declared()
	if declared.texts != nil {
		t.elem = typeString
	}
	for _, c := range classes {
		if declared.texts != nil {
			t.strings = append(t.strings, declared.texts[c])
		} else {
			t.nums = append(t.nums, declared.nums[c])
		}
	}
	return t
}

func linearOp(n *node) (operator, error) {
	coef, bias := n.get("coefficients").floats, n.get("intercepts").floats
	classifier := n.op == "LinearClassifier"
	k := int(n.integer("targets", 1))
	if classifier {
		k = max(len(n.get("classlabels_ints").ints), len(n.get("classlabels_strings").strings))
	}
	if k < 1 || len(coef)%k != 0 || len(coef) == 0 || len(bias) != 0 && len(bias) != k {
		return nil, invalid("%d coefficients and %d intercepts for %d outputs", len(coef), len(bias), k)
	}
	if classifier && len(n.get("classlabels_ints").ints) > 0 && len(n.get("classlabels_strings").strings) > 0 {
		return nil, invalid("two lists of labels")
	}
	p := len(coef) / k
	post := n.get("post_transform").s
	return func(in []*tensor) ([]*tensor, error) {
		rows, cols := in[0].rows()
		if cols != p {
			return nil, invalid("it takes %d columns and is given %d", p, cols)
		}
		out := &tensor{elem: typeFloat, shape: []int64{int64(rows), int64(k)}, nums: make([]float64, rows*k)}
		classes := make([]int, rows)
		for r := range rows {
			row := out.nums[r*k : (r+1)*k]
			for c := range k {
				s := float32(0)
				for j := range p {
					s += coef[c*p+j] * float32(in[0].nums[r*p+j])
				}
				if len(bias) > 0 {
					s += bias[c]
				}
				row[c] = float64(s)
			}
			classes[r] = argmax(row)
			transform(row, post)
		}
		if classifier {
			return []*tensor{labels(n, classes), out}, nil
		}
		return []*tensor{out}, nil
	}, nil
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

func argmax(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// transform applies a post_transform to one row.
func transform(row []float64, how string) {
	switch how {
	case "LOGISTIC":
		for c, v := range row {
			row[c] = sigmoid(v)
		}
	case "SOFTMAX", "SOFTMAX_ZERO":
		top, sum := math.Inf(-1), 0.0
		for _, v := range row {
			top = math.Max(top, v)
		}
		for c, v := range row {
			row[c] = math.Exp(v - top)
			if how == "SOFTMAX_ZERO" && v == 0 {
				row[c] = 0
			}
			sum += row[c]
		}
		for c := range row {
			row[c] /= sum
		}
	}
}
