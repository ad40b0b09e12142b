package tree

import (
	"context"
	"math"
)

// branch is a node that waits to be made: rows lo to hi of the finder's order.
type branch struct {
	lo, hi, depth int
	parent        int32
	left          bool
	impurity      float64
	constants     int
}

// Impurities up to this are pure.
const pure = 0x1p-52

// depthFirst grows the tree, left before right. It stops early when ctx ends.
func (g *grower) depthFirst(ctx context.Context, t *Tree, rows int) {
	stack := []branch{{hi: rows, parent: -1}}
	for len(stack) > 0 && ctx.Err() == nil {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		id, s, constants := g.makeNode(t, b)
		if s.pos >= b.hi-b.lo {
			continue
		}
		mid := b.lo + s.pos
		stack = append(stack,
			branch{lo: mid, hi: b.hi, depth: b.depth + 1, parent: id, impurity: s.right, constants: constants},
			branch{lo: b.lo, hi: mid, depth: b.depth + 1, parent: id, left: true, impurity: s.left, constants: constants})
	}
}

// makeNode adds one node and returns its index, its split, and the number of
// columns that are constant below it. A leaf's split puts every row left.
func (g *grower) makeNode(t *Tree, b branch) (id int32, s split, constants int) {
	n := b.hi - b.lo
	weight := g.node(b.lo, b.hi)
	if b.parent < 0 {
		b.impurity = g.impurity()
	}
	id = t.add(b, n, weight)
	g.value(t.Value[int(id)*g.outputs:][:g.outputs])
	leaf := split{pos: n, left: b.impurity, right: b.impurity}
	if b.depth >= g.maxDepth || n < g.minSplit || weight < 2*g.limits.minWeight || b.impurity <= pure {
		return id, leaf, b.constants
	}
	s, constants = g.split(b.impurity, b.constants)
	if s.pos >= n || s.improvement+pure < g.minGain {
		return id, leaf, constants
	}
	t.Feature[id], t.Threshold[id], t.MissingLeft[id] = int32(s.feature), s.threshold, s.missingLeft
	return id, s, constants
}

// newTree returns a tree without nodes that has room for some.
func newTree(outputs, nodes int) *Tree {
	return &Tree{Outputs: outputs, Left: make([]int32, 0, nodes), Right: make([]int32, 0, nodes), Feature: make([]int32, 0, nodes),
		Threshold: make([]float64, 0, nodes), MissingLeft: make([]bool, 0, nodes), Impurity: make([]float64, 0, nodes),
		Samples: make([]int64, 0, nodes), Weight: make([]float64, 0, nodes), Value: make([]float64, 0, nodes*outputs)}
}

// add appends a leaf, which is what a node is until it is split, and returns its
// index.
func (t *Tree) add(b branch, samples int, weight float64) int32 {
	id := int32(len(t.Left))
	t.Left = append(t.Left, -1)
	t.Right = append(t.Right, -1)
	t.Feature = append(t.Feature, -2)
	t.Threshold = append(t.Threshold, -2)
	t.MissingLeft = append(t.MissingLeft, false)
	t.Impurity = append(t.Impurity, b.impurity)
	t.Samples = append(t.Samples, int64(samples))
	t.Weight = append(t.Weight, weight)
	for range t.Outputs {
		t.Value = append(t.Value, math.NaN())
	}
	switch {
	case b.parent < 0:
	case b.left:
		t.Left[b.parent] = id
	default:
		t.Right[b.parent] = id
	}
	return id
}
