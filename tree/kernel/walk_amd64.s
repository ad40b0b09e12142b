#include "textflag.h"

// One step of a chain: the node at index I has its key in the lower half, then
// its slot and its distance. Carry is set when key < value.
#define STEP(I, OFFSET) \
	MOVQ (DI)(I*8), AX \
	RORXQ $32, AX, BX \
	MOVWLZX BX, DX \
	SHRL $16, BX \
	CMPL AX, OFFSET(SI)(DX*4) \
	ADCQ BX, I

// func walkTreesAsm(nodes *uint64, chain *uint32, slots *uint32, depth uint32)
TEXT ·walkTreesAsm(SB), NOSPLIT, $0-28
	MOVQ nodes+0(FP), DI
	MOVQ chain+8(FP), R9
	MOVQ slots+16(FP), SI
	MOVL depth+24(FP), CX
	MOVL 0(R9), R8
	MOVL 8(R9), R10
	MOVL 12(R9), R11
	MOVL 16(R9), R12
	MOVL 20(R9), R13
	MOVL 24(R9), R14
	MOVL 28(R9), R15
	MOVL 4(R9), R9
	TESTL CX, CX
	JZ   walked

level:
	STEP(R8, 0)
	STEP(R9, 0)
	STEP(R10, 0)
	STEP(R11, 0)
	STEP(R12, 0)
	STEP(R13, 0)
	STEP(R14, 0)
	STEP(R15, 0)
	DECL CX
	JNZ  level

walked:
	MOVQ chain+8(FP), AX
	MOVL R8, 0(AX)
	MOVL R9, 4(AX)
	MOVL R10, 8(AX)
	MOVL R11, 12(AX)
	MOVL R12, 16(AX)
	MOVL R13, 20(AX)
	MOVL R14, 24(AX)
	MOVL R15, 28(AX)
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
