package tree

import (
	"math"

	"github.com/drivecast/drivecast/internal/rng"
)

// Values closer than this are one value to a split, in float32.
const sameValue float32 = 1e-7

// split is a division of a node's rows.
type split struct {
	feature     int
	threshold   float64
	missingLeft bool
	pos         int // rows that go left; the node's number of rows when there is no split
	improvement float64
	left, right float64 // impurities
}

// splitter finds the best split of a node. Columns are drawn without repetition
// until enough have been looked at; those that are constant in a node are known
// to be so below it, and drawn but not counted.
type splitter struct {
	x           [][]float32 // columns
	hasMissing  []bool      // a column
	crit        criterion
	random      rng.Xorshift
	sort        sorter
	maxFeatures int
	minLeaf     int
	minWeight   float64
	allWeight   float64 // of the tree's rows

	features, constant []int     // a permutation of the columns; those known constant come first
	values             []float32 // of a column for the node's rows
	shifted            []int32   // the node's rows with missing ones first
	shiftedValues      []float32
	keys, spare        []uint64
}

func newSplitter(x [][]float32, hasMissing []bool, rows int) *splitter {
	s := &splitter{x: x, hasMissing: hasMissing,
		features: make([]int, len(x)), constant: make([]int, len(x)),
		values: make([]float32, rows), shifted: make([]int32, rows), shiftedValues: make([]float32, rows),
		keys: make([]uint64, rows), spare: make([]uint64, rows)}
	return s
}

// begin prepares for a new tree.
func (s *splitter) begin(seed uint32) {
	s.random = rng.Xorshift(seed)
	for i := range s.features {
		s.features[i] = i
	}
}

// best finds the best split of the node's rows, whose impurity is given, and
// puts the rows that go left first. known is the number of columns known to be
// constant; the number known after the search is returned too.
func (s *splitter) best(rows []int32, impurity float64, known int) (split, int) {
	n := len(rows)
	found := split{pos: n}
	top := math.Inf(-1)
	untried, visited, newConstant, drawnConstant, constants := len(s.features), 0, 0, 0, known
	for untried > constants && (visited < s.maxFeatures || visited <= newConstant+drawnConstant) {
		visited++
		j := drawnConstant + s.random.Intn(untried-newConstant-drawnConstant)
		if j < known {
			s.features[drawnConstant], s.features[j] = s.features[j], s.features[drawnConstant]
			drawnConstant++
			continue
		}
		j += newConstant
		f := s.features[j]
		missing := s.load(f, rows)
		m := n - missing
		if m == 0 || missing == 0 && s.values[m-1] <= s.values[0]+sameValue {
			s.features[j], s.features[constants] = s.features[constants], s.features[j]
			newConstant++
			constants++
			continue
		}
		untried--
		s.features[untried], s.features[j] = s.features[j], s.features[untried]
		s.search(f, rows, missing, &found, &top)
	}
	if found.pos < n {
		s.divide(rows, &found, impurity)
	}
	copy(s.features, s.constant[:known])
	copy(s.constant[known:known+newConstant], s.features[known:known+newConstant])
	return found, constants
}

// load sorts the rows by column f, missing values last, and returns how many of
// those there are.
func (s *splitter) load(f int, rows []int32) (missing int) {
	col, v := s.x[f], s.values[:len(rows)]
	if !s.hasMissing[f] {
		for i, r := range rows {
			v[i] = col[r]
		}
		s.sort(v, rows)
		return 0
	}
	i, end := 0, len(rows)-1
	for i <= end {
		if isNaN(col[rows[end]]) {
			end--
			continue
		}
		if isNaN(col[rows[i]]) {
			rows[i], rows[end] = rows[end], rows[i]
			end--
		}
		v[i] = col[rows[i]]
		i++
	}
	s.sort(v[:end+1], rows[:end+1])
	return len(rows) - end - 1
}

func isNaN(x float32) bool { return x != x }

// search looks at every split of the sorted rows by column f: missing values
// right, and, where there are any, missing values left.
func (s *splitter) search(f int, rows []int32, missing int, found *split, top *float64) {
	n, m := len(rows), len(rows)-missing
	s.crit.reset(rows)
	v := s.values[:m]
	for p := next(v, 0); p < m; p = next(v, p) {
		s.consider(f, p, n, missing, false, v, p, found, top)
	}
	if missing == 0 {
		return
	}
	s.consider(f, m, n, missing, false, v, m, found, top)
	shifted := s.shifted[:n]
	copy(shifted, rows[m:])
	copy(shifted[missing:], rows[:m])
	copy(rows, shifted)
	s.crit.reset(rows)
	for p := next(v, 0); p < m; p = next(v, p) {
		s.consider(f, p+missing, n, missing, true, v, p, found, top)
	}
}

// next returns the first place after p at which the sorted values change.
func next(v []float32, p int) int {
	p++
	for p < len(v) && v[p] <= v[p-1]+sameValue {
		p++
	}
	return p
}

// consider judges the split that puts pos rows left; at is its place among the
// values that are not missing.
func (s *splitter) consider(f, pos, n, missing int, missingLeft bool, v []float32, at int, found *split, top *float64) {
	if pos < s.minLeaf || n-pos < s.minLeaf {
		return
	}
	s.crit.move(pos)
	if s.minWeight > 0 {
		if l, r := s.crit.weights(); l < s.minWeight || r < s.minWeight {
			return
		}
	}
	gain := s.crit.gain()
	if gain <= *top || gain != gain {
		return
	}
	*top = gain
	*found = split{feature: f, pos: pos, missingLeft: missingLeft, threshold: math.Inf(1)}
	if missing == 0 {
		found.missingLeft = pos > n-pos
	}
	if at < len(v) {
		found.threshold = middle(v[at-1], v[at])
	}
}

// middle is halfway between two values, and below the upper one.
func middle(a, b float32) float64 {
	t := float64(a)/2 + float64(b)/2
	if t == float64(b) || math.IsInf(t, 0) {
		t = float64(a)
	}
	return t
}

// divide moves the rows that go left to the front and fills in what the split is
// worth.
func (s *splitter) divide(rows []int32, f *split, impurity float64) {
	col := s.x[f.feature]
	lo, hi := 0, len(rows)
	for lo < hi {
		v := col[rows[lo]]
		left := float64(v) <= f.threshold
		if isNaN(v) {
			left = f.missingLeft
		}
		if left {
			lo++
			continue
		}
		hi--
		rows[lo], rows[hi] = rows[hi], rows[lo]
	}
	s.crit.reset(rows)
	s.crit.move(f.pos)
	f.left, f.right = s.crit.sides()
	l, r := s.crit.weights()
	w := l + r
	f.improvement = w / s.allWeight * (impurity - float64(r/w*f.right) - float64(l/w*f.left))
}
