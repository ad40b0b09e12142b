//go:build !purego

#include "textflag.h"

// One step of a chain from the node at index I: its slot is in the low 16 bits;
// node and slot are added, and the top 16 bits of the sum are the distance to the
// next node. The second form has one load less and needs one register more.
#define STEP(I) \
	MOVWLZX (DI)(I*8), BX \
	MOVQ (SI)(BX*8), BX \
	ADDQ (DI)(I*8), BX \
	SHRQ $48, BX \
	ADDQ BX, I

#define STEP2(I, OFFSET) \
	MOVQ (DI)(I*8), BX \
	MOVWLZX BX, AX \
	ADDQ OFFSET(SI)(AX*8), BX \
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
	STEP(R8)
	STEP(R9)
	STEP(R10)
	STEP(R11)
	STEP(R12)
	STEP(R13)
	STEP(R14)
	STEP(R15)
	STEP(AX)
	STEP(CX)
	STEP(DX)
	STEP(BP)
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

// func walkRowsAsm(nodes *uint64, slots *uint64, width int, depth uint32, leaves *uint32, groups int)
// width is in bytes.
TEXT ·walkRowsAsm(SB), NOSPLIT, $16-48
	MOVQ nodes+0(FP), DI
	MOVQ slots+8(FP), SI
	MOVQ leaves+32(FP), AX
	MOVQ AX, out-8(SP)
	MOVQ groups+40(FP), AX
	MOVQ AX, left-16(SP)

rows:
	MOVL depth+24(FP), CX
	XORL R8, R8
	XORL R9, R9
	XORL R10, R10
	XORL R11, R11
	XORL R12, R12
	XORL R13, R13
	XORL R14, R14
	XORL R15, R15
	TESTL CX, CX
	JZ   reached

down:
	STEP2(R8, 0)
	STEP2(R9, 8)
	STEP2(R10, 16)
	STEP2(R11, 24)
	STEP2(R12, 32)
	STEP2(R13, 40)
	STEP2(R14, 48)
	STEP2(R15, 56)
	DECL CX
	JNZ  down

reached:
	MOVQ out-8(SP), BX
	LEAF(R8, 0)
	LEAF(R9, 4)
	LEAF(R10, 8)
	LEAF(R11, 12)
	LEAF(R12, 16)
	LEAF(R13, 20)
	LEAF(R14, 24)
	LEAF(R15, 28)
	ADDQ $32, BX
	MOVQ BX, out-8(SP)
	ADDQ width+16(FP), SI
	DECQ left-16(SP)
	JNZ  rows
	RET
