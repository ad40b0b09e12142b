package hist

import "math"

// node is a leaf of the growing tree that may be split.
type node struct {
	id      int   // its number in the tree
	lo, hi  int   // its rows in grower.rows
	count   int64 // its rows in all processes
	depth   int
	sum     int64 // packed gradient and hessian
	hist    []int64
	rows    []int32 // rows a bin, counted only when hessians misled; nil otherwise
	best    split
	ahead   *ahead  // its split, when worked out before its turn
	split   bool    // it is no leaf any more
	bounded bool    // some ancestor was split on a monotone column
	min     float64 // bounds on values, in units
	max     float64
	path    []int // columns tested above, when interactions are constrained
}

// rowsOf returns how many rows fell into a column's bin when yes and when they
// were counted, else 0.
func (n *node) rowsOf(column, bin int, yes bool) int64 {
	if n.rows == nil || !yes {
		return 0
	}
	return int64(n.rows[column*width+bin])
}

// children makes the two nodes of n's best split.
func (n *node) children(s *scanner) (left, right *node) {
	left = &node{depth: n.depth + 1, sum: n.best.left, bounded: n.bounded, min: n.min, max: n.max, path: n.path}
	right = &node{depth: n.depth + 1, sum: n.sum - n.best.left, bounded: n.bounded, min: n.min, max: n.max, path: n.path}
	sign := s.direction(n.best.column)
	if s.opt.Monotone != nil {
		left.bounded, right.bounded = true, true
	}
	if middle := n.best.low/2 + n.best.high/2; sign > 0 {
		left.max, right.min = math.Min(left.max, middle), math.Max(right.min, middle)
	} else if sign < 0 {
		left.min, right.max = math.Max(left.min, middle), math.Min(right.max, middle)
	}
	if s.opt.Interactions != nil {
		path := append(append([]int(nil), n.path...), n.best.column)
		left.path, right.path = path, path
	}
	return left, right
}
