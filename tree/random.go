package tree

import "math"

// span returns the smallest and the largest of the node's values in column f, and
// how many are missing. Where missing values are set aside, a value that is the
// smallest so far does not count for the largest: so did scikit-learn.
func (s *splitter) span(f int) (low, high float32, missing int) {
	col := s.x[f]
	aside := s.setAside && s.hasMissing[f]
	if aside {
		s.missingLast(col)
	}
	low, high = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, r := range s.rows {
		v := col[r]
		if isNaN(v) {
			missing++
			continue
		}
		lowest := v < low
		if lowest {
			low = v
		}
		if v > high && !(aside && lowest) {
			high = v
		}
	}
	return low, high, missing
}

// tryRandom looks at one split of column f, at a threshold between its smallest
// and its largest value.
func (s *splitter) tryRandom(f int, found *split, top *float64) {
	n := len(s.rows)
	low, high, missing := s.span(f)
	if missing == n || missing == 0 && high <= low+sameValue {
		s.isConstant()
		return
	}
	s.isTried()
	c := split{feature: f, threshold: s.columnDraw.random.Between(float64(low), float64(high))}
	if missing > 0 {
		c.missingLeft = s.columnDraw.random.Intn(2) == 1
	}
	if c.threshold == float64(high) {
		c.threshold = float64(low)
	}
	goLeft := 0
	if s.setAside && missing > 0 {
		c.aside = missing
		c.pos = s.divideFirst(&c)
		goLeft = c.asideOn(true)
	} else {
		c.pos = s.divide(&c)
	}
	goLeft += c.pos
	if goLeft < s.minLeaf || n-goLeft < s.minLeaf {
		return
	}
	s.crit.reset(s.rows, c.aside, c.missingLeft)
	s.crit.move(c.pos)
	gain, ok := s.gain()
	if !ok || !(gain > *top) {
		return
	}
	if missing == 0 {
		c.missingLeft = c.pos > n-c.pos
	}
	*top, *found = gain, c
}
