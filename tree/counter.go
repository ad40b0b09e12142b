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

// peak is a split of two classes: the ranks on both sides, the rows that go left
// and their weights.
type peak struct {
	last, rank uint32
	pos        int
	l0, l1     float64
}

const (
	fieldBits = 21 // of a bucket's three numbers
	fieldMask = 1<<fieldBits - 1
	slack     = 1e-11 // of a node's weight: more than the rounding errors of a gain
)

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

// search looks at every split of the node by column f, in ascending order of
// value. It reports false when the column is constant in the node.
func (c *counter) search(f int, col *rankedColumn, found *split) bool {
	c.peaks, c.peak = c.peaks[:0], c.bar
	countable := c.classes == 2 && c.weight <= fieldMask
	if countable && len(col.distinct) <= max(32, len(c.rows)) {
		b := c.countRows(col)
		low, high := 0, len(b)-1
		for b[low] == 0 {
			low++
		}
		for b[high] == 0 {
			high--
		}
		if col.constant(uint32(low), uint32(high)) {
			return false
		}
		c.scanBuckets(col, b[low:high+1], uint32(low))
	} else {
		keys, low, high := c.gather(col)
		if col.constant(low, high) {
			return false
		}
		switch {
		case c.classes != 2:
			c.scanClasses(f, col, sortKeys(keys, c.spare, c.shift, low, high, c.counts), found)
		case countable && int(high-low) < 2*len(keys):
			c.scanBuckets(col, c.countKeys(keys, low, high), low)
		default:
			c.scanPairs(col, sortKeys(keys, c.spare, c.shift, low, high, c.counts))
		}
	}
	for _, p := range c.peaks {
		c.left[0], c.left[1] = p.l0, p.l1
		c.consider(f, col, p.last, p.rank, p.pos, found)
	}
	return true
}

// constant reports whether a split takes all values from rank low to high as one.
func (c *rankedColumn) constant(low, high uint32) bool {
	return low == high || c.close && c.distinct[high] <= c.distinct[low]+sameValue
}

// gather makes the keys of the node's rows by a column and returns the lowest
// and highest rank.
func (c *counter) gather(col *rankedColumn) (keys []uint32, low, high uint32) {
	keys = c.keys[:len(c.rows)]
	rank, shift := col.rank, c.shift&31
	low, high = math.MaxUint32, 0
	for i, r := range c.rows {
		k := rank[r>>32]<<shift | uint32(r)
		keys[i] = k
		low, high = min(low, k), max(high, k)
	}
	return keys, low >> shift, high >> shift
}

// bucketsOf returns n empty buckets.
func (c *counter) bucketsOf(n int) []uint64 {
	if len(c.buckets) < n {
		c.buckets = make([]uint64, max(n, 1024))
	}
	b := c.buckets[:n]
	clear(b)
	return b
}

// countRows sums the weights of the node's rows by class for each rank of the
// column. Two rows at a time have buckets of their own, so that equal ranks in a
// row do not wait for one another.
func (c *counter) countRows(col *rankedColumn) []uint64 {
	n := len(col.distinct)
	both := c.bucketsOf(2 * n)
	a, b := both[:n], both[n:]
	rank, classAt, mask := col.rank, c.weightBits&31, uint64(1)<<c.weightBits-1
	rows := c.rows
	for ; len(rows) >= 2; rows = rows[2:] {
		r, q := rows[0], rows[1]
		a[rank[r>>32]] += 1<<(2*fieldBits) + r&mask<<(fieldBits*(r>>classAt&1))
		b[rank[q>>32]] += 1<<(2*fieldBits) + q&mask<<(fieldBits*(q>>classAt&1))
	}
	for _, r := range rows {
		a[rank[r>>32]] += 1<<(2*fieldBits) + r&mask<<(fieldBits*(r>>classAt&1))
	}
	for i, v := range b {
		a[i] += v
	}
	return a
}

// countKeys is countRows for the ranks from low to high.
func (c *counter) countKeys(keys []uint32, low, high uint32) []uint64 {
	b := c.bucketsOf(int(high-low) + 1)
	shift, classAt, mask, base := c.shift&31, c.weightBits&31, uint32(1)<<c.weightBits-1, low<<c.shift
	for _, k := range keys {
		b[(k-base)>>shift] += 1<<(2*fieldBits) + uint64(k&mask)<<(fieldBits*(k>>classAt&1))
	}
	return b
}

