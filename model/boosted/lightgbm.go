package boosted

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/kernel"
)

// lgbTree is one tree of LightGBM: inner nodes and leaves apart, a child below
// zero being leaf ^child.
type lgbTree struct {
	left, right, feature []int32
	threshold            []float64
	decision             []uint8 // bit 0: categories, bit 1: missing goes left, bits 2-3: what is missing (1: zero, 2: NaN)
	leaf                 []float64
	bounds               []int32
	sets                 []uint32
	linear               []lgbLinear // nil: leaves are constants
	cover, leafCover     []float64
}

// lgbLinear is a linear function at a leaf.
type lgbLinear struct {
	start float64
	cols  []int32
	coef  []float64
}

// LightGBM reads a model in LightGBM's text format, versions 2 to 4. Above zero,
// rounds is how many rounds count.
func LightGBM(data []byte, rounds int) (*Model, error) {
	m, err := lightgbm(data, rounds)
	if err != nil {
		return nil, errs.Wrap(err, "LightGBM")
	}
	return m, nil
}

// block is one run of key=value lines.
type block map[string]string

func (b block) ints(key string) []int32 {
	var out []int32
	for _, s := range strings.Fields(b[key]) {
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil
		}
		out = append(out, int32(v))
	}
	return out
}

func (b block) floats(key string) []float64 {
	var out []float64
	for _, s := range strings.Fields(b[key]) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(v, 0) {
			return nil
		}
		out = append(out, v)
	}
	return out
}

func (b block) int(key string, fallback int) int {
	if v, err := strconv.Atoi(strings.TrimSpace(b[key])); err == nil {
		return v
	}
	return fallback
}

// blocks splits a file into its header, its trees, and what follows them; whole
// says that the line after the last tree was there.
func blocks(data []byte) (head block, trees []block, tail string, whole bool) {
	head = block{}
	at := head
	for len(data) > 0 {
		line := data
		if n := bytes.IndexByte(data, '\n'); n >= 0 {
			line, data = data[:n], data[n+1:]
		} else {
			data = nil
		}
		s := strings.TrimRight(string(line), "\r")
		if s == "end of trees" {
			return head, trees, string(data), true
		}
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			at[s] = "1"
			continue
		}
		if key == "Tree" {
			at = block{}
			trees = append(trees, at)
		}
		at[key] = value
	}
	return head, trees, "", false
}

func lightgbm(data []byte, limit int) (*Model, error) {
	head, list, tail, whole := blocks(data)
	if !whole {
		return nil, invalid("the file ends before the line \"end of trees\": it is not whole")
	}
	m := &Model{Library: "LightGBM", Raw: true, cols: head.int("max_feature_idx", -1) + 1, outputs: head.int("num_tree_per_iteration", 1)}
	if m.cols < 1 || m.cols > 1<<24 || m.outputs < 1 || m.outputs > 1<<20 || len(list)%m.outputs != 0 {
		return nil, invalid("%d columns, %d trees an iteration, %d trees", m.cols, m.outputs, len(list))
	}
	if names := strings.Fields(head["feature_names"]); len(names) == m.cols && names[0] != "Column_0" {
		m.Names = names
	}
	if limit > 0 && limit*m.outputs < len(list) {
		list = list[:limit*m.outputs]
	}
	trees := make([]lgbTree, len(list))
	for i, b := range list {
		if err := trees[i].read(b, m.cols); err != nil {
			return nil, errs.Wrap(err, "tree %d", i)
		}
	}
	rounds := float64(len(trees) / m.outputs)
	average := head["average_output"] != ""
	m.raw = func(dst, row []float64) {
		clear(dst)
		for i := range trees {
			dst[i%m.outputs] += trees[i].value(row)
		}
		if average {
			for c := range dst {
				dst[c] /= rounds
			}
		}
	}
	if err := m.lgbObjective(head["objective"]); err != nil {
		return nil, err
	}
	if err := m.lgbCategories(head, tail); err != nil {
		return nil, err
	}
	m.lgbKernels(trees, average, rounds)
	return m, nil
}

