package hist

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync/atomic"
)

// rowsAhead is the number of rows from which a node has enough work for all
// goroutines by itself; smaller ones are split side by side.
const rowsAhead = 1 << 16

// ahead is the split of a leaf, worked out before its turn. It depends on the
// leaf alone, so it is the same whenever it is made; leaves that never come to
// their turn forget it.
type ahead struct {
	goes         *[256]uint8
	middle       int
	few          bool // a child would have too few rows
	left, right  *node
	small, large *node
	hist         []int64    // becomes small's; nil: the children stay leaves
	best         [2][]split // of small and large, each column's
}

// mayLookAhead reports whether leaves can be split in any order: not when other
// processes count along, nor when a node's columns are drawn by its number.
func (g *grower) mayLookAhead() bool {
	return g.opt.Workers > 1 && g.opt.Shard.Peers == nil && g.opt.NodeColumnShare >= 1
}

// batch returns n and the leaves that will be split soon after it, the largest
// first. No more are taken than there are splits left.
func (g *grower) batch(n *node) []*node {
	batch, popped := []*node{n}, []*node(nil)
	most := g.opt.Leaves - g.count - 1
	for len(batch) < 2*g.opt.Workers && len(popped) < most && g.open.Len() > 0 {
		m := heap.Pop(&g.open).(*node)
		popped = append(popped, m)
		if m.ahead == nil && m.hi-m.lo < rowsAhead {
			batch = append(batch, m)
		}
	}
	for _, m := range popped {
		heap.Push(&g.open, m)
	}
	slices.SortStableFunc(batch, func(a, b *node) int { return cmp.Compare(b.hi-b.lo, a.hi-a.lo) })
	return batch
}

// lookAhead works out the splits of n and of leaves that follow, and reports
// whether it did: alone, n is better split by all goroutines together.
func (g *grower) lookAhead(n *node) bool {
	if n.ahead != nil {
		return true
	}
	if n.hi-n.lo >= rowsAhead || !g.mayLookAhead() {
		return false
	}
	batch := g.batch(n)
	if len(batch) == 1 && n.hi-n.lo >= fewParallel {
		return false
	}
	for _, m := range batch {
		m.ahead = &ahead{}
		if g.count+1 < g.opt.Leaves {
			m.ahead.hist = g.unclear()
		}
	}
	var next atomic.Int64
	parallel(min(len(batch), g.opt.Workers), func(k int) {
		for i := int(next.Add(1)) - 1; i < len(batch); i = int(next.Add(1)) - 1 {
			g.prepare(batch[i], g.accs[k])
		}
	})
	return true
}

// prepare splits n's rows and searches both children, alone.
func (g *grower) prepare(n *node, acc *accumulator) {
	a := n.ahead
	a.goes = g.goes(&n.best)
	a.middle = g.part.split(n.lo, n.hi, g.data.byCol[n.best.column], a.goes, 1)
	count := int64(a.middle - n.lo)
	if few := int64(g.opt.MinRows); count < few || n.count-count < few {
		a.few = true
		return
	}
	a.left, a.right = g.children(n, a.middle, count)
	if a.hist == nil || !g.splittable(a.left) && !g.splittable(a.right) {
		return
	}
	a.small, a.large = lighter(a.left, a.right)
	clear(a.hist)
	acc.add(a.hist, g.part.rows[a.small.lo:a.small.hi])
	subtract(n.hist, a.hist)
	a.small.hist, a.large.hist = a.hist, n.hist
	a.hist, n.hist = nil, nil
	for i, child := range [2]*node{a.small, a.large} {
		a.best[i] = make([]split, g.data.cols)
		for _, c := range g.allowed(child) {
			a.best[i][c] = g.scan.bestOf(child, child.hist[c*width:], c, &g.data.bins.Columns[c])
		}
	}
}

// follow gives n the children that were worked out for it.
func (g *grower) follow(ctx context.Context, n *node) error {
	a := n.ahead
	n.ahead = nil
	if a.hist != nil {
		g.free = append(g.free, a.hist)
	}
	if a.few {
		return g.recount(ctx, n)
	}
	g.adopt(n, a.left, a.right, a.goes)
	if a.small == nil {
		g.release(n)
		return nil
	}
	g.choose(a.small, a.best[0])
	g.choose(a.large, a.best[1])
	return nil
}

// forget takes back what was worked out for a leaf whose turn never came.
func (g *grower) forget(n *node) {
	a := n.ahead
	if a == nil {
		return
	}
	n.ahead = nil
	if a.hist != nil {
		g.free = append(g.free, a.hist)
	}
	if a.small != nil {
		g.free = append(g.free, a.small.hist, a.large.hist)
	}
}
