#include "textflag.h"

// Rows are visited in order; the bins of the row 16 places later are fetched
// early. Two bins at a time are cut from a word of eight.

// func add8Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)
TEXT ·add8Asm(SB), NOSPLIT, $0-48
	MOVQ hist+0(FP), R10
	MOVQ bins+8(FP), R11
	MOVQ stride+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ n+32(FP), R12
	MOVQ entries+40(FP), R13
	TESTQ R12, R12
	JZ   done

loop:
	MOVL (R9), AX
	MOVL 64(R9), SI
	ADDQ $4, R9
	MOVQ (R13), R15
	ADDQ $8, R13
	IMULQ R8, AX
	IMULQ R8, SI
	PREFETCHT0 (R11)(SI*1)
	MOVQ (R11)(AX*1), BX
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDQ R15, (R10)(AX*8)
	ADDQ R15, 2048(R10)(CX*8)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDQ R15, 4096(R10)(AX*8)
	ADDQ R15, 6144(R10)(CX*8)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDQ R15, 8192(R10)(AX*8)
	ADDQ R15, 10240(R10)(CX*8)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	ADDQ R15, 12288(R10)(AX*8)
	ADDQ R15, 14336(R10)(CX*8)
	DECQ R12
	JNZ  loop

done:
	RET

// func add4Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)
TEXT ·add4Asm(SB), NOSPLIT, $0-48
	MOVQ hist+0(FP), R10
	MOVQ bins+8(FP), R11
	MOVQ stride+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ n+32(FP), R12
	MOVQ entries+40(FP), R13
	TESTQ R12, R12
	JZ   done

loop:
	MOVL (R9), AX
	MOVL 64(R9), SI
	ADDQ $4, R9
	MOVQ (R13), R15
	ADDQ $8, R13
	IMULQ R8, AX
	IMULQ R8, SI
	PREFETCHT0 (R11)(SI*1)
	MOVL (R11)(AX*1), BX
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDQ R15, (R10)(AX*8)
	ADDQ R15, 2048(R10)(CX*8)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	ADDQ R15, 4096(R10)(AX*8)
	ADDQ R15, 6144(R10)(CX*8)
	DECQ R12
	JNZ  loop

done:
	RET

// func add1Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)
TEXT ·add1Asm(SB), NOSPLIT, $0-48
	MOVQ hist+0(FP), R10
	MOVQ bins+8(FP), R11
	MOVQ stride+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ n+32(FP), R12
	MOVQ entries+40(FP), R13
	TESTQ R12, R12
	JZ   done

loop:
	MOVL (R9), AX
	MOVL 64(R9), SI
	ADDQ $4, R9
	MOVQ (R13), R15
	ADDQ $8, R13
	IMULQ R8, AX
	IMULQ R8, SI
	PREFETCHT0 (R11)(SI*1)
	MOVBLZX (R11)(AX*1), BX
	ADDQ R15, (R10)(BX*8)
	DECQ R12
	JNZ  loop

done:
	RET

// func add8NarrowAsm(hist *int32, bins *uint8, stride int, rows *uint32, n int, entries *int32)
TEXT ·add8NarrowAsm(SB), NOSPLIT, $0-48
	MOVQ hist+0(FP), R10
	MOVQ bins+8(FP), R11
	MOVQ stride+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ n+32(FP), R12
	MOVQ entries+40(FP), R13
	TESTQ R12, R12
	JZ   done

loop:
	MOVL (R9), AX
	MOVL 64(R9), SI
	ADDQ $4, R9
	MOVL (R13), R15
	ADDQ $4, R13
	IMULQ R8, AX
	IMULQ R8, SI
	PREFETCHT0 (R11)(SI*1)
	MOVQ (R11)(AX*1), BX
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDL R15, (R10)(AX*4)
	ADDL R15, 1024(R10)(CX*4)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDL R15, 2048(R10)(AX*4)
	ADDL R15, 3072(R10)(CX*4)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDL R15, 4096(R10)(AX*4)
	ADDL R15, 5120(R10)(CX*4)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	ADDL R15, 6144(R10)(AX*4)
	ADDL R15, 7168(R10)(CX*4)
	DECQ R12
	JNZ  loop

done:
	RET

// func add4NarrowAsm(hist *int32, bins *uint8, stride int, rows *uint32, n int, entries *int32)
TEXT ·add4NarrowAsm(SB), NOSPLIT, $0-48
	MOVQ hist+0(FP), R10
	MOVQ bins+8(FP), R11
	MOVQ stride+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ n+32(FP), R12
	MOVQ entries+40(FP), R13
	TESTQ R12, R12
	JZ   done

loop:
	MOVL (R9), AX
	MOVL 64(R9), SI
	ADDQ $4, R9
	MOVL (R13), R15
	ADDQ $4, R13
	IMULQ R8, AX
	IMULQ R8, SI
	PREFETCHT0 (R11)(SI*1)
	MOVL (R11)(AX*1), BX
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	SHRQ $16, BX
	ADDL R15, (R10)(AX*4)
	ADDL R15, 1024(R10)(CX*4)
	MOVBLZX BL, AX
	MOVBLZX BH, CX
	ADDL R15, 2048(R10)(AX*4)
	ADDL R15, 3072(R10)(CX*4)
	DECQ R12
	JNZ  loop

done:
	RET

// func emptyAsm(hist *int64, part *int32, n int)
// n is a multiple of eight.
TEXT ·emptyAsm(SB), NOSPLIT, $0-24
	MOVQ hist+0(FP), DI
	MOVQ part+8(FP), SI
	MOVQ n+16(FP), CX
	VPXOR Y5, Y5, Y5
	VPCMPEQD Y6, Y6, Y6
	VPSRLQ $48, Y6, Y7   // 0xffff in each word
	VPSLLQ $32, Y6, Y6   // upper halves

empty:
	VPMOVSXDQ (SI), Y0
	VPMOVSXDQ 16(SI), Y1
	VMOVDQU Y5, (SI)
	VPAND Y7, Y0, Y2
	VPAND Y7, Y1, Y3
	VPSLLQ $16, Y0, Y0
	VPSLLQ $16, Y1, Y1
	VPAND Y6, Y0, Y0
	VPAND Y6, Y1, Y1
	VPADDQ Y2, Y0, Y0
	VPADDQ Y3, Y1, Y1
	VPADDQ (DI), Y0, Y0
	VPADDQ 32(DI), Y1, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $8, CX
	JNZ  empty
	VZEROUPPER
	RET