func (t *lgbTree) read(b block, cols int) error {
	n := b.int("num_leaves", 0)
	t.leaf = b.floats("leaf_value")
	if n < 1 || len(t.leaf) != n {
		return invalid("%d leaves and %d values", n, len(t.leaf))
	}
	t.left, t.right, t.feature = b.ints("left_child"), b.ints("right_child"), b.ints("split_feature")
	t.threshold = b.floats("threshold")
	for _, d := range b.ints("decision_type") {
		t.decision = append(t.decision, uint8(d))
	}
	if n > 1 && (len(t.left) != n-1 || len(t.right) != n-1 || len(t.feature) != n-1 || len(t.threshold) != n-1 || len(t.decision) != n-1) {
		return invalid("%d leaves need %d splits", n, n-1)
	}
	t.bounds = b.ints("cat_boundaries")
	for _, f := range b.floats("cat_threshold") {
		t.sets = append(t.sets, uint32(f))
	}
	t.cover, t.leafCover = b.floats("internal_count"), b.floats("leaf_count")
	for i := range len(t.left) {
		for _, c := range []int32{t.left[i], t.right[i]} {
			if c >= 0 && (int(c) <= i || int(c) >= n-1) || c < 0 && int(^c) >= n {
				return invalid("split %d has the child %d", i, c)
			}
		}
		if f := int(t.feature[i]); f < 0 || f >= cols {
			return invalid("split %d tests column %d of %d", i, f, cols)
		}
		if t.decision[i]&1 != 0 {
			k := int(t.threshold[i])
			if k < 0 || k+1 >= len(t.bounds) || t.bounds[k] < 0 || t.bounds[k] > t.bounds[k+1] || int(t.bounds[k+1]) > len(t.sets) {
				return invalid("split %d has no categories", i)
			}
		}
	}
	if b.int("is_linear", 0) == 1 {
		return t.readLinear(b, n, cols)
	}
	return nil
}

func (t *lgbTree) readLinear(b block, n, cols int) error {
	start, counts := b.floats("leaf_const"), b.ints("num_features")
	features, coef := b.ints("leaf_features"), b.floats("leaf_coeff")
	if len(start) != n || len(counts) != n || len(features) != len(coef) {
		return invalid("the linear functions of %d leaves do not fit", n)
	}
	at := 0
	for i := range n {
		end := at + int(counts[i])
		if counts[i] < 0 || end > len(coef) {
			return invalid("leaf %d has %d columns", i, counts[i])
		}
		for _, f := range features[at:end] {
			if f < 0 || int(f) >= cols {
				return invalid("leaf %d uses column %d of %d", i, f, cols)
			}
		}
		t.linear = append(t.linear, lgbLinear{start[i], features[at:end], coef[at:end]})
		at = end
	}
	return nil
}

// value returns what the tree adds for a row.
func (t *lgbTree) value(row []float64) float64 {
	leaf := t.walk(row)
	if t.linear == nil {
		return t.leaf[leaf]
	}
	l := &t.linear[leaf]
	s := l.start
	for i, c := range l.cols {
		if math.IsNaN(row[c]) || math.IsInf(row[c], 0) {
			return t.leaf[leaf]
		}
		s += l.coef[i] * row[c]
	}
	return s
}

func (t *lgbTree) walk(row []float64) int {
	if len(t.left) == 0 {
		return 0
	}
	i := int32(0)
	for i >= 0 {
		if t.goesLeft(i, row[t.feature[i]]) {
			i = t.left[i]
		} else {
			i = t.right[i]
		}
	}
	return int(^i)
}

// goesLeft decides at inner node i. Zero is everything within 1e-35 of it.
func (t *lgbTree) goesLeft(i int32, v float64) bool {
	d := t.decision[i]
	missing := d >> 2 & 3
	if d&1 != 0 {
		if math.IsNaN(v) || v <= -1 || v >= 1<<31 {
			return false
		}
		k := int(t.threshold[i])
		set, c := t.sets[t.bounds[k]:t.bounds[k+1]], int(v)
		return c/32 < len(set) && set[c/32]>>(c%32)&1 != 0
	}
	if math.IsNaN(v) && missing != 2 {
		v = 0
	}
	if missing == 1 && math.Abs(v) <= float64(float32(1e-35)) || missing == 2 && math.IsNaN(v) {
		return d&2 != 0
	}
	return v <= t.threshold[i]
}

