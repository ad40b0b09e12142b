package tree

import "github.com/drivecast/drivecast/internal/rng"

// columnDraw hands out the columns that a node looks at: at random and without
// repetition, until enough have been tried. A column that is constant in a node
// is constant below it too; such columns are drawn but neither tried nor looked
// at again. The order of features is
//
//	drawn constants | known constants | found constants | not drawn yet | tried
type columnDraw struct {
	random       rng.Xorshift
	features     []int // a permutation of the columns
	constants    []int // those known to be constant come first
	enough       int   // columns to try
	known, drawn int   // constant ones known before this node, and how many of them were drawn
	found        int   // constant ones found in this node
	untried      int   // features[untried:] were tried
	visited      int
	at           int // where in features the column handed out last stands
}

func newColumnDraw(columns, enough int) columnDraw {
	return columnDraw{features: make([]int, columns), constants: make([]int, columns), enough: enough}
}

// begin prepares for a new tree.
func (d *columnDraw) begin(seed uint32) {
	d.random = rng.Xorshift(seed)
	for i := range d.features {
		d.features[i] = i
	}
}

// start prepares for a node in which the given number of columns is known to be
// constant.
func (d *columnDraw) start(known int) {
	d.known, d.drawn, d.found, d.untried, d.visited = known, 0, 0, len(d.features), 0
}

// next returns a column that is not known to be constant, or -1 when enough were
// looked at.
func (d *columnDraw) next() int {
	f := d.features
	for d.untried > d.known+d.found && (d.visited < d.enough || d.visited <= d.found+d.drawn) {
		d.visited++
		j := d.drawn + d.random.Intn(d.untried-d.found-d.drawn)
		if j < d.known {
			f[d.drawn], f[j] = f[j], f[d.drawn]
			d.drawn++
			continue
		}
		d.at = j + d.found
		return f[d.at]
	}
	return -1
}

// isConstant says that the column handed out last is constant.
func (d *columnDraw) isConstant() {
	to := d.known + d.found
	d.features[d.at], d.features[to] = d.features[to], d.features[d.at]
	d.found++
}

// isTried says that the column handed out last varies.
func (d *columnDraw) isTried() {
	d.untried--
	d.features[d.untried], d.features[d.at] = d.features[d.at], d.features[d.untried]
}

// finish ends the node and returns how many columns are known to be constant
// below it.
func (d *columnDraw) finish() int {
	copy(d.features, d.constants[:d.known])
	copy(d.constants[d.known:], d.features[d.known:d.known+d.found])
	return d.known + d.found
}
