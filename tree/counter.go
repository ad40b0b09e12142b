package tree

import (
	"math"
	"math/bits"
)

// counter finds splits of classes with whole weights and no missing values. Sums
// of whole numbers do not depend on their order, so it may sort ranks instead of
// rows and pass over most splits by one comparison; what it finds is what
// splitter finds.
//
// A row of the node becomes a key: the rank of its value, below it its class, and
// below that its weight.
type counter struct {
	columnDraw
	limits
	columns []rankedColumn
	class   []int32
	classes int
	entropy bool

	shift, weightBits int      // bits below the rank, and below the class
	order, aside      []uint64 // the tree's rows, those of a node side by side: class and weight, the row above them
	rows              []uint64 // the node's
	sums              []float64
	weight, allWeight float64
	kept              []float64 // sums of waiting nodes by their first row, for two classes
	lo                int

	keys, spare, counts []uint32
	buckets             []uint64 // weight of class 0, of class 1 above it, rows above that
	filled              []uint32 // the buckets that are not empty
	left, right, best   []float64
	cut                 uint32  // the rank of the best split
	top, bar            float64 // its gain, and what a split must reach to be looked at closely
	peak                float64 // the best of a column, nearly
	peaks               []peak  // the splits that may be it
}

func newCounter(columns []rankedColumn, class []int32, classes, maxFeatures int, entropy bool) *counter {
	n := len(class)
	c := &counter{columnDraw: newColumnDraw(len(columns), maxFeatures), columns: columns, class: class, classes: classes,
		entropy: entropy, order: make([]uint64, n), aside: make([]uint64, n), keys: make([]uint32, n), spare: make([]uint32, n),
		counts: make([]uint32, 2048), sums: make([]float64, classes),
		left: make([]float64, classes), right: make([]float64, classes), best: make([]float64, classes)}
	if classes == 2 {
		c.kept = make([]float64, 2*n)
	}
	return c
}

// fits reports whether keys hold the weights of a tree, and prepares them. The
// weights are whole numbers.
func (c *counter) fits(weights []float64) bool {
	top := 0.0
	for _, w := range weights {
		top = max(top, w)
	}
	if top >= 1<<30 {
		return false
	}
	ranks := 0
	for i := range c.columns {
		ranks = max(ranks, len(c.columns[i].distinct))
	}
	c.weightBits = bits.Len32(uint32(top))
	c.shift = c.weightBits + bits.Len(uint(c.classes-1))
	return c.shift <= 30 && bits.Len(uint(ranks-1))+c.shift <= 32
}

func (c *counter) begin(weights []float64, seed uint32, lim limits) int {
	c.columnDraw.begin(seed)
	c.limits = lim
	clear(c.sums)
	n := 0
	for r, k := range c.class {
		w := weights[r]
		c.order[n] = uint64(r)<<32 | uint64(k)<<(c.weightBits&31) | uint64(w)
		c.sums[k] += w
		if w != 0 {
			n++
		}
	}
	c.allWeight = 0
	for _, s := range c.sums {
		c.allWeight += s
	}
	c.keep(0, c.sums)
	return n
}

// keep remembers the sums of the node that begins at row lo.
func (c *counter) keep(lo int, sums []float64) {
	if c.kept != nil && 2*lo < len(c.kept) {
		copy(c.kept[2*lo:], sums)
	}
}

func (c *counter) node(lo, hi int) float64 {
	c.lo, c.rows = lo, c.order[lo:hi]
	if c.kept != nil {
		copy(c.sums, c.kept[2*lo:])
	} else {
		clear(c.sums)
		mask := uint32(1)<<c.weightBits - 1
		for _, r := range c.rows {
			c.sums[uint32(r)>>c.weightBits] += float64(uint32(r) & mask)
		}
	}
	c.weight = 0
	for _, s := range c.sums {
		c.weight += s
	}
	return c.weight
}

func (c *counter) impurity() float64 { return c.of(c.sums, c.weight) }

func (c *counter) of(sums []float64, weight float64) float64 {
	if c.entropy {
		return entropy(sums, weight)
	}
	return gini(sums, weight)
}

func (c *counter) value(dst []float64) {
	for i, s := range c.sums {
		dst[i] = s / c.weight
	}
}

func (c *counter) split(impurity float64, known int) (split, int) {
	n := len(c.rows)
	found := split{pos: n}
	c.top, c.bar = math.Inf(-1), math.Inf(-1)
	c.start(known)
	for f := c.next(); f >= 0; f = c.next() {
		if c.search(f, &c.columns[f], &found) {
			c.isTried()
		} else {
			c.isConstant()
		}
	}
	if found.pos < n {
		c.divide(&found)
		wLeft := 0.0
		for i, s := range c.sums {
			wLeft += c.best[i]
			c.right[i] = s - c.best[i]
		}
		wRight := c.weight - wLeft
		found.left, found.right = c.of(c.best, wLeft), c.of(c.right, wRight)
		found.improvement = improvement(c.allWeight, c.weight, wLeft, wRight, impurity, &found)
		c.keep(c.lo, c.best)
		c.keep(c.lo+found.pos, c.right)
	}
	return found, c.finish()
}

// divide moves the rows that go left to the front and keeps their order.
func (c *counter) divide(f *split) {
	rank, rows, aside, cut := c.columns[f.feature].rank, c.rows, c.aside[:len(c.rows)], c.cut
	left, right := 0, 0
	for _, r := range rows {
		rows[left], aside[right] = r, r
		goes := 0
		if rank[r>>32] <= cut {
			goes = 1
		}
		left += goes
		right += 1 - goes
	}
	copy(rows[left:], aside[:right])
}
