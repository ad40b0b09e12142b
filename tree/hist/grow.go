package hist

import (
	"container/heap"
	"context"
	"math"
	"slices"
)

// grower grows one tree after another over the same bins.
type grower struct {
	opt     *Options
	data    *binned
	q       *quantizer
	part    *partitioner
	accs    []*accumulator
	partial [][]int64 // histograms of workers 1.., zero between uses
	free    [][]int64
	scan    *scanner
	columns []int // columns of this tree
	turn    int   // number of this tree, for draws
	tree    *Tree
	steps   []binStep
	leaves  []*node // while growing, all nodes
	count   int     // leaves
	open    frontier
}

// binStep is a node of the tree in bins; column is -1 at a leaf.
type binStep struct {
	column      int32
	left, right int32
	goes        *[256]uint8
}

func newGrower(opt *Options, data *binned, q *quantizer) *grower {
	g := &grower{opt: opt, data: data, q: q, part: newPartitioner(data.rows)}
	for k := range opt.Workers {
		g.accs = append(g.accs, &accumulator{data: data})
		if k > 0 {
			g.partial = append(g.partial, make([]int64, data.stride*width))
		}
	}
	return g
}

// grow returns a tree whose leaf values are not yet shrunk. rows lists the rows
// to learn from, nil being all.
func (g *grower) grow(ctx context.Context, turn int, rows []uint32) (*Tree, error) {
	n := g.start(turn, rows)
	count := []int64{int64(n)}
	if err := g.opt.Shard.sum(ctx, count); err != nil {
		return nil, err
	}
	root := &node{hi: n, count: count[0], min: math.Inf(-1), max: math.Inf(1)}
	root.hist = g.histogram()
	if err := g.fill(ctx, root); err != nil {
		return nil, err
	}
	for _, e := range root.hist[:width] {
		root.sum += e
	}
	g.append(root)
	if g.opt.Monotone != nil {
		root.bounded = true
	}
	g.search(root)
	for g.count < g.opt.Leaves && g.open.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := g.divide(ctx, heap.Pop(&g.open).(*node)); err != nil {
			return nil, err
		}
	}
	g.finish()
	return g.tree, nil
}

// start lists the rows and draws the columns of a tree.
func (g *grower) start(turn int, rows []uint32) int {
	g.turn, g.tree, g.steps, g.leaves = turn, &Tree{}, g.steps[:0], g.leaves[:0]
	g.count, g.open = 0, frontier{levels: g.opt.LevelWise}
	g.scan = newScanner(g.opt, g.q.unitG, g.q.unitH)
	for _, a := range g.accs {
		a.wide, a.small = g.q.wide, nil
		if g.q.narrow {
			a.small = g.q.small
		}
	}
	g.columns = g.columns[:0]
	d := newDraws(g.opt.Seed, drawColumns, turn)
	g.columns = append(g.columns, d.choose(g.data.cols, portion(g.data.cols, g.opt.ColumnShare))...)
	if rows == nil {
		rows = g.part.same
	}
	return copy(g.part.rows, rows)
}

// portion returns a share of n, rounded, at least 1.
func portion(n int, share float64) int { return max(1, int(math.Round(float64(n)*share))) }

func (g *grower) histogram() []int64 {
	h := g.unclear()
	clear(h)
	return h
}

// unclear returns a histogram that holds anything.
func (g *grower) unclear() []int64 {
	if k := len(g.free) - 1; k >= 0 {
		h := g.free[k]
		g.free = g.free[:k]
		return h
	}
	return make([]int64, g.data.stride*width)
}

func (g *grower) release(n *node) {
	if n.hist != nil {
		g.free = append(g.free, n.hist)
		n.hist = nil
	}
}

// append adds a node to the tree.
func (g *grower) append(n *node) {
	n.id = len(g.steps)
	g.count++
	g.steps = append(g.steps, binStep{column: -1})
	g.leaves = append(g.leaves, n)
	t := g.tree
	t.Left, t.Right, t.Feature = append(t.Left, -1), append(t.Right, -1), append(t.Feature, -1)
	t.Threshold, t.MissingLeft = append(t.Threshold, 0), append(t.MissingLeft, false)
	t.Gain, t.Cover, t.Value = append(t.Gain, 0), append(t.Cover, float64(n.count)), append(t.Value, 0)
}

// frontier is a heap of leaves that have a split: the largest gain first, or,
// level by level, the shallowest; among equals the first.
type frontier struct {
	nodes  []*node
	levels bool
}

