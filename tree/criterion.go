package tree

import "math"

// criterion keeps the sums of one node, and of the two sides of a split of it.
// The rows of the node are handed over in an order; a split at pos puts the first
// pos of them left. Sums are moved from one pos to the next in the direction that
// takes fewer steps, as scikit-learn moves them, since the last bits depend on it.
//
// Rows whose value is missing may stand last and be set aside: they are not moved,
// but all counted left or all counted right. scikit-learn did so up to 1.8.
type criterion interface {
	// weigh takes the weight of each row in a new tree.
	weigh(w []float64)
	// node takes the rows of a node and returns their weight.
	node(rows []int32) float64
	// impurity returns that of the node.
	impurity() float64
	// value writes the node's answer.
	value(dst []float64)
	// reset puts pos to 0 for the node's rows in the given order, of which the
	// last aside ones are set aside, and counted left when asideLeft is set.
	reset(rows []int32, aside int, asideLeft bool)
	// move puts pos further right.
	move(pos int)
	// weights returns the weight left and right of pos.
	weights() (left, right float64)
	// gain returns a number that grows with the quality of the split at pos.
	gain() float64
	// sides returns the impurity left and right of pos.
	sides() (left, right float64)
}

// classCriterion is Gini impurity or entropy of class weights.
type classCriterion struct {
	y       []int32   // class of each row
	w       []float64 // weight of each row
	classes int
	entropy bool

	rows, aside           []int32
	asideLeft             bool
	pos                   int
	total, left, right    []float64 // weight of each class
	missing               []float64 // that of the rows set aside
	wTotal, wLeft, wRight float64
	wMissing              float64
}

func newClassCriterion(y []int32, classes int, entropy bool) *classCriterion {
	sums := make([]float64, 4*classes)
	return &classCriterion{y: y, classes: classes, entropy: entropy,
		total: sums[:classes:classes], left: sums[classes : 2*classes : 2*classes], right: sums[2*classes : 3*classes : 3*classes],
		missing: sums[3*classes:]}
}

func (c *classCriterion) weigh(w []float64) { c.w = w }

func (c *classCriterion) node(rows []int32) float64 {
	clear(c.total)
	c.wTotal = 0
	for _, r := range rows {
		w := c.w[r]
		c.total[c.y[r]] += w
		c.wTotal += w
	}
	return c.wTotal
}

func (c *classCriterion) impurity() float64 { return c.of(c.total, c.wTotal) }

func (c *classCriterion) of(sums []float64, weight float64) float64 {
	if c.entropy {
		return entropy(sums, weight)
	}
	return gini(sums, weight)
}

// entropy is that of class weights which sum to weight, in bits.
func entropy(sums []float64, weight float64) float64 {
	h := 0.0
	for _, s := range sums {
		if s > 0 {
			p := s / weight
			h -= float64(p * (logarithm(p) / math.Ln2))
		}
	}
	return h
}

// gini is the Gini impurity of class weights which sum to weight.
func gini(sums []float64, weight float64) float64 {
	squares := 0.0
	for _, s := range sums {
		squares += float64(s * s)
	}
	return 1 - squares/float64(weight*weight)
}

func (c *classCriterion) value(dst []float64) {
	for i, s := range c.total {
		dst[i] = s / c.wTotal
	}
}

func (c *classCriterion) reset(rows []int32, aside int, asideLeft bool) {
	m := len(rows) - aside
	c.rows, c.aside, c.asideLeft, c.pos, c.wLeft = rows[:m], rows[m:], asideLeft, 0, 0
	clear(c.left)
	if aside == 0 {
		return
	}
	clear(c.missing)
	c.wMissing = 0
	for _, r := range c.aside {
		c.missing[c.y[r]] += c.w[r]
		c.wMissing += c.w[r]
	}
	if asideLeft {
		copy(c.left, c.missing)
		c.wLeft = c.wMissing
	}
}

