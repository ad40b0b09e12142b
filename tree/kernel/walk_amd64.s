//go:build !purego

#include "textflag.h"

// One step of a chain from the node at index I: its slot is in the low 16 bits;
// node and slot are added, and the top 16 bits of the sum are the distance to the
// next node.
#define STEP(I, OFFSET) \
	MOVWLZX (DI)(I*8), BX \
	MOVQ OFFSET(SI)(BX*8), BX \
	ADDQ (DI)(I*8), BX \
	SHRQ $48, BX \
	ADDQ BX, I

// LEAF stores the number of the leaf's values.
#define LEAF(I, OFFSET) \
	MOVL 2(DI)(I*8), I \
	MOVL I, OFFSET(BX)

// func walkTreesAsm(nodes *uint64, chain *uint32, slots *uint64, depth *uint32, groups int)
TEXT ·walkTreesAsm(SB), NOSPLIT, $8-40
	MOVQ nodes+0(FP), DI
	MOVQ slots+16(FP), SI

trees:
	MOVQ depth+24(FP), AX
	MOVL (AX), CX
	ADDQ $4, AX
	MOVQ AX, depth+24(FP)
	MOVL CX, left-8(SP)
	MOVQ chain+8(FP), BX
	MOVL 0(BX), R8
	MOVL 4(BX), R9
	MOVL 8(BX), R10
	MOVL 12(BX), R11
	MOVL 16(BX), R12
	MOVL 20(BX), R13
	MOVL 24(BX), R14
	MOVL 28(BX), R15
	MOVL 32(BX), AX
	MOVL 36(BX), CX
	MOVL 40(BX), DX
	MOVL 44(BX), BP
	CMPL left-8(SP), $0
	JEQ  walked

level:
	STEP(R8, 0)
	STEP(R9, 0)
	STEP(R10, 0)
	STEP(R11, 0)
	STEP(R12, 0)
	STEP(R13, 0)
	STEP(R14, 0)
	STEP(R15, 0)
	STEP(AX, 0)
	STEP(CX, 0)
	STEP(DX, 0)
	STEP(BP, 0)
	DECL left-8(SP)
	JNZ  level

walked:
	MOVQ chain+8(FP), BX
	LEAF(R8, 0)
	LEAF(R9, 4)
	LEAF(R10, 8)
	LEAF(R11, 12)
	LEAF(R12, 16)
	LEAF(R13, 20)
	LEAF(R14, 24)
	LEAF(R15, 28)
	LEAF(AX, 32)
	LEAF(CX, 36)
	LEAF(DX, 40)
	LEAF(BP, 44)
	ADDQ $48, BX
	MOVQ BX, chain+8(FP)
	DECQ groups+32(FP)
	JNZ  trees
	RET

// One step of all twelve rows.
#define LEVEL \
	STEP(R8, 0) \
	STEP(R9, 8) \
	STEP(R10, 16) \
	STEP(R11, 24) \
	STEP(R12, 32) \
	STEP(R13, 40) \
	STEP(R14, 48) \
	STEP(R15, 56) \
	STEP(AX, 64) \
	STEP(CX, 72) \
	STEP(DX, 80) \
	STEP(BP, 88)

// The sum of all positions. Positions only grow: when it stays, all rows are at
// leaves.
#define PLACES \
	LEAQ (R8)(R9*1), BX \
	ADDQ R10, BX \
	ADDQ R11, BX \
	ADDQ R12, BX \
	ADDQ R13, BX \
	ADDQ R14, BX \
	ADDQ R15, BX \
	ADDQ AX, BX \
	ADDQ CX, BX \
	ADDQ DX, BX \
	ADDQ BP, BX

// func walkRowsAsm(nodes *uint64, slots *uint64, width int, depth, sure uint32, leaves *uint32, groups int)
// width is in bytes. After sure levels a group goes on only while one of its rows
// does, at most to depth; steps beyond a leaf change nothing.
TEXT ·walkRowsAsm(SB), NOSPLIT, $16-48
	MOVQ nodes+0(FP), DI
	MOVQ slots+8(FP), SI

rows:
	MOVL sure+28(FP), AX
	MOVL AX, left-8(SP)
	XORL R8, R8
	XORL R9, R9
	XORL R10, R10
	XORL R11, R11
	XORL R12, R12
	XORL R13, R13
	XORL R14, R14
	XORL R15, R15
	XORL AX, AX
	XORL CX, CX
	XORL DX, DX
	XORL BP, BP
	CMPL left-8(SP), $0
	JEQ  reached

down:
	LEVEL
	DECL left-8(SP)
	JNZ  down
	MOVL depth+24(FP), BX
	SUBL sure+28(FP), BX
	JLE  reached
	MOVL BX, left-8(SP)
	PLACES
	MOVQ BX, places-16(SP)

perhaps:
	LEVEL
	LEVEL
	PLACES
	CMPQ BX, places-16(SP)
	JEQ  reached
	MOVQ BX, places-16(SP)
	SUBL $2, left-8(SP)
	JGT  perhaps

reached:
	MOVQ leaves+32(FP), BX
	LEAF(R8, 0)
	LEAF(R9, 4)
	LEAF(R10, 8)
	LEAF(R11, 12)
	LEAF(R12, 16)
	LEAF(R13, 20)
	LEAF(R14, 24)
	LEAF(R15, 28)
	LEAF(AX, 32)
	LEAF(CX, 36)
	LEAF(DX, 40)
	LEAF(BP, 44)
	ADDQ $48, BX
	MOVQ BX, leaves+32(FP)
	ADDQ width+16(FP), SI
	DECQ groups+40(FP)
	JNZ  rows
	RET
