package kernel

import "golang.org/x/sys/cpu"

// useBMI2 is what the processor offers: the assembly rotates without flags.
var useBMI2 = cpu.X86.HasBMI2

//go:noescape
func walkTreesAsm(nodes *uint64, chain *uint32, slots *uint32, depth uint32)

//go:noescape
func walkRowsAsm(nodes *uint64, slots *uint32, width int, depth uint32, leaves *uint32, groups int)

func walkTrees(nodes []uint64, chain *[lanes]uint32, slots []uint32, depth uint32) {
	if !useBMI2 {
		walkTreesGo(nodes, chain, slots, depth)
		return
	}
	walkTreesAsm(&nodes[0], &chain[0], &slots[0], depth)
}

func walkRows(nodes []uint64, slots []uint32, width int, depth uint32, leaves []uint32) {
	if !useBMI2 {
		walkRowsGo(nodes, slots, width, depth, leaves)
		return
	}
	walkRowsAsm(&nodes[0], &slots[0], width*4, depth, &leaves[0], len(leaves)/lanes)
}
