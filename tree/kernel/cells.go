package kernel

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// With up to three columns, the leaf that a row falls into depends only on between
// which of the tree's thresholds its values lie. These cells are few enough to write
// down the leaf of each, once many rows were asked for; a row's leaf is then a
// look-up instead of a walk.
const (
	cellColumns = 3
	cellBudget  = 8 << 20   // bytes of an ensemble's tables
	cellBits    = 21        // of a place among a tree's cells, of which 256 leaves make less than 1<<20: three trees share a word
	cellLeaves  = 256       // of a tree
	cellMost    = 1<<16 - 2 // thresholds of a column
	cellAfter   = 8 << 10   // rows walked before tables are made
	cellLeast   = 64        // rows that are worth looking up together
)

var negativeZero = math.Copysign(0, -1)

// cellTables are the tables of an ensemble, made at first need.
type cellTables struct {
	walked atomic.Int64 // rows so far
	once   sync.Once
	axes   []cellAxis
	groups []cellGroup // of all trees in order; nil: there are no tables
	pool   sync.Pool
}

// cellAxis is a column that trees test. A value's cell is how many cuts lie below
// its key; a missing value has the cell behind the last.
type cellAxis struct {
	slot int // one of the column's slots
	cuts []uint64
}

// cellGroup is three trees, the last ones perhaps empty. A column's entry of places
// has, for one cell, cellBits bits a tree; a row's entries add up to the places of
// its leaves in the trees' tables.
type cellGroup struct {
	places [cellColumns][]uint64
	leaves [3][]uint8                 // cell by cell
	values [3][2 * cellLeaves]float64 // leaf by leaf
}

// tables returns the tables once they pay, nil before and where there are none.
func (c *Compiled) tables(rows int) *cellTables {
	t := &c.cells
	if rows < cellLeast || t.walked.Load() < cellAfter && t.walked.Add(int64(rows)) < cellAfter {
		return nil
	}
	t.once.Do(func() { c.fillTables(t) })
	if t.groups == nil {
		return nil
	}
	return t
}

// fillTables leaves t without groups when columns, cells or leaves are too many.
func (c *Compiled) fillTables(t *cellTables) {
	if c.deep != nil || c.single || c.turns > 1 || c.outputs > 2 {
		return
	}
	axis, ok := c.cellAxes(t)
	if !ok || len(t.axes) == 0 {
		return
	}
	groups, spent := make([]cellGroup, (len(c.roots)+2)/3), 0
	for k := range groups {
		g := &groups[k]
		for a := range g.places {
			g.places[a] = make([]uint64, 1)
			if a < len(t.axes) {
				g.places[a] = make([]uint64, len(t.axes[a].cuts)+2)
			}
			spent += 8 * len(g.places[a])
		}
		for i := range g.leaves {
			g.leaves[i] = make([]uint8, 1)
			g.values[i] = [2 * cellLeaves]float64{negativeZero, negativeZero} // adds nothing, not even to -0
			if 3*k+i < len(c.roots) {
				f := cellFiller{c: c, axis: axis, axes: t.axes, group: g, number: i}
				if !f.tree(c.roots[3*k+i], cellBudget-spent) {
					return
				}
			}
			spent += len(g.leaves[i])
		}
	}
	t.pool.New = func() any { return new(cellWork) }
	t.groups = groups
}

// cellAxes collects the columns in use and their cuts; axis has the number of a
// slot's column.
func (c *Compiled) cellAxes(t *cellTables) (axis []int, ok bool) {
	axis = make([]int, len(c.slots))
	for i := 1; i < len(c.slots); i++ {
		s := &c.slots[i]
		axis[i] = slices.IndexFunc(t.axes, func(a cellAxis) bool { return c.slots[a.slot].column == s.column })
		if axis[i] < 0 {
			axis[i] = len(t.axes)
			t.axes = append(t.axes, cellAxis{slot: i, cuts: s.cuts})
		}
		if s.kind == member || len(t.axes) > cellColumns {
			return nil, false
		}
	}
	for _, n := range c.nodes {
		if s := slotOf(n); n>>48 != 0 && c.slots[s].kind == single {
			a := &t.axes[axis[s]]
			a.cuts = append(a.cuts, uint64(leafOf(n)))
		}
	}
	for i := range t.axes {
		a := &t.axes[i]
		if c.slots[a.slot].kind == single {
			slices.Sort(a.cuts)
			a.cuts = slices.Compact(a.cuts)
		}
		if len(a.cuts) > cellMost {
			return nil, false
		}
	}
	return axis, true
}

