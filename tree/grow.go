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

// candidate is a node that can still be split, with its split.
type candidate struct {
	branch
	split
	id int32
}

// bestFirst grows the tree by splitting, time and again, the leaf whose split
// gains most, until it has enough leaves.
func (g *grower) bestFirst(ctx context.Context, t *Tree, rows int) {
	var frontier candidates
	visit := func(b branch) candidate {
		id, s, _ := g.makeNode(t, b)
		b.impurity = t.Impurity[id]
		return candidate{b, s, id}
	}
	frontier.push(visit(branch{hi: rows, parent: -1}))
	splits := g.maxLeafs - 1
	for len(frontier) > 0 && ctx.Err() == nil {
		c := frontier.pop()
		if c.pos >= c.hi-c.lo || splits <= 0 {
			t.Feature[c.id], t.Threshold[c.id], t.MissingLeft[c.id] = -2, -2, false
			continue
		}
		splits--
		mid := c.lo + c.pos
		left := visit(branch{lo: c.lo, hi: mid, depth: c.depth + 1, parent: c.id, left: true, impurity: c.split.left})
		right := visit(branch{lo: mid, hi: c.hi, depth: c.depth + 1, parent: c.id, impurity: c.split.right})
		frontier.push(left)
		frontier.push(right)
	}
}

// candidates is a heap with the largest improvement on top. Equal ones leave it
// in the order in which the C++ standard library's heap, as GNU has it, lets them
// go: a gap at the top sinks along the larger children to the bottom, the right
// one among equals, before the last element is put in and rises.
type candidates []candidate

func (h *candidates) push(c candidate) {
	*h = append(*h, c)
	h.rise(len(*h)-1, c)
}

func (h candidates) rise(at int, c candidate) {
	for at > 0 && h[(at-1)/2].improvement < c.improvement {
		h[at] = h[(at-1)/2]
		at = (at - 1) / 2
	}
	h[at] = c
}

func (h *candidates) pop() candidate {
	a := *h
	top, n := a[0], len(a)-1
	last := a[n]
	*h = a[:n]
	if n == 0 {
		return top
	}
	gap := 0
	for child := 2; child <= n; child = 2*gap + 2 {
		if child == n || a[child].improvement < a[child-1].improvement {
			child--
		}
		a[gap] = a[child]
		gap = child
	}
	(*h).rise(gap, last)
	return top
}
