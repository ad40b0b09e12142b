//go:build !amd64

package kernel

func walkTrees(nodes []uint64, chain []uint32, slots []uint32, depth []uint32) {
	walkTreesGo(nodes, chain, slots, depth)
}

func walkRows(nodes []uint64, slots []uint32, width int, depth uint32, leaves []uint32) {
	walkRowsGo(nodes, slots, width, depth, leaves)
}
