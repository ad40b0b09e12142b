package tree

import "context"

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