// Len, Less, Swap, Push and Pop make a frontier a heap.
func (f *frontier) Len() int { return len(f.nodes) }

// Less orders leaves.
func (f *frontier) Less(i, j int) bool {
	a, b := f.nodes[i], f.nodes[j]
	switch {
	case f.levels && a.depth != b.depth:
		return a.depth < b.depth
	case !f.levels && a.best.gain != b.best.gain:
		return a.best.gain > b.best.gain
	}
	return a.id < b.id
}

// Swap exchanges two leaves.
func (f *frontier) Swap(i, j int) { f.nodes[i], f.nodes[j] = f.nodes[j], f.nodes[i] }

// Push adds a leaf.
func (f *frontier) Push(v any) { f.nodes = append(f.nodes, v.(*node)) }

// Pop removes the last leaf.
func (f *frontier) Pop() any {
	n := f.nodes[len(f.nodes)-1]
	f.nodes = f.nodes[:len(f.nodes)-1]
	return n
}

// divide splits leaf n and searches its children.
func (g *grower) divide(ctx context.Context, n *node) error {
	if g.lookAhead(n) {
		return g.follow(ctx, n)
	}
	goes := g.goes(&n.best)
	middle := g.part.split(n.lo, n.hi, g.data.byCol[n.best.column], goes, g.opt.Workers)
	count := []int64{int64(middle - n.lo)}
	if err := g.opt.Shard.sum(ctx, count); err != nil {
		return err
	}
	if few := int64(g.opt.MinRows); count[0] < few || n.count-count[0] < few {
		return g.recount(ctx, n)
	}
	left, right := g.children(n, middle, count[0])
	g.adopt(n, left, right, goes)
	if g.count == g.opt.Leaves || !g.splittable(left) && !g.splittable(right) {
		g.release(n)
		return nil
	}
	return g.histograms(ctx, n, left, right)
}

// children makes the children of n, count of whose rows go left.
func (g *grower) children(n *node, middle int, count int64) (left, right *node) {
	left, right = n.children(g.scan)
	left.lo, left.hi, left.count = n.lo, middle, count
	right.lo, right.hi, right.count = middle, n.hi, n.count-count
	return left, right
}

// adopt adds the children of n to the tree.
func (g *grower) adopt(n, left, right *node, goes *[256]uint8) {
	n.split = true
	g.append(left)
	g.append(right)
	g.count--
	g.record(n, left, right, goes)
}

// splittable reports whether a node may have children at all.
func (g *grower) splittable(n *node) bool {
	return n.count >= 2*int64(g.opt.MinRows) && (g.opt.Depth == 0 || n.depth < g.opt.Depth)
}

// goes returns which bins go left.
func (g *grower) goes(s *split) *[256]uint8 {
	if s.set != nil {
		return s.set
	}
	out := new([256]uint8)
	for i := range s.bin + 1 {
		out[i] = 1
	}
	if s.missingLeft {
		out[g.data.bins.Columns[s.column].Count()-1] = 1
	}
	return out
}

// record writes the split of n to the tree.
func (g *grower) record(n, left, right *node, goes *[256]uint8) {
	t, i, s := g.tree, n.id, &n.best
	t.Left[i], t.Right[i], t.Feature[i] = int32(left.id), int32(right.id), int32(s.column)
	t.Gain[i], t.MissingLeft[i] = s.gain, s.missingLeft
	g.steps[i] = binStep{int32(s.column), int32(left.id), int32(right.id), goes}
	col := &g.data.bins.Columns[s.column]
	if s.set == nil {
		t.Threshold[i] = col.threshold(s.bin)
		return
	}
	t.setCategory(i, col.set(s.set))
}

// finish sets leaf values and covers of categories that are missing.
func (g *grower) finish() {
	g.leaves = slices.DeleteFunc(g.leaves, func(n *node) bool { return n.split })
	for _, n := range g.leaves {
		gr, h := unpack(n.sum)
		if h > 0 || g.opt.L2 > 0 {
			g.tree.Value[n.id] = g.scan.value(float64(gr), float64(h), g.scan.l2, n.min, n.max) * g.scan.unitG / g.scan.unitH
		}
		g.release(n)
		g.forget(n)
		n.rows = nil
	}
	if g.tree.Category != nil {
		g.tree.Category = append(g.tree.Category, make([]Bitset, len(g.tree.Left)-len(g.tree.Category))...)
	}
}
