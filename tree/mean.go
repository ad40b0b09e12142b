package tree

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
