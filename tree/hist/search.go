package hist

import (
	"container/heap"
	"context"
	"slices"
)

// fewParallel is the number of rows below which one goroutine fills a histogram.
const fewParallel = 1 << 12

// accumulate adds n's rows to the partial histograms: worker 0's is n.hist. It
// returns the number of histograms in use.
func (g *grower) accumulate(n *node) int {
	parts := g.opt.Workers
	if n.hi-n.lo < fewParallel {
		parts = 1
	}
	parallel(parts, func(k int) {
		lo, hi := span(n.hi-n.lo, k, parts, blockRows)
		h := n.hist
		if k > 0 {
			h = g.partial[k-1]
		}
		g.accs[k].add(h, g.part.rows[n.lo+lo:n.lo+hi])
	})
	return parts
}

// gatherColumn adds the partial histograms of a column to hist and clears them.
func (g *grower) gatherColumn(hist []int64, parts, column int) {
	for _, p := range g.partial[:parts-1] {
		from := p[column*width : (column+1)*width]
		addTo(hist[column*width:(column+1)*width], from)
		clear(from)
	}
}

// fill makes n's histogram, of all processes.
func (g *grower) fill(ctx context.Context, n *node) error {
	parts := g.accumulate(n)
	for c := range g.data.stride {
		g.gatherColumn(n.hist, parts, c)
	}
	return g.opt.Shard.sum(ctx, n.hist)
}

// histograms makes the histograms of both children, the lighter one's from its
// rows and the other's by subtraction, and searches them.
func (g *grower) histograms(ctx context.Context, n, left, right *node) error {
	small, large := lighter(left, right)
	small.hist, large.hist = g.histogram(), n.hist
	n.hist = nil
	parts := g.accumulate(small)
	if g.opt.Shard.Peers != nil {
		for c := range g.data.stride {
			g.gatherColumn(small.hist, parts, c)
		}
		parts = 1
		if err := g.opt.Shard.sum(ctx, small.hist); err != nil {
			return err
		}
	}
	both := [2][]split{make([]split, g.data.cols), make([]split, g.data.cols)}
	columns := [2][]int{g.allowed(small), g.allowed(large)}
	workers := min(g.opt.Workers, max(1, g.data.cols/4))
	parallel(workers, func(k int) {
		for c := k; c < g.data.stride; c += workers {
			g.gatherColumn(small.hist, parts, c)
			subtract(large.hist[c*width:(c+1)*width], small.hist[c*width:(c+1)*width])
			for i, nd := range [2]*node{small, large} {
				if slices.Contains(columns[i], c) {
					both[i][c] = g.scan.bestOf(nd, nd.hist[c*width:], c, &g.data.bins.Columns[c])
				}
			}
		}
	})
	g.choose(small, both[0])
	g.choose(large, both[1])
	return nil
}

// lighter returns the child with the smaller hessian first.
func lighter(left, right *node) (small, large *node) {
	_, l := unpack(left.sum)
	if _, r := unpack(right.sum); r < l {
		return right, left
	}
	return left, right
}

// choose keeps the best of a node's splits, the first among equals.
func (g *grower) choose(n *node, splits []split) {
	n.best = split{}
	for _, s := range splits {
		if s.gain > n.best.gain {
			n.best = s
		}
	}
	if n.best.gain <= 0 {
		g.release(n)
		return
	}
	heap.Push(&g.open, n)
}

// search finds the best split of one node.
func (g *grower) search(n *node) {
	splits, columns := make([]split, g.data.cols), g.allowed(n)
	workers := min(g.opt.Workers, max(1, len(columns)/4))
	parallel(workers, func(k int) {
		for i := k; i < len(columns); i += workers {
			c := columns[i]
			splits[c] = g.scan.bestOf(n, n.hist[c*width:], c, &g.data.bins.Columns[c])
		}
	})
	g.choose(n, splits)
}

// allowed returns the columns that may split n.
func (g *grower) allowed(n *node) []int {
	if !g.splittable(n) {
		return nil
	}
	columns := g.columns
	if g.opt.Interactions != nil {
		columns = slices.DeleteFunc(slices.Clone(columns), func(c int) bool { return !g.mayMeet(n.path, c) })
	}
	if g.opt.NodeColumnShare < 1 {
		d := newDraws(g.opt.Seed, drawNodeColumns, g.turn<<16+n.id)
		pick := d.choose(len(columns), min(len(columns), portion(len(columns), g.opt.NodeColumnShare)))
		out := make([]int, len(pick))
		for i, k := range pick {
			out[i] = columns[k]
		}
		return out
	}
	return columns
}

// mayMeet reports whether column c may be tested below the columns of path: when
// it is the only one, or some constraint holds them all.
func (g *grower) mayMeet(path []int, c int) bool {
	if !slices.ContainsFunc(path, func(p int) bool { return p != c }) {
		return true
	}
	return slices.ContainsFunc(g.opt.Interactions, func(set []int) bool {
		return slices.Contains(set, c) && !slices.ContainsFunc(path, func(p int) bool { return !slices.Contains(set, p) })
	})
}

// recount counts n's rows a bin, because hessians promised children with more
// rows than there were, and searches again.
func (g *grower) recount(ctx context.Context, n *node) error {
	count := make([]int64, g.data.stride*width)
	for _, r := range g.part.rows[n.lo:n.hi] {
		for c, b := range g.data.byRow[int(r)*g.data.stride : (int(r)+1)*g.data.stride] {
			count[c*width+int(b)]++
		}
	}
	if err := g.opt.Shard.sum(ctx, count); err != nil {
		return err
	}
	n.rows = make([]int32, len(count))
	for i, v := range count {
		n.rows[i] = int32(v)
	}
	g.search(n)
	return nil
}

func addTo(dst, v []int64) {
	v = v[:len(dst)]
	for i := range dst {
		dst[i] += v[i]
	}
}

func subtract(dst, v []int64) {
	v = v[:len(dst)]
	for i := range dst {
		dst[i] -= v[i]
	}
}
