package hist

import "math"

// forestGrower grows trees of a forest, one after another.
type forestGrower struct {
	f       *forestFit
	part    *partitioner
	times   []uint16 // how often each row was drawn
	entries [][]int64
	acc     *accumulator
	hist    [][]int64 // per channel: width entries a column tried
	count   []int64   // rows a bin, when leaves need more than one
	tree    *ForestTree
	turn    int
}

// place is a node that is to be split.
type place struct {
	id, lo, hi, depth int
	sums              []int64 // entry of each channel
	best              cutAt
}

// cutAt is the best split of a place.
type cutAt struct {
	gain        float64
	column      int
	bin         int
	missingLeft bool
}

func newForestGrower(f *forestFit) *forestGrower {
	g := &forestGrower{
		f: f, part: newPartitioner(f.data.rows), times: make([]uint16, f.data.rows), acc: &accumulator{data: f.data},
	}
	for range f.channels() {
		g.entries = append(g.entries, make([]int64, f.data.rows))
		g.hist = append(g.hist, make([]int64, f.opt.Columns*width))
	}
	if f.opt.MinRows > 1 {
		g.count = make([]int64, width)
	}
	return g
}

// grow returns tree number turn.
func (g *forestGrower) grow(turn int) *ForestTree {
	g.turn, g.tree = turn, &ForestTree{}
	n := g.draw()
	root := &place{hi: n, sums: make([]int64, len(g.entries))}
	for k, e := range g.entries {
		for _, r := range g.part.rows[:n] {
			root.sums[k] += e[r]
		}
	}
	g.append(root)
	open := g.offer(nil, root)
	for leaves := 1; len(open) > 0 && (g.f.opt.Leaves == 0 || leaves < g.f.opt.Leaves); leaves++ {
		at := len(open) - 1
		if g.f.opt.Leaves > 0 {
			for k := range open {
				if open[k].best.gain > open[at].best.gain || open[k].best.gain == open[at].best.gain && k < at {
					at = k
				}
			}
		}
		p := open[at]
		open = append(open[:at], open[at+1:]...)
		left, right := g.split(p)
		open = g.offer(open, right)
		open = g.offer(open, left)
	}
	return g.tree
}

// draw draws the rows of a tree and lists the distinct ones in order.
func (g *forestGrower) draw() int {
	f := g.f
	rows := f.data.rows
	d := newDraws(f.opt.Seed, drawRows, g.turn)
	clear(g.times)
	if many := portion(rows, f.opt.RowShare); f.opt.Bootstrap {
		for range many {
			if r := d.below(rows); g.times[r] < math.MaxUint16 {
				g.times[r]++
			}
		}
	} else {
		for _, r := range d.choose(rows, many) {
			g.times[r] = 1
		}
	}
	n := 0
	for r, t := range g.times {
		if t > 0 && (f.weight == nil || f.weight[r] > 0) {
			g.part.rows[n] = uint32(r)
			n++
			for k := range g.entries {
				g.entries[k][r] = f.entry(r, k, int64(t))
			}
		}
	}
	return n
}

// append adds a node to the tree as a leaf.
func (g *forestGrower) append(p *place) {
	t, k := g.tree, g.f.classes
	p.id = len(t.Left)
	t.Left, t.Right, t.Feature = append(t.Left, -1), append(t.Right, -1), append(t.Feature, -2)
	t.Threshold, t.MissingLeft = append(t.Threshold, -2), append(t.MissingLeft, false)
	t.Samples = append(t.Samples, int64(p.hi-p.lo))
	value := make([]float64, k)
	var weight, square float64
	if g.f.y != nil {
		for _, r := range g.part.rows[p.lo:p.hi] {
			w := float64(g.times[r]) * g.f.weightOf(int(r))
			weight += w
			value[0] += w * g.f.y[r]
			square += w * g.f.y[r] * g.f.y[r]
		}
		value[0] /= weight
		square = max(square/weight-value[0]*value[0], 0)
	} else {
		weight, square = g.fractions(p, value)
	}
	t.Value = append(t.Value, value...)
	t.Weight, t.Impurity = append(t.Weight, weight), append(t.Impurity, square)
}

// fractions fills value with class fractions, and returns weight and impurity.
func (g *forestGrower) fractions(p *place, value []float64) (weight, gini float64) {
	_, h := unpack(p.sums[0])
	gini = 1
	for k := range value {
		c := max(len(p.sums)-1, 0)
		n, _ := unpack(p.sums[min(k, c)])
		if len(value) == 2 && k == 0 {
			n = h - n
		}
		value[k] = float64(n) / float64(h)
		gini -= value[k] * value[k]
	}
	return float64(h) * g.f.unitW, max(gini, 0)
}

// offer searches p, and adds it to the open places when it can be split.
func (g *forestGrower) offer(open []*place, p *place) []*place {
	o, n := g.f.opt, p.hi-p.lo
	if n < o.MinSplit || n < 2*o.MinRows || o.Depth > 0 && p.depth >= o.Depth || g.tree.Impurity[p.id] <= 1e-15 {
		return open
	}
	if g.search(p); p.best.gain <= 0 {
		return open
	}
	return append(open, p)
}

// split divides p's rows and appends its children.
func (g *forestGrower) split(p *place) (left, right *place) {
	col := &g.f.data.bins.Columns[p.best.column]
	var goes [256]uint8
	for i := range p.best.bin + 1 {
		goes[i] = 1
	}
	if p.best.missingLeft {
		goes[col.Count()-1] = 1
	}
	middle := g.part.split(p.lo, p.hi, g.f.data.byCol[p.best.column], &goes, 1)
	left = &place{lo: p.lo, hi: middle, depth: p.depth + 1, sums: make([]int64, len(p.sums))}
	right = &place{lo: middle, hi: p.hi, depth: p.depth + 1, sums: make([]int64, len(p.sums))}
	for k, e := range g.entries {
		small, large := left, right
		if p.hi-middle < middle-p.lo {
			small, large = right, left
		}
		for _, r := range g.part.rows[small.lo:small.hi] {
			small.sums[k] += e[r]
		}
		large.sums[k] = p.sums[k] - small.sums[k]
	}
	g.append(left)
	g.append(right)
	t, i := g.tree, p.id
	t.Left[i], t.Right[i], t.Feature[i] = int32(left.id), int32(right.id), int32(p.best.column)
	t.Threshold[i], t.MissingLeft[i] = col.threshold(p.best.bin), p.best.missingLeft
	return left, right
}