func (c *classCriterion) move(pos int) {
	if pos-c.pos <= len(c.rows)-pos {
		for _, r := range c.rows[c.pos:pos] {
			w := c.w[r]
			c.left[c.y[r]] += w
			c.wLeft += w
		}
	} else {
		copy(c.left, c.total)
		c.wLeft = c.wTotal
		if len(c.aside) > 0 && !c.asideLeft {
			for i, m := range c.missing {
				c.left[i] -= m
			}
			c.wLeft -= c.wMissing
		}
		for i := len(c.rows) - 1; i >= pos; i-- {
			r := c.rows[i]
			w := c.w[r]
			c.left[c.y[r]] -= w
			c.wLeft -= w
		}
	}
	for i, t := range c.total {
		c.right[i] = t - c.left[i]
	}
	c.wRight = c.wTotal - c.wLeft
	c.pos = pos
}

func (c *classCriterion) weights() (left, right float64) { return c.wLeft, c.wRight }

func (c *classCriterion) sides() (left, right float64) {
	return c.of(c.left, c.wLeft), c.of(c.right, c.wRight)
}

func (c *classCriterion) gain() float64 {
	left, right := c.sides()
	return float64(-c.wRight*right) - float64(c.wLeft*left)
}

// meanCriterion is the squared error around the weighted mean.
type meanCriterion struct {
	y, w []float64

	rows, aside                []int32
	asideLeft                  bool
	pos                        int
	total, square, left, right float64 // weighted sums of y, and of y² in square
	wTotal, wLeft, wRight      float64
	missing, wMissing          float64 // of the rows set aside
}

func (c *meanCriterion) weigh(w []float64) { c.w = w }

func (c *meanCriterion) node(rows []int32) float64 {
	c.total, c.square, c.wTotal = 0, 0, 0
	for _, r := range rows {
		wy := float64(c.w[r] * c.y[r])
		c.total += wy
		c.square += float64(wy * c.y[r])
		c.wTotal += c.w[r]
	}
	return c.wTotal
}

func (c *meanCriterion) impurity() float64 {
	mean := c.total / c.wTotal
	return c.square/c.wTotal - float64(mean*mean)
}

func (c *meanCriterion) value(dst []float64) { dst[0] = c.total / c.wTotal }

func (c *meanCriterion) reset(rows []int32, aside int, asideLeft bool) {
	m := len(rows) - aside
	c.rows, c.aside, c.asideLeft, c.pos, c.left, c.wLeft = rows[:m], rows[m:], asideLeft, 0, 0, 0
	if aside == 0 {
		return
	}
	c.missing, c.wMissing = 0, 0
	for _, r := range c.aside {
		c.missing += float64(c.w[r] * c.y[r])
		c.wMissing += c.w[r]
	}
	if asideLeft {
		c.left, c.wLeft = c.missing, c.wMissing
	}
}

func (c *meanCriterion) move(pos int) {
	if pos-c.pos <= len(c.rows)-pos {
		for _, r := range c.rows[c.pos:pos] {
			c.left += float64(c.w[r] * c.y[r])
			c.wLeft += c.w[r]
		}
	} else {
		c.left, c.wLeft = c.total, c.wTotal
		if len(c.aside) > 0 && !c.asideLeft {
			c.left -= c.missing
			c.wLeft -= c.wMissing
		}
		for i := len(c.rows) - 1; i >= pos; i-- {
			r := c.rows[i]
			c.left -= float64(c.w[r] * c.y[r])
			c.wLeft -= c.w[r]
		}
	}
	c.right = c.total - c.left
	c.wRight = c.wTotal - c.wLeft
	c.pos = pos
}

func (c *meanCriterion) weights() (left, right float64) { return c.wLeft, c.wRight }

func (c *meanCriterion) gain() float64 {
	return float64(c.left*c.left)/c.wLeft + float64(c.right*c.right)/c.wRight
}

func (c *meanCriterion) sides() (left, right float64) {
	square := 0.0
	add := func(rows []int32) {
		for _, r := range rows {
			square += float64(float64(c.w[r]*c.y[r]) * c.y[r])
		}
	}
	add(c.rows[:c.pos])
	if c.asideLeft {
		add(c.aside)
	}
	l, r := c.left/c.wLeft, c.right/c.wRight
	return square/c.wLeft - float64(l*l), (c.square-square)/c.wRight - float64(r*r)
}
