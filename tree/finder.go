package tree

import "math"

// Values closer than this are one value to a split, in float32.
const sameValue float32 = 1e-7

// split is a division of a node's rows.
type split struct {
	feature     int
	threshold   float64
	missingLeft bool
	pos         int // rows that go left; the node's number of rows when there is no split
	aside       int // rows set aside because their value is missing, which pos does not count
	improvement float64
	left, right float64 // impurities
}

// limits are what a split must respect.
type limits struct {
	minLeaf   int     // rows on each side
	minWeight float64 // weight on each side
}

// finder looks for the splits of the nodes of one tree after another.
type finder interface {
	// begin takes the rows of a new tree, those whose weight is not zero, and
	// returns how many they are.
	begin(weights []float64, seed uint32, lim limits) int
	// node takes the rows lo to hi of the finder's order as a node and returns
	// their weight.
	node(lo, hi int) float64
	// impurity returns that of the node.
	impurity() float64
	// value writes the node's answer.
	value(dst []float64)
	// split finds the best split of the node, whose impurity is given, and puts
	// the rows that go left first. known is the number of columns known to be
	// constant; that number after the search is returned too.
	split(impurity float64, known int) (split, int)
}

// middle is halfway between two values, and below the upper one.
func middle(a, b float32) float64 {
	t := float64(a)/2 + float64(b)/2
	if t == float64(b) || math.IsInf(t, 0) {
		t = float64(a)
	}
	return t
}

// improvement is by how much a split lowers the impurity of the whole tree.
func improvement(allWeight, weight, left, right, impurity float64, f *split) float64 {
	return weight / allWeight * (impurity - float64(right/weight*f.right) - float64(left/weight*f.left))
}
