package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/model/pickle"
	"github.com/drivecast/drivecast/tree"
)

// isolation is IsolationForest: class -1 is an outlier, 1 an inlier.
type isolation struct {
	cols   int
	trees  []isolationTree
	path   float64 // average path length of the sample size
	offset float64
}

type isolationTree struct {
	t     *tree.Tree
	cols  []int
	depth []float64 // of each node: nodes on the path, the root included, and the average path below, less one
}

// Features returns the number of columns a row must have.
func (m *isolation) Features() int { return m.cols }

// Classes returns -1 and 1.
func (m *isolation) Classes() []float64 { return []float64{-1, 1} }

// Width returns 1.
func (m *isolation) Width() int { return 1 }

// Margins writes the decision function of each row: below zero is an outlier.
func (m *isolation) Margins(dst, x []float64) {
	for r := range len(x) / m.cols {
		row := x[r*m.cols : (r+1)*m.cols]
		depth := 0.0
		for i := range m.trees {
			t := &m.trees[i]
			seen := row
			if t.cols != nil {
				seen = make([]float64, len(t.cols))
				for j, c := range t.cols {
					seen[j] = row[c]
				}
			}
			depth += t.depth[t.t.Leaf(seen)]
		}
		ratio, total := 1.0, float64(len(m.trees))*m.path
		if total != 0 {
			ratio = depth / total
		}
		dst[r] = -math.Exp2(-ratio) - m.offset
	}
}

// Scores writes 1 for the predicted class of each row: an isolation forest has
// no probabilities.
func (m *isolation) Scores(dst, x []float64) {
	classes := make([]int, len(x)/m.cols)
	m.Decide(classes, nil, x)
	votes(dst, classes, 2)
}

// Decide predicts by the margins; see model.Decider.
func (m *isolation) Decide(dst []int, _, x []float64) {
	z := make([]float64, len(dst))
	m.Margins(z, x)
	for r, v := range z {
		dst[r] = 1
		if v < 0 {
			dst[r] = 0
		}
	}
}

// averagePath is the average path length of an unsuccessful search in a binary
// tree of n values (Liu, Ting and Zhou, Isolation Forest, 2008).
func averagePath(n float64) float64 {
	const euler = 0.5772156649015329
	switch {
	case n <= 1:
		return 0
	case n == 2:
		return 1
	}
	return 2*(math.Log(n-1)+euler) - 2*(n-1)/n
}

// isolationForest reads IsolationForest.
func isolationForest(b *builder, n node, depth int) (any, error) {
	items, err := n.items("estimators_")
	if err != nil {
		return nil, err
	}
	subsets, err := n.items("estimators_features_")
	if err != nil {
		return nil, err
	}
	sample := n.float("_max_samples", n.float("max_samples_", 0))
	m := &isolation{cols: n.features(), offset: n.float("offset_", -0.5), path: averagePath(sample)}
	if m.cols == 0 || len(items) == 0 || len(items) != len(subsets) {
		return nil, n.bad("%d trees and %d lists of columns", len(items), len(subsets))
	}
	for i, item := range items {
		o, ok := item.(*pickle.Object)
		if !ok {
			return nil, n.bad("tree %d is %s", i, pickle.Describe(item))
		}
		cols, err := columnsOf(subsets[i], m.cols)
		if err != nil {
			return nil, err
		}
		t, _, err := b.tree(node{o, n.path}, 1, false)
		if err != nil {
			return nil, err
		}
		if err := t.Check(len(cols)); err != nil {
			return nil, err
		}
		if whole(cols, m.cols) {
			cols = nil
		}
		m.trees = append(m.trees, isolationTree{t, cols, depths(t)})
	}
	return m, nil
}

func depths(t *tree.Tree) []float64 {
	level := make([]float64, len(t.Left))
	level[0] = 1
	for i := range t.Left {
		if t.Left[i] >= 0 {
			level[t.Left[i]], level[t.Right[i]] = level[i]+1, level[i]+1
		}
	}
	for i := range level {
		level[i] = level[i] + averagePath(float64(t.Samples[i])) - 1
	}
	return level
}
