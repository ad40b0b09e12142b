//go:build !amd64 || purego

package kernel

func addCells(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	addCellsGo(g, dst, cells)
}

func addCellPairs(g *cellGroup, dst []float64, cells *[cellColumns][cellBlock]uint16) {
	addCellPairsGo(g, dst, cells)
}
