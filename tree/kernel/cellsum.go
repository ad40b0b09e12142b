package kernel

// cellBlock is how many rows pass three trees before the next ones.
const cellBlock = 1 << 11

// cellWork is the room that one caller needs: the cells of a block's rows.
type cellWork struct {
	cells [cellColumns][cellBlock]uint16
}

// sumCells is Sum by tables.
func (c *Compiled) sumCells(t *cellTables, dst, x []float64) {
	w := t.pool.Get().(*cellWork)
	for rows := len(x) / c.inputs; rows > 0; rows = len(x) / c.inputs {
		n := min(rows, cellBlock)
		for a := range t.axes {
			c.cellsOf(&t.axes[a], w.cells[a][:n], x)
		}
		for i := range t.groups {
			if c.outputs == 1 {
				addCells(&t.groups[i], dst[:n], &w.cells)
			} else {
				addCellPairs(&t.groups[i], dst[:2*n], &w.cells)
			}
		}
		dst, x = dst[n*c.outputs:], x[n*c.inputs:]
	}
	t.pool.Put(w)
}

// addCellsGo is addCells in plain Go: it adds the leaves of a group's trees, in their
// order, to one sum a row.
func addCellsGo(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	const mask = 1<<cellBits - 1
	x, y, z := cells[0][:len(dst)], cells[1][:len(dst)], cells[2][:len(dst)]
	u, v, w := g.places[0], g.places[1], g.places[2]
	a, b, c := g.leaves[0], g.leaves[1], g.leaves[2]
	for r := range dst {
		at := u[x[r]] + v[y[r]] + w[z[r]]
		s := dst[r] + g.values[0][a[at&mask]]
		s += g.values[1][b[at>>cellBits&mask]]
		dst[r] = s + g.values[2][c[at>>(2*cellBits)]]
	}
}

// addCellPairsGo is addCellPairs in plain Go: addCellsGo for leaves of two values.
func addCellPairsGo(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	const mask = 1<<cellBits - 1
	n := len(dst) / 2
	x, y, z := cells[0][:n], cells[1][:n], cells[2][:n]
	u, v, w := g.places[0], g.places[1], g.places[2]
	a, b, c := g.leaves[0], g.leaves[1], g.leaves[2]
	for r := range x {
		at := u[x[r]] + v[y[r]] + w[z[r]]
		i, j, k := 2*int(a[at&mask]), 2*int(b[at>>cellBits&mask]), 2*int(c[at>>(2*cellBits)])
		d := (*[2]float64)(dst[2*r:])
		d[0] = d[0] + g.values[0][i] + g.values[1][j] + g.values[2][k]
		d[1] = d[1] + g.values[0][i+1] + g.values[1][j+1] + g.values[2][k+1]
	}
}

// cellsOf finds a column's cells of rows, twelve side by side.
func (c *Compiled) cellsOf(a *cellAxis, out []uint16, x []float64) {
	s := &c.slots[a.slot]
	x = x[s.column:]
	var key, at [lanes]uint64
	for r := 0; r < len(out); r += lanes {
		part := out[r:min(r+lanes, len(out))]
		for k := range part {
			key[k] = s.orderOf(x[(r+k)*c.inputs])
		}
		countBelow(&at, &key, a.cuts)
		for k := range part {
			if part[k] = uint16(at[k]); x[(r+k)*c.inputs] != x[(r+k)*c.inputs] {
				part[k] = uint16(len(a.cuts) + 1)
			}
		}
	}
}

// orderOf maps a value to what the slot's cuts are compared with.
func (s *slot) orderOf(x float64) uint64 {
	if s.kind == rank {
		return orderKey(x + 0)
	}
	return uint64(keyOf(float32(x)))
}
