//go:build !purego

package kernel

//go:noescape
func walkTreesAsm(nodes *uint64, chain *uint32, slots *uint64, depth *uint32, groups int)

//go:noescape
func walkRowsAsm(nodes, slots *uint64, width int, depth, sure uint32, leaves *uint32, groups int)

func walkTrees(nodes []uint64, chain []uint32, slots []uint64, depth []uint32) {
	if len(depth) > 0 {
		_ = chain[chains*len(depth)-1]
		walkTreesAsm(&nodes[0], &chain[0], &slots[0], &depth[0], len(depth))
	}
}

func walkRows(nodes, slots []uint64, width int, depth uint32, leaves []uint32) {
	walkRowsAsm(&nodes[0], &slots[0], width*8, depth, sureLevels(depth), &leaves[0], len(leaves)/lanes)
}

// sureLevels is how many levels of a tree are walked before looking whether all
// rows have come to a leaf. In a shallow tree looking costs more than walking.
func sureLevels(depth uint32) uint32 {
	if depth <= 8 {
		return depth
	}
	return depth / 2
}
