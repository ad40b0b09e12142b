package tree

import "math"

// grower grows one tree after another with the same buffers.
type grower struct {
	*splitter
	maxDepth int
	minSplit int
	minGain  float64
	outputs  int
	rows     []int32
	weights  []float64 // of each row in this tree
}

// branch is a node that waits to be made.
type branch struct {
	lo, hi, depth int
	parent        int32
	left          bool
	impurity      float64
	constants     int
}

// Impurities up to this are pure.
const pure = 0x1p-52

// grow makes one tree of the rows whose weight is not zero, depth first, left
// before right.
func (g *grower) grow(seed uint32) *Tree {
	g.begin(seed)
	g.rows = g.rows[:0]
	g.allWeight = 0
	for r, w := range g.weights {
		if w != 0 {
			g.rows = append(g.rows, int32(r))
		}
		g.allWeight += w
	}
	t := &Tree{Outputs: g.outputs}
	stack := []branch{{hi: len(g.rows), parent: -1, impurity: math.NaN()}}
	for len(stack) > 0 {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		stack = g.makeNode(t, b, stack)
	}
	return t
}

// makeNode adds one node and pushes its children.
func (g *grower) makeNode(t *Tree, b branch, stack []branch) []branch {
	rows := g.rows[b.lo:b.hi]
	weight := g.crit.node(rows)
	if b.parent < 0 {
		b.impurity = g.crit.impurity()
	}
	leaf := b.depth >= g.maxDepth || len(rows) < g.minSplit || len(rows) < 2*g.minLeaf ||
		weight < 2*g.minWeight || b.impurity <= pure
	id := t.add(b, len(rows), weight)
	g.crit.value(t.Value[int(id)*g.outputs:])
	if leaf {
		return stack
	}
	s, constants := g.best(rows, b.impurity, b.constants)
	if s.pos >= len(rows) || s.improvement+pure < g.minGain {
		return stack
	}
	t.Feature[id], t.Threshold[id], t.MissingLeft[id] = int32(s.feature), s.threshold, s.missingLeft
	mid := b.lo + s.pos
	return append(stack,
		branch{lo: mid, hi: b.hi, depth: b.depth + 1, parent: id, impurity: s.right, constants: constants},
		branch{lo: b.lo, hi: mid, depth: b.depth + 1, parent: id, left: true, impurity: s.left, constants: constants})
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
	t.Value = append(t.Value, make([]float64, t.Outputs)...)
	switch {
	case b.parent < 0:
	case b.left:
		t.Left[b.parent] = id
	default:
		t.Right[b.parent] = id
	}
	return id
}
