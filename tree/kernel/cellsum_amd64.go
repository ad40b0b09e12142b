//go:build !purego

package kernel

import "unsafe"

// The assembly finds a column's cells and a tree's values so many bytes apart, and
// a tree's place by cellBits; these lines do not compile when that is not so.
const (
	_ = -uint(cellBlock*2 - 4096)
	_ = -uint(2*cellLeaves*8 - 4096)
	_ = -uint(cellBits - 21)
)

// cellTask is what the assembly is told: the first elements of what addCellsGo reads.
// It checks no bounds: cellsOf gives cells of the axes, and fillTables places of the
// trees' tables and leaves of their values.
type cellTask struct {
	dst    *float64
	rows   int
	cells  *uint16
	places [cellColumns]*uint64
	leaves [3]*uint8
	values *float64
}

//go:noescape
func addCellsAsm(t *cellTask)

//go:noescape
func addCellPairsAsm(t *cellTask)

func addCells(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	if len(dst) > 0 {
		t := g.task(dst, cells)
		t.rows = len(dst)
		addCellsAsm(&t)
	}
}

func addCellPairs(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	if len(dst) > 1 {
		t := g.task(dst, cells)
		t.rows = len(dst) / 2
		addCellPairsAsm(&t)
	}
}

func (g *cellGroup) task(dst []float64, cells *[cellColumns][cellBlock]uint16) cellTask {
	t := cellTask{dst: unsafe.SliceData(dst), cells: &cells[0][0], values: &g.values[0][0]}
	for i := range t.leaves {
		t.places[i], t.leaves[i] = unsafe.SliceData(g.places[i]), unsafe.SliceData(g.leaves[i])
	}
	return t
}