// lgbObjective sets classes and answers by the objective line: its name, then
// key:value words.
func (m *Model) lgbObjective(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		words = []string{"regression"}
	}
	scale, root := 1.0, false
	for _, w := range words[1:] {
		if v, ok := strings.CutPrefix(w, "sigmoid:"); ok {
			scale, _ = strconv.ParseFloat(v, 64)
		}
		root = root || w == "sqrt"
	}
	switch name := words[0]; name {
	case "binary":
		m.classes, m.LabelType = counted(2), "long"
		m.answer = func(dst, raw []float64) {
			dst[1] = sigmoid(scale * raw[0])
			dst[0] = 1 - dst[1]
		}
	case "multiclass":
		m.classes, m.LabelType, m.answer = counted(m.outputs), "long", softmax
	case "multiclassova":
		m.classes, m.LabelType = counted(m.outputs), "long"
		m.answer = func(dst, raw []float64) {
			for c, v := range raw {
				dst[c] = sigmoid(scale * v)
			}
		}
	case "poisson", "gamma", "tweedie":
		m.answer = func(dst, raw []float64) { dst[0] = math.Exp(raw[0]) }
	case "cross_entropy":
		m.answer = func(dst, raw []float64) { dst[0] = sigmoid(raw[0]) }
	case "cross_entropy_lambda":
		m.answer = func(dst, raw []float64) { dst[0] = math.Log1p(math.Exp(raw[0])) }
	case "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom", "none":
		m.answer = func(dst, raw []float64) {
			dst[0] = raw[0]
			if root {
				dst[0] = math.Copysign(raw[0]*raw[0], raw[0])
			}
		}
	default:
		return errs.New(errs.Unsupported, "the objective %q", name)
	}
	if m.classes == nil && m.outputs > 1 {
		return errs.New(errs.Unsupported, "several outputs")
	}
	return nil
}

// lgbKernels prepares Shapley values and fast sums where kernels walk the trees alike.
func (m *Model) lgbKernels(trees []lgbTree, average bool, rounds float64) {
	all := &kernel.Ensemble{Features: m.cols, Outputs: 1, Turns: m.outputs, Compare: kernel.LessEqual64}
	last := &kernel.Ensemble{Features: m.cols, Outputs: 1, Compare: kernel.LessEqual64}
	covered := true
	for i := range trees {
		t := &trees[i]
		k, ok := t.kernel()
		if !ok {
			return
		}
		all.Trees = append(all.Trees, k)
		if i%m.outputs == m.outputs-1 {
			last.Trees = append(last.Trees, k)
			covered = covered && k.Cover != nil
		}
	}
	m.fast = &fast{ensemble: all}
	if average {
		m.divide = rounds
	}
	if !covered {
		return
	}
	m.explain = last
	if average {
		m.scale = 1 / rounds
	}
}

// kernel returns the tree as kernels take it, leaves behind the inner nodes, and
// without Cover where the file has none; ok is false unless splits are numeric and
// nothing is missing but NaN.
func (t *lgbTree) kernel() (k kernel.Tree, ok bool) {
	n := len(t.left)
	if t.linear != nil {
		return k, false
	}
	for j := range n {
		d := t.decision[j]
		if d&1 != 0 || d>>2&3 == 1 {
			return k, false
		}
		left := d&2 != 0
		if d>>2&3 == 0 { // NaN counts as zero
			left = 0 <= t.threshold[j]
		}
		k.Left, k.Right = append(k.Left, child(t.left[j], n)), append(k.Right, child(t.right[j], n))
		k.Feature, k.Threshold, k.MissingLeft = append(k.Feature, t.feature[j]), append(k.Threshold, t.threshold[j]), append(k.MissingLeft, left)
		k.Value = append(k.Value, 0)
	}
	for _, v := range t.leaf {
		k.Left, k.Right, k.Feature = append(k.Left, -1), append(k.Right, -1), append(k.Feature, 0)
		k.Threshold, k.Value, k.MissingLeft = append(k.Threshold, 0), append(k.Value, v), append(k.MissingLeft, false)
	}
	if len(t.cover) == n && len(t.leafCover) == len(t.leaf) {
		k.Cover = slices.Concat(t.cover, t.leafCover)
		if n == 0 {
			k.Cover[0] = 1
		}
	}
	return k, true
}

// child returns the node of a child, leaves following the n inner nodes.
func child(c int32, n int) int32 {
	if c < 0 {
		return int32(n) + ^c
	}
	return c
}