func slotOf(node uint64) int { return int(uint16(node)) / lanes }

// cellFiller writes the tables of one tree.
type cellFiller struct {
	c      *Compiled
	axis   []int // by slot
	axes   []cellAxis
	group  *cellGroup
	number int                // of the tree in its group
	own    [cellColumns][]int // the tree's cuts among its column's
	step   [cellColumns]int   // from a cell to the next of the column
	local  map[uint32]uint8   // leaves by the numbers of their values
}

// cellBox is where a node is: own cells from low to high of each column, and whether
// a missing value gets there.
type cellBox struct {
	low, high [cellColumns]int
	missing   [cellColumns]bool
}

// tree writes the tables of the tree at root; false when they would be larger than
// room.
func (f *cellFiller) tree(root uint32, room int) bool {
	f.local = map[uint32]uint8{}
	f.collect(root)
	size := 1
	var all cellBox
	for a := range f.axes {
		slices.Sort(f.own[a])
		f.own[a] = slices.Compact(f.own[a])
		f.step[a] = size
		size *= len(f.own[a]) + 2
		if size > room {
			return false
		}
		all.high[a], all.missing[a] = len(f.own[a]), true
	}
	if len(f.local) > cellLeaves {
		return false
	}
	for a := range f.axes {
		f.place(a)
	}
	f.group.leaves[f.number] = make([]uint8, size)
	f.fill(root, all)
	return true
}

// collect finds the cuts and leaves below node i.
func (f *cellFiller) collect(i uint32) {
	n := f.c.nodes[i]
	d := uint32(n >> 48)
	if d != 0 {
		a := f.axis[slotOf(n)]
		f.own[a] = append(f.own[a], f.cut(n))
		f.collect(i + d)
		f.collect(i + d + 1)
		return
	}
	leaf := leafOf(n)
	if _, ok := f.local[leaf]; !ok {
		k := len(f.local)
		f.local[leaf] = uint8(k)
		if k < cellLeaves {
			copy(f.group.values[f.number][k*f.c.outputs:], f.c.values[int(leaf)*f.c.outputs:][:f.c.outputs])
		}
	}
}

// cut is the number of a node's cut among its column's: cells up to it go left.
func (f *cellFiller) cut(node uint64) int {
	if f.c.slots[slotOf(node)].kind == rank {
		return int(leafOf(node))
	}
	at, _ := slices.BinarySearch(f.axes[f.axis[slotOf(node)]].cuts, uint64(leafOf(node)))
	return at
}

// place writes where the cells of a column are among those of the tree.
func (f *cellFiller) place(a int) {
	at, below := f.group.places[a], 0
	shift := f.number * cellBits
	for cell := range at[:len(at)-1] {
		for below < len(f.own[a]) && f.own[a][below] < cell {
			below++
		}
		at[cell] |= uint64(below*f.step[a]) << shift
	}
	at[len(at)-1] |= uint64((len(f.own[a])+1)*f.step[a]) << shift
}

// fill writes the leaves below node i into the cells of its box.
func (f *cellFiller) fill(i uint32, b cellBox) {
	n := f.c.nodes[i]
	d := uint32(n >> 48)
	if d == 0 {
		f.write(f.group.leaves[f.number], cellColumns-1, f.local[leafOf(n)], &b)
		return
	}
	a, left := f.axis[slotOf(n)], f.c.slots[slotOf(n)].missing == missLow
	cut, _ := slices.BinarySearch(f.own[a], f.cut(n))
	l, r := b, b
	l.high[a], r.low[a] = min(b.high[a], cut), max(b.low[a], cut+1)
	l.missing[a], r.missing[a] = b.missing[a] && left, b.missing[a] && !left
	f.fill(i+d, r)
	f.fill(i+d+1, l)
}

// write gives the cells of a box a leaf, from column a down.
func (f *cellFiller) write(cells []uint8, a int, leaf uint8, b *cellBox) {
	if a >= len(f.axes) {
		f.write(cells, a-1, leaf, b)
		return
	}
	last := len(f.own[a]) + 1 // the cell of a missing value
	for k := b.low[a]; k <= last; k++ {
		if k > b.high[a] {
			if k = last; !b.missing[a] {
				return
			}
		}
		if a > 0 {
			f.write(cells[k*f.step[a]:], a-1, leaf, b)
		} else {
			cells[k] = leaf
		}
	}
}