// scanPairs looks at the splits of sorted keys of two classes and collects those
// that may be the best.
func (c *counter) scanPairs(col *rankedColumn, keys []uint32) {
	shift, classAt, mask := c.shift&31, c.weightBits&31, uint32(1)<<c.weightBits-1
	t0, t1, w := c.sums[0], c.sums[1], c.weight
	var l [2]float64
	last, bar := keys[0]>>shift, c.peak
	for pos, k := range keys {
		if r := k >> shift; r != last {
			l0, l1 := l[0], l[1]
			wl, r0, r1 := l0+l1, t0-l0, t1-l1
			wr := w - wl
			if (l0*l0+l1*l1)*wr+(r0*r0+r1*r1)*wl >= bar*(wl*wr) {
				bar = c.collect(col, peak{last, r, pos, l0, l1})
			}
			last = r
		}
		l[k>>classAt&1] += float64(k & mask)
	}
}

// scanBuckets is scanPairs by the sums of each rank from low.
func (c *counter) scanBuckets(col *rankedColumn, b []uint64, low uint32) {
	if len(c.filled) < len(b) {
		c.filled = make([]uint32, max(len(b), 1024))
	}
	filled, n := c.filled[:len(b)], 0
	for i, s := range b {
		filled[n] = uint32(i)
		if s != 0 {
			n++
		}
	}
	t0, t1, w := c.sums[0], c.sums[1], c.weight
	sum, last, bar := b[0], uint32(0), c.peak
	for _, i := range filled[1:n] {
		l0, l1 := float64(sum&fieldMask), float64(sum>>fieldBits&fieldMask)
		wl, r0, r1 := l0+l1, t0-l0, t1-l1
		wr := w - wl
		if (l0*l0+l1*l1)*wr+(r0*r0+r1*r1)*wl >= bar*(wl*wr) {
			bar = c.collect(col, peak{low + last, low + i, int(sum >> (2 * fieldBits)), l0, l1})
		}
		sum += b[i]
		last = i
	}
}

// collect keeps a split that may be the column's best, and drops those that no
// longer may. It returns what the next one must reach.
func (c *counter) collect(col *rankedColumn, p peak) (bar float64) {
	wl := p.l0 + p.l1
	wr := c.weight - wl
	if !c.allowed(col, p.last, p.rank, p.pos, wl, wr) {
		return c.peak
	}
	if c.entropy {
		c.peaks = append(c.peaks, p)
		return c.peak
	}
	r0, r1 := c.sums[0]-p.l0, c.sums[1]-p.l1
	gain := (p.l0*p.l0+p.l1*p.l1)/wl + (r0*r0+r1*r1)/wr
	lowest := gain - slack*c.weight
	if lowest > c.peak+slack*c.weight {
		c.peaks = c.peaks[:0]
	}
	c.peaks = append(c.peaks, p)
	c.peak = max(c.peak, lowest)
	return c.peak
}

// allowed reports whether both sides are large enough and the ranks differ.
func (c *counter) allowed(col *rankedColumn, last, rank uint32, pos int, wl, wr float64) bool {
	return pos >= c.minLeaf && len(c.rows)-pos >= c.minLeaf && wl >= c.minWeight && wr >= c.minWeight &&
		!(col.close && col.distinct[rank] <= col.distinct[last]+sameValue)
}

// scanClasses looks at the splits of sorted keys of any number of classes.
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
			if sl*wr+sr*wl >= c.bar*(wl*wr) && c.allowed(col, last, r, pos, wl, wr) {
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
	wl := 0.0
	for i, s := range c.left {
		wl += s
		c.right[i] = c.sums[i] - s
	}
	wr := c.weight - wl
	gain := float64(-wr*c.of(c.right, wr)) - float64(wl*c.of(c.left, wl))
	if !(gain > c.top) {
		return
	}
	c.top = gain
	if !c.entropy {
		c.bar = gain + c.weight - slack*c.weight
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
		if rank[r>>32] <= cut {
			goes = 1
		}
		left += goes
		right += 1 - goes
	}
	copy(rows[left:], aside[:right])
}
