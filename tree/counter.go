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
// A row of the node becomes a key: the rank of its value above its class above
// its weight.
type counter struct {
	columnDraw
	limits
	columns []rankedColumn
	class   []int32
	classes int
	entropy bool

	shift, weightBits int // bits below the rank, and below the class
	tag               []uint32
	order, aside      []int32
	rows              []int32
	sums              []float64 // of the node: a class
	weight            float64
	kept              []float64 // sums of waiting nodes by their first row, for two classes
	lo                int

	keys, spare, counts []uint32
	buckets             []uint64 // weight of class 0, of class 1 above it, rows above that
	left, right, best   []float64
	cut                 uint32  // the rank of the best split
	top, bar            float64 // its gain, and what a split must reach to be looked at closely
}

const (
	fieldBits = 21 // of a bucket's three numbers
	fieldMask = 1<<fieldBits - 1
)

func newCounter(columns []rankedColumn, class []int32, classes, maxFeatures int, entropy bool) *counter {
	n := len(class)
	c := &counter{columnDraw: newColumnDraw(len(columns), maxFeatures), columns: columns, class: class, classes: classes,
		entropy: entropy, tag: make([]uint32, n), aside: make([]int32, n), keys: make([]uint32, n), spare: make([]uint32, n),
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
	ranks := 0
	for i := range c.columns {
		ranks = max(ranks, len(c.columns[i].distinct))
	}
	if top >= 1<<30 {
		return false
	}
	c.weightBits = bits.Len32(uint32(top))
	c.shift = c.weightBits + bits.Len(uint(c.classes-1))
	return c.shift <= 30 && bits.Len(uint(ranks-1))+c.shift <= 32
}

func (c *counter) begin(weights []float64, seed uint32, lim limits) int {
	c.columnDraw.begin(seed)
	c.limits = lim
	if c.order == nil {
		c.order = make([]int32, len(weights))
	}
	n := 0
	for r, w := range weights {
		c.tag[r] = uint32(c.class[r])<<c.weightBits | uint32(w)
		c.order[n] = int32(r)
		if w != 0 {
			n++
		}
	}
	c.count(c.order[:n])
	c.keep(0, c.sums)
	return n
}

// count sums the weights of rows by class.
func (c *counter) count(rows []int32) {
	clear(c.sums)
	mask := uint32(1)<<c.weightBits - 1
	for _, r := range rows {
		t := c.tag[r]
		c.sums[t>>c.weightBits] += float64(t & mask)
	}
}

// keep remembers the sums of the node that begins at row lo.
func (c *counter) keep(lo int, sums []float64) {
	if c.kept != nil {
		copy(c.kept[2*lo:], sums)
	}
}

func (c *counter) node(lo, hi int) float64 {
	c.lo, c.rows = lo, c.order[lo:hi]
	if c.kept != nil {
		copy(c.sums, c.kept[2*lo:])
	} else {
		c.count(c.rows)
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
		col := &c.columns[f]
		low, high := c.gather(col)
		if low == high || col.close && col.distinct[high] <= col.distinct[low]+sameValue {
			c.isConstant()
			continue
		}
		c.isTried()
		c.search(f, col, low, high, &found)
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

// gather makes the keys of the node's rows by a column and returns the lowest
// and highest rank.
func (c *counter) gather(col *rankedColumn) (low, high uint32) {
	keys, tag, rank, shift := c.keys[:len(c.rows)], c.tag, col.rank, c.shift&31
	low, high = math.MaxUint32, 0
	for i, r := range c.rows {
		k := rank[r]<<shift | tag[r]
		keys[i] = k
		low, high = min(low, k), max(high, k)
	}
	return low >> shift, high >> shift
}

// search looks at every split of the node by column f, in ascending order of
// value.
func (c *counter) search(f int, col *rankedColumn, low, high uint32, found *split) {
	keys := c.keys[:len(c.rows)]
	switch {
	case c.classes != 2:
		c.scanClasses(f, col, sortKeys(keys, c.spare, c.shift, low, high, c.counts), found)
	case int(high-low) < 2*len(keys) && c.weight <= fieldMask:
		c.scanBuckets(f, col, keys, low, high, found)
	default:
		c.scanPairs(f, col, sortKeys(keys, c.spare, c.shift, low, high, c.counts), found)
	}
}

// scanPairs is search by sorted keys of two classes.
func (c *counter) scanPairs(f int, col *rankedColumn, keys []uint32, found *split) {
	shift, classAt, mask := c.shift&31, c.weightBits&31, uint32(1)<<c.weightBits-1
	t0, t1, w := c.sums[0], c.sums[1], c.weight
	var l [2]float64
	last, bar := keys[0]>>shift, c.bar
	for pos, k := range keys {
		if r := k >> shift; r != last {
			l0, l1 := l[0], l[1]
			wl, r0, r1 := l0+l1, t0-l0, t1-l1
			wr := w - wl
			if (l0*l0+l1*l1)*wr+(r0*r0+r1*r1)*wl >= bar*wl*wr {
				c.left[0], c.left[1] = l0, l1
				c.consider(f, col, last, r, pos, found)
				bar = c.bar
			}
			last = r
		}
		l[k>>classAt&1] += float64(k & mask)
	}
}

// scanBuckets is search by the sums of each rank, for two classes.
func (c *counter) scanBuckets(f int, col *rankedColumn, keys []uint32, low, high uint32, found *split) {
	size := int(high-low) + 1
	if len(c.buckets) < size {
		c.buckets = make([]uint64, max(size, 1024))
	}
	b := c.buckets[:size]
	clear(b)
	shift, classAt, mask, base := c.shift&31, c.weightBits&31, uint32(1)<<c.weightBits-1, low<<c.shift
	for _, k := range keys {
		b[(k-base)>>shift] += 1<<(2*fieldBits) + uint64(k&mask)<<(fieldBits*(k>>classAt&1))
	}
	t0, t1, w := c.sums[0], c.sums[1], c.weight
	sum, last, bar := b[0], uint32(0), c.bar
	for i := 1; i < len(b); i++ {
		s := b[i]
		if s == 0 {
			continue
		}
		l0, l1 := float64(sum&fieldMask), float64(sum>>fieldBits&fieldMask)
		wl, r0, r1 := l0+l1, t0-l0, t1-l1
		wr := w - wl
		if (l0*l0+l1*l1)*wr+(r0*r0+r1*r1)*wl >= bar*wl*wr {
			c.left[0], c.left[1] = l0, l1
			c.consider(f, col, low+last, low+uint32(i), int(sum>>(2*fieldBits)), found)
			bar = c.bar
		}
		sum += s
		last = uint32(i)
	}
}

// scanClasses is search by sorted keys of any number of classes.
func (c *counter) scanClasses(f int, col *rankedColumn, keys []uint32, found *split) {
	mask, classMask := uint32(1)<<c.weightBits-1, uint32(1)<<(c.shift-c.weightBits)-1
	clear(c.left)
	last := keys[0] >> c.shift
	for pos, k := range keys {
		if r := k >> c.shift; r != last {
			wl, sl, sr := 0.0, 0.0, 0.0
			for i, s := range c.left {
				rest := c.sums[i] - s
				wl += s
				sl += s * s
				sr += rest * rest
			}
			wr := c.weight - wl
			if sl*wr+sr*wl >= c.bar*wl*wr {
				c.consider(f, col, last, r, pos, found)
			}
			last = r
		}
		c.left[k>>c.weightBits&classMask] += float64(k & mask)
	}
}

// consider judges the split between two ranks that puts pos rows left, whose
// weights by class are c.left.
func (c *counter) consider(f int, col *rankedColumn, last, rank uint32, pos int, found *split) {
	if pos < c.minLeaf || len(c.rows)-pos < c.minLeaf ||
		col.close && col.distinct[rank] <= col.distinct[last]+sameValue {
		return
	}
	wl := 0.0
	for i, s := range c.left {
		wl += s
		c.right[i] = c.sums[i] - s
	}
	wr := c.weight - wl
	if wl < c.minWeight || wr < c.minWeight {
		return
	}
	gain := float64(-wr*c.of(c.right, wr)) - float64(wl*c.of(c.left, wl))
	if !(gain > c.top) {
		return
	}
	c.top = gain
	if !c.entropy {
		c.bar = gain + c.weight - 1e-11*c.weight
	}
	copy(c.best, c.left)
	c.cut = last
	*found = split{feature: f, pos: pos, missingLeft: pos > len(c.rows)-pos,
		threshold: middle(col.distinct[last], col.distinct[rank])}
}

// divide moves the rows that go left to the front and keeps their order.
func (c *counter) divide(f *split) {
	rank, rows, aside, cut := c.columns[f.feature].rank, c.rows, c.aside[:len(c.rows)], c.cut
	left, right := 0, 0
	for _, r := range rows {
		rows[left], aside[right] = r, r
		goes := 0
		if rank[r] <= cut {
			goes = 1
		}
		left += goes
		right += 1 - goes
	}
	copy(rows[left:], aside[:right])
}
