package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/tree/kernel"
)

// histogram is HistGradientBoosting: trees over float64 columns, with missing
// values and categories.
type histogram struct {
	cols    int
	before  Transformer // encodes categories and puts their columns first; nil: none
	start   []float64   // raw answer without trees, one an output
	trees   [][]histTree
	known   map[int][]uint32 // categories seen in training, by column
	labels  []float64
	inverse func(float64) float64 // raw value to answer, of a regressor
	paths   kernel.Paths          // prepared by the first Explain
}

// histTree is one tree; node i is a leaf when left[i] is -1.
type histTree struct {
	left, right, feature []int32
	missingLeft          []bool
	threshold, value     []float64
	count                []float64  // training rows of each node; nil when they are not kept
	category             [][]uint32 // bits of the categories that go left; nil: a threshold
}

// Features returns the number of columns a row must have.
func (m *histogram) Features() int {
	if m.before != nil {
		return m.before.In()
	}
	return m.cols
}

// Classes returns the class labels, or nil.
func (m *histogram) Classes() []float64 { return m.labels }

// Width returns the number of raw answers a row.
func (m *histogram) Width() int { return len(m.start) }

// Margins writes the raw answers of each row.
func (m *histogram) Margins(dst, x []float64) {
	if m.before != nil {
		next := make([]float64, len(x)/m.before.In()*m.before.Out())
		m.before.Apply(next, x)
		x = next
	}
	k := len(m.start)
	for r := range len(x) / m.cols {
		row, out := x[r*m.cols:(r+1)*m.cols], dst[r*k:(r+1)*k]
		copy(out, m.start)
		for _, round := range m.trees {
			for c := range round {
				out[c] += m.leaf(&round[c], row)
			}
		}
	}
}

func (m *histogram) leaf(t *histTree, row []float64) float64 {
	i := int32(0)
	for t.left[i] >= 0 {
		v := row[t.feature[i]]
		left := v <= t.threshold[i]
		switch {
		case math.IsNaN(v):
			left = t.missingLeft[i]
		case t.category[i] != nil:
			left = t.missingLeft[i]
			if in(t.category[i], v) {
				left = true
			} else if in(m.known[int(t.feature[i])], v) {
				left = false
			}
		}
		if left {
			i = t.left[i]
		} else {
			i = t.right[i]
		}
	}
	return t.value[i]
}

// in reports whether category v is in the set. Values of 256 and more meet the
// set as their lowest byte, and those beyond 32 bits as 0, as they do in the
// library.
func in(bits []uint32, v float64) bool {
	if v < 0 || len(bits) < 8 {
		return false
	}
	k := uint8(0)
	if v < 1<<31 {
		k = uint8(int32(v))
	}
	return bits[k/32]>>(k%32)&1 != 0
}

// Scores writes class probabilities or values.
func (m *histogram) Scores(dst, x []float64) {
	k := len(m.start)
	switch {
	case m.labels == nil:
		m.Margins(dst, x)
		for i := range len(x) / m.Features() {
			dst[i] = m.inverse(dst[i])
		}
	case k == 1:
		z := make([]float64, len(x)/m.Features())
		m.Margins(z, x)
		binary(dst, z, 1)
	default:
		m.Margins(dst, x)
		softmax(dst[:len(x)/m.Features()*k], k)
	}
}

// Decide predicts by the raw answers; see model.Decider.
func (m *histogram) Decide(dst []int, _, x []float64) {
	z := make([]float64, len(dst)*len(m.start))
	m.Margins(z, x)
	fromMargins(dst, z, len(m.start), false)
}

// histClassifier reads HistGradientBoostingClassifier.
func histClassifier(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	return b.histogram(n, labels, depth)
}

// histRegressor reads HistGradientBoostingRegressor.
func histRegressor(b *builder, n node, depth int) (any, error) { return b.histogram(n, nil, depth) }

