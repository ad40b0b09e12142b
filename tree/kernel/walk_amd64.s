#include "textflag.h"

// One step of a chain: the node at index I has its key in the lower half, then
// its slot and its distance. Carry is set when key < value.
#define STEP(I, OFFSET) \
	MOVWLZX 4(DI)(I*8), BX \
	MOVL OFFSET(SI)(BX*4), BX \
	CMPL (DI)(I*8), BX \
	MOVWLZX 6(DI)(I*8), BX \
	ADCQ BX, I

// func walkTreesAsm(nodes *uint64, chain *uint32, slots *uint32, depth *uint32, groups int)
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
	MOVL (DI)(R8*8), R8
	MOVL R8, 0(BX)
	MOVL (DI)(R9*8), R9
	MOVL R9, 4(BX)
	MOVL (DI)(R10*8), R10
	MOVL R10, 8(BX)
	MOVL (DI)(R11*8), R11
	MOVL R11, 12(BX)
	MOVL (DI)(R12*8), R12
	MOVL R12, 16(BX)
	MOVL (DI)(R13*8), R13
	MOVL R13, 20(BX)
	MOVL (DI)(R14*8), R14
	MOVL R14, 24(BX)
	MOVL (DI)(R15*8), R15
	MOVL R15, 28(BX)
	MOVL (DI)(AX*8), AX
	MOVL AX, 32(BX)
	MOVL (DI)(CX*8), CX
	MOVL CX, 36(BX)
	MOVL (DI)(DX*8), DX
	MOVL DX, 40(BX)
	MOVL (DI)(BP*8), BP
	MOVL BP, 44(BX)
	ADDQ $48, BX
	MOVQ BX, chain+8(FP)
	DECQ groups+32(FP)
	JNZ  trees
	RET

// func walkRowsAsm(nodes *uint64, slots *uint32, width int, depth uint32, leaves *uint32, groups int)
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
	STEP(R8, 0)
	STEP(R9, 4)
	STEP(R10, 8)
	STEP(R11, 12)
	STEP(R12, 16)
	STEP(R13, 20)
	STEP(R14, 24)
	STEP(R15, 28)
	DECL CX
	JNZ  down

reached:
	MOVQ out-8(SP), BX
	MOVL (DI)(R8*8), AX
	MOVL AX, 0(BX)
	MOVL (DI)(R9*8), AX
	MOVL AX, 4(BX)
	MOVL (DI)(R10*8), AX
	MOVL AX, 8(BX)
	MOVL (DI)(R11*8), AX
	MOVL AX, 12(BX)
	MOVL (DI)(R12*8), AX
	MOVL AX, 16(BX)
	MOVL (DI)(R13*8), AX
	MOVL AX, 20(BX)
	MOVL (DI)(R14*8), AX
	MOVL AX, 24(BX)
	MOVL (DI)(R15*8), AX
	MOVL AX, 28(BX)
	ADDQ $32, BX
	MOVQ BX, out-8(SP)
	ADDQ width+16(FP), SI
	DECQ left-16(SP)
	JNZ  rows
	RET
