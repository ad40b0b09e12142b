package boosted

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/kernel"
)

// XGBoost reads a model of XGBoost in JSON or UBJSON, as save_model writes it or
// as a pickled Booster holds it. sklearn says that it belongs to XGBClassifier or
// XGBRegressor, whose predictions stop at the best round; files of these say so
// themselves.
func XGBoost(data []byte, sklearn bool) (*Model, error) {
	if len(data) < 2 || data[0] != '{' {
		return nil, invalid("XGBoost: neither JSON nor UBJSON (the old binary format: load and save it again with XGBoost 1.6 to 3.0)")
	}
	var top object
	var err error
	if isJSON(data) {
		top, err = parseJSON(data)
	} else {
		top, err = parseUBJSON(data)
	}
	if err != nil {
		return nil, errs.Wrap(err, "XGBoost")
	}
	if inner := top.at("Model"); inner != nil { // a serialized Booster
		top = inner
	}
	learner := top.at("learner")
	if learner == nil {
		return nil, invalid("XGBoost: there is no learner")
	}
	m, err := xgboost(learner, top.nums("version"), sklearn)
	if err != nil {
		return nil, errs.Wrap(err, "XGBoost")
	}
	return m, nil
}

// isJSON tells JSON from UBJSON, which begins with a brace too.
func isJSON(data []byte) bool {
	rest := bytes.TrimLeft(data[1:], " \n\t\r")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// booster is what is read before the objective is known.
type booster struct {
	trees  []kernel.Tree
	turn   []int     // which output each tree adds to
	weight []float32 // of each tree (dart); nil: 1
	linear []float64 // weights of gblinear, column by column, then the bias
	start  []float32 // raw answer without trees, one an output
	cols   int
	texts  []Text
	codes  []Coded
}

func xgboost(l object, version []float64, sk bool) (*Model, error) {
	p := l.at("learner_model_param")
	k := max(int(p.num("num_class", 0)), 1)
	b := &booster{cols: int(p.num("num_feature", 0))}
	if b.cols < 1 || b.cols > 1<<24 || k > 1<<20 || p.num("num_target", 1) > 1 {
		return nil, errs.New(errs.Unsupported, "%d columns, %d classes and %v targets", b.cols, k, p.num("num_target", 1))
	}
	objective := l.at("objective").str("name")
	if err := b.base(p.str("base_score"), k, objective); err != nil {
		return nil, err
	}
	if err := b.boosters(l.at("gradient_booster")); err != nil {
		return nil, err
	}
	attrs := l.at("attributes")
	sk = sk || attrs.str("scikit_learn") != ""
	if best := attrs.num("best_iteration", -1); sk && best >= 0 {
		b.stop(int(best)+1, k, l)
	}
	m := &Model{cols: b.cols, outputs: k, Library: "XGBoost", Raw: !sk, Texts: b.texts, Codes: b.codes}
	for i, v := range version {
		m.Library += map[bool]string{true: " ", false: "."}[i == 0] + strconv.Itoa(int(v))
	}
	for _, v := range l.list("feature_names") {
		if s, ok := v.(string); ok {
			m.Names = append(m.Names, s)
		}
	}
	if len(m.Names) != b.cols {
		m.Names = nil
	}
	m.raw, m.fast = b.sum, b.fast()
	if err := b.finish(m, objective); err != nil {
		return nil, err
	}
	b.explain(m, k)
	return m, nil
}

// base turns base_score, which is in terms of the answer, into a raw answer.
func (b *booster) base(text string, k int, objective string) error {
	parts := strings.Split(strings.Trim(text, "[] "), ",")
	for c := range k {
		part := parts[0]
		if c < len(parts) {
			part = parts[c]
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil {
			v = 0.5
		}
		s := float32(v)
		switch {
		case objective == "binary:logistic" || objective == "reg:logistic":
			s = -float32(math.Log(float64(1/s - 1)))
		case logLink(objective):
			s = float32(math.Log(float64(s)))
		}
		b.start = append(b.start, s)
	}
	return nil
}

// logLink reports whether answers are exponentials of raw answers.
func logLink(objective string) bool {
	switch objective {
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		return true
	}
	return false
}

func (b *booster) boosters(g object) error {
	name := g.str("name")
	if name == "gblinear" {
		b.linear = g.at("model").nums("weights")
		if len(b.linear) != (b.cols+1)*len(b.start) {
			return invalid("%d weights for %d columns", len(b.linear), b.cols)
		}
		return nil
	}
	if name == "dart" {
		for _, w := range g.nums("weight_drop") {
			b.weight = append(b.weight, float32(w))
		}
		g = g.at("gbtree")
	} else if name != "gbtree" {
		return errs.New(errs.Unsupported, "the booster %q", name)
	}
	model := g.at("model")
	info := model.nums("tree_info")
	list := model.list("trees")
	if len(info) != len(list) || b.weight != nil && len(b.weight) != len(list) {
		return invalid("%d trees and %d entries of tree_info", len(list), len(info))
	}
	var err error
	if b.texts, b.codes, err = xgboostNames(model.at("cats").list("enc"), b.cols); err != nil {
		return err
	}
	for i, v := range list {
		o, _ := v.(object)
		t, err := xgboostTree(o, b.cols)
		if err != nil {
			return errs.Wrap(err, "tree %d", i)
		}
		if info[i] < 0 || int(info[i]) >= len(b.start) {
			return invalid("tree %d adds to class %v of %d", i, info[i], len(b.start))
		}
		b.trees, b.turn = append(b.trees, *t), append(b.turn, int(info[i]))
	}
	return nil
}

// stop drops the trees after the given number of rounds.
func (b *booster) stop(rounds, k int, l object) {
	model := l.at("gradient_booster", "model")
	if b.weight != nil {
		model = l.at("gradient_booster", "gbtree", "model")
	}
	n := rounds * k * max(int(model.at("gbtree_model_param").num("num_parallel_tree", 1)), 1)
	if ends := model.nums("iteration_indptr"); rounds < len(ends) { // since 2.0
		n = int(ends[rounds])
	}
	if n >= 0 && n < len(b.trees) {
		b.trees, b.turn = b.trees[:n], b.turn[:n]
	}
}

func xgboostTree(o object, cols int) (*kernel.Tree, error) {
	if o.at("tree_param").num("size_leaf_vector", 1) > 1 {
		return nil, errs.New(errs.Unsupported, "trees with several outputs")
	}
	left, ok1 := int32s(o.nums("left_children"))
	right, ok2 := int32s(o.nums("right_children"))
	feature, ok3 := int32s(o.nums("split_indices"))
	if !ok1 || !ok2 || !ok3 {
		return nil, invalid("an index that is no whole number")
	}
	cond := o.nums("split_conditions")
	t := &kernel.Tree{Left: left, Right: right, Feature: feature, Threshold: cond, Value: cond, Cover: o.nums("sum_hessian")}
	for _, v := range o.nums("default_left") {
		t.MissingLeft = append(t.MissingLeft, v != 0)
	}
	if err := checkTree(t, cols); err != nil {
		return nil, err
	}
	return t, xgboostCategories(o, t)
}

// xgboostCategories reads the categorical splits: categories in the list go
// right. Kernels want those that go left; see leafOf for values outside the list.
func xgboostCategories(o object, t *kernel.Tree) error {
	nodes, starts, sizes, cats := o.nums("categories_nodes"), o.nums("categories_segments"), o.nums("categories_sizes"), o.nums("categories")
	if len(nodes) != len(starts) || len(nodes) != len(sizes) {
		return invalid("the lists of categories differ in length")
	}
	for i, n := range nodes {
		if n < 0 || int(n) >= len(t.Left) || starts[i] < 0 || sizes[i] < 0 || starts[i]+sizes[i] > float64(len(cats)) {
			return invalid("the categories of node %v lie outside the list", n)
		}
		if t.Category == nil {
			t.Category = make([]kernel.Bitset, len(t.Left))
		}
		set := kernel.Bitset{0}
		for _, c := range cats[int(starts[i]) : int(starts[i])+int(sizes[i])] {
			if c < 0 || c >= 1<<24 {
				return invalid("the category %v", c)
			}
			for int(c)/64 >= len(set) {
				set = append(set, 0)
			}
			set[int(c)/64] |= 1 << (uint(c) % 64)
		}
		t.Category[int(n)] = set
	}
	return nil
}

// leafOf walks a tree: left when float32(x) < threshold, or when the category is
// not in the node's list.
func leafOf(t *kernel.Tree, row []float64) int32 {
	i := int32(0)
	for t.Left[i] >= 0 {
		v := row[t.Feature[i]]
		var left bool
		switch {
		case math.IsNaN(v):
			left = t.MissingLeft[i]
		case t.Category != nil && t.Category[i] != nil:
			left = v < 0 || !t.Category[i].Has(v)
		default:
			left = float32(v) < float32(t.Threshold[i])
		}
		if left {
			i = t.Left[i]
		} else {
			i = t.Right[i]
		}
	}
	return i
}

// sum writes the raw answers of a row, added in float32 in the order of the
// trees.
func (b *booster) sum(dst, row []float64) {
	if b.linear != nil {
		k := len(b.start)
		for c := range k {
			s := b.start[0] + float32(b.linear[b.cols*k+c]) // the first start goes to every class
			for j, v := range row {
				if !math.IsNaN(v) {
					s += float32(v) * float32(b.linear[j*k+c])
				}
			}
			dst[c] = float64(s)
		}
		return
	}
	var few [16]float32
	acc := few[:0]
	acc = append(acc, b.start...)
	for i := range b.trees {
		t := &b.trees[i]
		v := float32(t.Value[leafOf(t, row)])
		if b.weight != nil {
			v *= b.weight[i]
		}
		acc[b.turn[i]] += v
	}
	for c, v := range acc {
		dst[c] = float64(v)
	}
}

// finish sets classes and answers by the objective.
func (b *booster) finish(m *Model, objective string) error {
	single := func(f func(float64) float64) func(dst, raw []float64) {
		return func(dst, raw []float64) { dst[0] = f(raw[0]) }
	}
	switch {
	case objective == "binary:logistic" || objective == "binary:logitraw" || objective == "binary:hinge":
		m.classes, m.LabelType = counted(2), "long"
		m.answer = func(dst, raw []float64) {
			q := float32(1 / (1 + math.Exp(-raw[0])))
			switch {
			case objective == "binary:logitraw": // the answer is the raw one, also where a probability is asked for
				q = float32(raw[0])
			case objective == "binary:hinge" && raw[0] > 0:
				q = 1
			case objective == "binary:hinge":
				q = 0
			}
			dst[0], dst[1] = float64(1-q), float64(q)
		}
	case strings.HasPrefix(objective, "multi:soft"):
		m.classes, m.LabelType, m.Label = counted(m.outputs), "long", objective == "multi:softmax"
		m.answer = func(dst, raw []float64) {
			softmax(dst, raw)
			for c := range dst {
				dst[c] = float64(float32(dst[c]))
			}
		}
	case logLink(objective):
		m.answer = single(func(v float64) float64 { return float64(float32(math.Exp(v))) })
	case objective == "reg:logistic":
		m.answer = single(func(v float64) float64 { return float64(float32(sigmoid(v))) })
	case strings.HasPrefix(objective, "reg:") || strings.HasPrefix(objective, "rank:"):
		m.answer = single(func(v float64) float64 { return v })
	default:
		return errs.New(errs.Unsupported, "the objective %q", objective)
	}
	if m.classes == nil && m.outputs > 1 {
		return errs.New(errs.Unsupported, "several outputs")
	}
	return nil
}

// explain prepares Shapley values of the last output, where trees have numeric
// splits only and covers.
func (b *booster) explain(m *Model, k int) {
	if b.linear != nil || b.weight != nil {
		return
	}
	e := &kernel.Ensemble{Features: b.cols, Outputs: 1, Compare: kernel.Less32}
	for i := range b.trees {
		t := b.trees[i]
		if b.turn[i] != k-1 {
			continue
		}
		if t.Category != nil || len(t.Cover) != len(t.Left) {
			return
		}
		e.Trees = append(e.Trees, t)
	}
	if len(e.Trees) > 0 {
		m.explain, m.base = e, float64(b.start[k-1])
	}
}
