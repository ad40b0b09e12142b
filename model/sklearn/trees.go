package sklearn

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/tree"
)

// treeClassifier reads DecisionTreeClassifier and ExtraTreeClassifier.
func treeClassifier(b *builder, n node, depth int) (any, error) {
	return b.forest(n, []any{n.o}, true)
}

func treeRegressor(b *builder, n node, depth int) (any, error) {
	return b.forest(n, []any{n.o}, false)
}

// forestClassifier reads RandomForestClassifier and ExtraTreesClassifier.
func forestClassifier(b *builder, n node, depth int) (any, error) {
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	return b.forest(n, items, true)
}

func forestRegressor(b *builder, n node, depth int) (any, error) {
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	return b.forest(n, items, false)
}

// forest joins trees, whose answers are averaged.
func (b *builder) forest(n node, items []any, classifier bool) (*tree.Forest, error) {
	f := &tree.Forest{NumInput: n.features()}
	if n.float("n_outputs_", 1) != 1 {
		return nil, n.bad("several outputs are not supported")
	}
	if classifier {
		labels, err := n.classLabels()
		if err != nil {
			return nil, err
		}
		f.Labels = labels
	}
	if len(items) == 0 {
		return nil, n.bad("it has no trees")
	}
	f.Trees = make([]*tree.Tree, len(items))
	for i, item := range items {
		o, ok := item.(*pickle.Object)
		if !ok {
			return nil, n.bad("tree %d is %s", i, pickle.Describe(item))
		}
		t, cols, err := b.tree(node{o, n.path}, max(len(f.Labels), 1), classifier)
		if err != nil {
			return nil, n.bad("tree %d: %w", i, err)
		}
		if f.NumInput == 0 {
			f.NumInput = cols
		}
		f.Trees[i] = t
	}
	return f, f.Check()
}

// tree reads the tree_ of a decision tree of k classes, or of a regressor (k is
// 1).
func (b *builder) tree(n node, k int, classifier bool) (t *tree.Tree, features int, err error) {
	inner, err := n.object("tree_")
	if err != nil {
		return nil, 0, err
	}
	if inner.o.Class.Name != "Tree" {
		return nil, 0, n.bad("tree_ is %s", inner.o.Class)
	}
	if len(inner.o.Args) > 0 {
		if v, ok := pickle.Float(inner.o.Args[0]); ok && v >= 1 && v < 1<<24 {
			features = int(v)
		}
	}
	nodes, err := inner.array("nodes")
	if err != nil {
		return nil, 0, err
	}
	count := nodes.Len()
	values, shape, err := inner.floats("values")
	if err != nil {
		return nil, 0, err
	}
	if len(shape) != 3 || shape[0] < count || shape[1] != 1 || shape[2] != k {
		return nil, 0, n.bad("values have the shape %v for %d nodes and %d classes", shape, count, k)
	}
	t = &tree.Tree{Outputs: k, Value: values[:count*k]}
	if err := fillNodes(t, nodes, count); err != nil {
		return nil, 0, n.bad("%w", err)
	}
	if classifier && b.counts(t) {
		fractions(t)
	}
	return t, features, nil
}

// fillNodes fills the arrays of t from the fields of the node records, found by name.
func fillNodes(t *tree.Tree, nodes *pickle.Array, n int) error {
	t.Left, t.Right, t.Feature = make([]int32, n), make([]int32, n), make([]int32, n)
	t.Threshold, t.Impurity, t.Weight, t.Samples = make([]float64, n), make([]float64, n), make([]float64, n), make([]int64, n)
	scratch := make([]int32, n)
	if pickle.Column(nodes, "missing_go_to_left", scratch) {
		t.MissingLeft = make([]bool, n)
		for i, v := range scratch {
			t.MissingLeft[i] = v != 0
		}
	}
	if pickle.Column(nodes, "left_child", t.Left) && pickle.Column(nodes, "right_child", t.Right) &&
		pickle.Column(nodes, "feature", t.Feature) && pickle.Column(nodes, "threshold", t.Threshold) &&
		pickle.Column(nodes, "impurity", t.Impurity) && pickle.Column(nodes, "n_node_samples", t.Samples) &&
		pickle.Column(nodes, "weighted_n_node_samples", t.Weight) {
		return nil
	}
	return errs.New(errs.Invalid, "the node records lack a field, or hold what is no index")
}

// counts reports whether the values of a classifier's tree are weights of
// classes, as up to scikit-learn 1.3, not fractions.
func (b *builder) counts(t *tree.Tree) bool {
	if b.major >= 0 {
		return !b.atLeast(1, 4)
	}
	sum := npSum(t.Value[:t.Outputs])
	return sum < 1-1e-6 || sum > 1+1e-6
}

// fractions divides the class weights of each node by their sum.
func fractions(t *tree.Tree) {
	k := t.Outputs
	for i := range len(t.Left) {
		v := t.Value[i*k : (i+1)*k]
		sum := npSum(v)
		if sum == 0 {
			continue
		}
		for c := range v {
			v[c] /= sum
		}
	}
}

// npSum adds numbers in the order in which NumPy adds a contiguous row.
func npSum(v []float64) float64 {
	n := len(v)
	switch {
	case n < 8:
		s := 0.0
		for _, x := range v {
			s += x
		}
		return s
	case n <= 128:
		var r [8]float64
		copy(r[:], v)
		i := 8
		for ; i+8 <= n; i += 8 {
			for k := range r {
				r[k] += v[i+k]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			s += v[i]
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return npSum(v[:half]) + npSum(v[half:])
}
