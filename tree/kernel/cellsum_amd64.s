//go:build !purego

#include "textflag.h"

// TASK loads a cellTask: R8 sums, CX rows left, SI cells, R9–R11 places, R12, R13 and
// DI leaves, R15 values.
#define TASK \
	MOVQ t+0(FP), AX \
	MOVQ 0(AX), R8 \
	MOVQ 8(AX), CX \
	MOVQ 16(AX), SI \
	MOVQ 24(AX), R9 \
	MOVQ 32(AX), R10 \
	MOVQ 40(AX), R11 \
	MOVQ 48(AX), R12 \
	MOVQ 56(AX), R13 \
	MOVQ 64(AX), DI \
	MOVQ 72(AX), R15

// LEAVES leaves the numbers of a row's leaves in the three trees in BX, DX and AX, and
// goes to the next row. The places of three trees share a word, 21 bits each.
#define LEAVES \
	MOVWLZX (SI), AX \
	MOVWLZX 4096(SI), BX \
	MOVWLZX 8192(SI), DX \
	MOVQ (R9)(AX*8), AX \
	ADDQ (R10)(BX*8), AX \
	ADDQ (R11)(DX*8), AX \
	ADDQ $2, SI \
	MOVL AX, BX \
	MOVQ AX, DX \
	ANDL $0x1fffff, BX \
	SHRQ $21, DX \
	SHRQ $42, AX \
	ANDL $0x1fffff, DX \
	MOVBLZX (R12)(BX*1), BX \
	MOVBLZX (R13)(DX*1), DX \
	MOVBLZX (DI)(AX*1), AX

// func addCellsAsm(t *cellTask)
TEXT ·addCellsAsm(SB), NOSPLIT, $0-8
	TASK

one:
	LEAVES
	MOVSD (R8), X0
	ADDSD (R15)(BX*8), X0
	ADDSD 4096(R15)(DX*8), X0
	ADDSD 8192(R15)(AX*8), X0
	MOVSD X0, (R8)
	ADDQ  $8, R8
	DECQ  CX
	JNZ   one
	RET

// func addCellPairsAsm(t *cellTask)
TEXT ·addCellPairsAsm(SB), NOSPLIT, $0-8
	TASK

two:
	LEAVES
	ADDL   BX, BX
	ADDL   DX, DX
	ADDL   AX, AX
	MOVUPD (R8), X0
	MOVUPD (R15)(BX*8), X1
	MOVUPD 4096(R15)(DX*8), X2
	MOVUPD 8192(R15)(AX*8), X3
	ADDPD  X1, X0
	ADDPD  X2, X0
	ADDPD  X3, X0
	MOVUPD X0, (R8)
	ADDQ   $16, R8
	DECQ   CX
	JNZ    two
	RET
