package tree

import "math"

// Up to 1.8, scikit-learn set the rows whose value is missing aside, after the
// others, and added their sums as a whole to one side. Sums are the same in exact
// arithmetic; their last bits, and the order in which rows are left, are not.

// asideOn is the number of rows set aside that go left, or right.
func (f *split) asideOn(left bool) int {
	if f.missingLeft == left {
		return f.aside
	}
	return 0
}

// searchAside is search with missing values set aside.
func (s *splitter) searchAside(f, missing int, found *split, top *float64) {
	m := len(s.rows) - missing
	v := s.values[:m]
	for _, left := range []bool{false, true} {
		s.crit.reset(s.rows, missing, left)
		for p := next(v, 0); p < m; p = next(v, p) {
			c := split{feature: f, pos: p, aside: missing, missingLeft: left, threshold: middle(v[p-1], v[p])}
			s.considerAside(c, found, top)
		}
	}
	s.crit.reset(s.rows, missing, false)
	s.considerAside(split{feature: f, pos: m, aside: missing, threshold: math.Inf(1)}, found, top)
}

func (s *splitter) considerAside(c split, found *split, top *float64) {
	left := c.pos + c.asideOn(true)
	if left < s.minLeaf || len(s.rows)-left < s.minLeaf {
		return
	}
	s.crit.move(c.pos)
	if gain, ok := s.gain(); ok && gain > *top {
		*top, *found = gain, c
	}
}

// divideFirst moves the rows that go left to the front of those not set aside.
func (s *splitter) divideFirst(f *split) int {
	all := s.rows
	s.rows = all[:len(all)-f.aside]
	left := s.divide(f)
	s.rows = all
	return left
}

// divideAside moves the rows that go left to the front and those whose value is
// missing to the end.
func (s *splitter) divideAside(f *split) {
	col, rows := s.x[f.feature], s.rows
	end := len(rows) - 1
	p, last := 0, end-f.aside
	for p <= last {
		if isNaN(col[rows[end]]) {
			end--
			continue
		}
		if isNaN(col[rows[p]]) {
			rows[p], rows[end] = rows[end], rows[p]
			end--
		}
		if float64(col[rows[p]]) <= f.threshold {
			p++
			continue
		}
		rows[p], rows[last] = rows[last], rows[p]
		last--
	}
}
