package tree

import "math"

// splitter finds splits with sums that are moved row by row in scikit-learn's
// order, so that any weights, targets and missing values give its last bits. It
// looks at every split of a column, or, when random is set, at one drawn at
// random (Geurts, Ernst and Wehenkel, Extremely randomized trees, 2006).
type splitter struct {
	columnDraw
	limits
	x          [][]float32 // columns
	hasMissing []bool      // a column
	crit       criterion
	sort       sorter
	random     bool
	exact      bool // sums are the same in any order
	setAside   bool // treat missing values as scikit-learn did up to 1.8

	order     []int32 // the tree's rows, those of a node side by side
	rows      []int32 // the node's
	allWeight float64 // the tree's
	weight    float64 // the node's

	values      []float32      // of a column for the node's rows
	shifted     []int32        // the node's rows with missing ones first
	ranked      []rankedColumn // those that may be sorted by rank have ranks
	keys, spare []uint64
	counts      []uint32
}

func newSplitter(x [][]float32, hasMissing []bool, rows, maxFeatures int) *splitter {
	return &splitter{columnDraw: newColumnDraw(len(x), maxFeatures), x: x, hasMissing: hasMissing,
		values: make([]float32, rows), shifted: make([]int32, rows),
		keys: make([]uint64, rows), spare: make([]uint64, rows), counts: make([]uint32, 2048)}
}

func (s *splitter) begin(weights []float64, seed uint32, lim limits) int {
	s.columnDraw.begin(seed)
	s.limits, s.order, s.allWeight = lim, s.order[:0], 0
	for r, w := range weights {
		s.allWeight += w
		if w != 0 {
			s.order = append(s.order, int32(r))
		}
	}
	s.crit.weigh(weights)
	return len(s.order)
}

func (s *splitter) node(lo, hi int) float64 {
	s.rows = s.order[lo:hi]
	s.weight = s.crit.node(s.rows)
	return s.weight
}

func (s *splitter) impurity() float64 { return s.crit.impurity() }

func (s *splitter) value(dst []float64) { s.crit.value(dst) }

func (s *splitter) split(impurity float64, known int) (split, int) {
	n := len(s.rows)
	found := split{pos: n}
	top := math.Inf(-1)
	last := -1
	s.start(known)
	for f := s.next(); f >= 0; f = s.next() {
		last = f
		if s.random {
			s.tryRandom(f, &found, &top)
			continue
		}
		missing := s.load(f)
		m := n - missing
		if m == 0 || missing == 0 && s.values[m-1] <= s.values[0]+sameValue {
			s.isConstant()
			continue
		}
		s.isTried()
		if s.setAside && missing > 0 {
			s.searchAside(f, missing, &found, &top)
		} else {
			s.search(f, missing, &found, &top)
		}
	}
	if found.pos < n {
		s.carryOut(&found, impurity, s.random && last == found.feature)
	}
	return found, s.finish()
}

// carryOut puts the rows that go left first, unless they are, and fills in what
// the split is worth.
func (s *splitter) carryOut(f *split, impurity float64, divided bool) {
	if !divided {
		if f.aside > 0 {
			s.divideAside(f)
		} else {
			s.divide(f)
		}
	}
	s.crit.reset(s.rows, f.aside, f.missingLeft)
	s.crit.move(f.pos)
	f.left, f.right = s.crit.sides()
	l, r := s.crit.weights()
	f.improvement = improvement(s.allWeight, s.weight, l, r, impurity, f)
	if f.aside > 0 && f.missingLeft {
		for i := range f.aside {
			j := len(s.rows) - 1 - i
			s.rows[f.pos+i], s.rows[j] = s.rows[j], s.rows[f.pos+i]
		}
		f.pos += f.aside
	}
}

// load sorts the node's rows by column f, missing values last, and returns how
// many of those there are.
func (s *splitter) load(f int) (missing int) {
	col, rows, v := s.x[f], s.rows, s.values[:len(s.rows)]
	switch {
	case s.ranked != nil && s.ranked[f].rank != nil && s.sortByRank(&s.ranked[f]):
		return 0
	case !s.hasMissing[f]:
		for i, r := range rows {
			v[i] = col[r]
		}
		s.sort(v, rows)
		return 0
	}
	m := s.missingLast(col)
	for i, r := range rows[:m] {
		v[i] = col[r]
	}
	s.sort(v[:m], rows[:m])
	return len(rows) - m
}

// missingLast moves the rows whose value is missing to the end and returns how
// many the others are.
func (s *splitter) missingLast(col []float32) int {
	rows := s.rows
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
		i++
	}
	return end + 1
}

func isNaN(x float32) bool { return x != x }

// search looks at every split of the sorted rows by column f: missing values
// right, and, where there are any, missing values left.
func (s *splitter) search(f, missing int, found *split, top *float64) {
	n, m := len(s.rows), len(s.rows)-missing
	s.crit.reset(s.rows, 0, false)
	v := s.values[:m]
	for p := next(v, 0); p < m; p = next(v, p) {
		s.consider(f, p, missing, false, v, p, found, top)
	}
	if missing == 0 {
		return
	}
	s.consider(f, m, missing, false, v, m, found, top)
	shifted := s.shifted[:n]
	copy(shifted, s.rows[m:])
	copy(shifted[missing:], s.rows[:m])
	copy(s.rows, shifted)
	s.crit.reset(s.rows, 0, false)
	for p := next(v, 0); p < m; p = next(v, p) {
		s.consider(f, p+missing, missing, true, v, p, found, top)
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
func (s *splitter) consider(f, pos, missing int, missingLeft bool, v []float32, at int, found *split, top *float64) {
	n := len(s.rows)
	if pos < s.minLeaf || n-pos < s.minLeaf {
		return
	}
	s.crit.move(pos)
	gain, ok := s.gain()
	if !ok || !(gain > *top) {
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

// gain is that of the criterion, unless a side has too little weight.
func (s *splitter) gain() (float64, bool) {
	if s.minWeight > 0 {
		if l, r := s.crit.weights(); l < s.minWeight || r < s.minWeight {
			return 0, false
		}
	}
	return s.crit.gain(), true
}

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

// divide moves the rows that go left to the front and returns how many they are.
func (s *splitter) divide(f *split) int {
	col, rows := s.x[f.feature], s.rows
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
	return lo
}