func (b *builder) histogram(n node, labels []float64, depth int) (any, error) {
	m := &histogram{cols: n.features(), labels: labels, inverse: func(v float64) float64 { return v }, known: map[int][]uint32{}}
	if loss := n.text("loss", ""); loss == "poisson" || loss == "gamma" {
		m.inverse = math.Exp
	}
	if m.cols == 0 {
		m.cols = int(n.float("_n_features", 0))
	}
	var err error
	if m.start, _, err = n.floats("_baseline_prediction"); err != nil {
		return nil, err
	}
	if len(m.start) == 0 || labels != nil && len(m.start) != len(labels) && (len(m.start) != 1 || len(labels) != 2) || labels == nil && len(m.start) != 1 {
		return nil, n.bad("%d raw answers for %d classes", len(m.start), len(labels))
	}
	if n.has("_preprocessor") {
		v, _ := n.o.Attr("_preprocessor")
		if m.before, err = b.transformer(v, depth); err != nil {
			return nil, err
		}
		m.cols = m.before.Out()
	}
	if err := m.readKnown(n); err != nil {
		return nil, err
	}
	rounds, err := n.items("_predictors")
	if err != nil {
		return nil, err
	}
	for _, item := range rounds {
		round, err := itemsOf(item)
		if err != nil {
			return nil, err
		}
		if len(round) != len(m.start) {
			return nil, n.bad("%d trees in a round of %d", len(round), len(m.start))
		}
		var trees []histTree
		for _, p := range round {
			o, ok := p.(*pickle.Object)
			if !ok {
				return nil, n.bad("a tree is %s", pickle.Describe(p))
			}
			t, err := readHistTree(node{o, n.path}, m.cols)
			if err != nil {
				return nil, err
			}
			trees = append(trees, *t)
		}
		m.trees = append(m.trees, trees)
	}
	return m, nil
}

// readKnown reads which categories of each categorical column were seen.
func (m *histogram) readKnown(n node) error {
	mapper, err := n.object("_bin_mapper")
	if err != nil {
		return nil // versions without categories have no need of it
	}
	if !mapper.has("is_categorical_") {
		return nil
	}
	which, _, err := mapper.floats("is_categorical_")
	if err != nil {
		return err
	}
	lists, err := mapper.items("bin_thresholds_")
	if err != nil {
		return err
	}
	for j, flag := range which {
		if flag == 0 || j >= len(lists) {
			continue
		}
		a, ok := lists[j].(*pickle.Array)
		if !ok {
			return n.bad("the categories of column %d are %s", j, pickle.Describe(lists[j]))
		}
		values, err := a.Floats()
		if err != nil {
			return err
		}
		bits := make([]uint32, 8)
		for _, v := range values {
			if v >= 0 && v < 256 {
				bits[uint(v)/32] |= 1 << (uint(v) % 32)
			}
		}
		m.known[j] = bits
	}
	return nil
}

// readHistTree reads a TreePredictor, its node fields by name.
func readHistTree(n node, cols int) (*histTree, error) {
	nodes, err := n.array("nodes")
	if err != nil {
		return nil, err
	}
	k := nodes.Len()
	t := &histTree{
		left: make([]int32, k), right: make([]int32, k), feature: make([]int32, k), missingLeft: make([]bool, k),
		threshold: make([]float64, k), value: make([]float64, k), category: make([][]uint32, k),
	}
	leaf, missing, categorical, at := make([]int32, k), make([]int32, k), make([]int32, k), make([]int32, k)
	name := "num_threshold"
	if !pickle.Column(nodes, name, t.threshold) {
		name = "threshold" // before 0.24
	}
	if k == 0 || !pickle.Column(nodes, "left", t.left) || !pickle.Column(nodes, "right", t.right) ||
		!pickle.Column(nodes, "feature_idx", t.feature) || !pickle.Column(nodes, name, t.threshold) ||
		!pickle.Column(nodes, "value", t.value) || !pickle.Column(nodes, "is_leaf", leaf) || !pickle.Column(nodes, "missing_go_to_left", missing) {
		return nil, n.bad("the node records lack a field, or hold what is no index")
	}
	if count := make([]float64, k); pickle.Column(nodes, "count", count) {
		t.count = count
	}
	var bits []float64
	if pickle.Column(nodes, "is_categorical", categorical) && pickle.Column(nodes, "bitset_idx", at) {
		bits, _, _ = n.floats("raw_left_cat_bitsets")
	}
	for i := range k {
		t.missingLeft[i] = missing[i] != 0
		if leaf[i] != 0 {
			t.left[i] = -1
			continue
		}
		if l, r := int(t.left[i]), int(t.right[i]); l <= i || r <= i || l >= k || r >= k {
			return nil, n.bad("node %d has the children %d and %d of %d", i, l, r, k)
		}
		if f := int(t.feature[i]); f < 0 || f >= cols {
			return nil, n.bad("node %d tests column %d of %d", i, f, cols)
		}
		if categorical[i] != 0 {
			from := int(at[i]) * 8
			if from < 0 || from+8 > len(bits) {
				return nil, n.bad("node %d has no set of categories", i)
			}
			t.category[i] = make([]uint32, 8)
			for w := range 8 {
				t.category[i][w] = uint32(bits[from+w])
			}
		}
	}
	return t, nil
}
