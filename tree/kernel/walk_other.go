//go:build !amd64 || purego

package kernel

func walkTrees(nodes []uint64, chain []uint32, slots []uint64, depth []uint32) {
	walkTreesGo(nodes, chain, slots, depth)
}

func walkRows(nodes, slots []uint64, width int, depth uint32, leaves []uint32) {
	walkRowsGo(nodes, slots, width, depth, leaves)
}
