#include "textflag.h"

DATA constants<>+0(SB)/4, $0x3fb8aa3b // log2e
DATA constants<>+4(SB)/4, $0x3f318000 // ln2hi
DATA constants<>+8(SB)/4, $0xb95e8083 // ln2lo
DATA constants<>+12(SB)/4, $0x4b400000 // magic
DATA constants<>+16(SB)/4, $0x3ab60b61 // exp6
DATA constants<>+20(SB)/4, $0x3c088889 // exp5
DATA constants<>+24(SB)/4, $0x3d2aaaab // exp4
DATA constants<>+28(SB)/4, $0x3e2aaaab // exp3
DATA constants<>+32(SB)/4, $0x3f000000 // exp2
DATA constants<>+36(SB)/4, $0x3f800000 // one
DATA constants<>+40(SB)/4, $0x42ae0000 // limit
DATA constants<>+44(SB)/4, $0xc2ae0000 // neglimit
DATA constants<>+48(SB)/4, $0x24e69595 // tiny
DATA constants<>+52(SB)/4, $0x37800000 // frac
DATA constants<>+56(SB)/4, $0x80000000 // sign
DATA constants<>+60(SB)/4, $0x7fffffff // magn
DATA constants<>+64(SB)/4, $0x0000ffff // low16
DATA constants<>+68(SB)/4, $0x0000007f // bias
DATA constants<>+72(SB)/4, $0x9e3779b1 // mul1
DATA constants<>+76(SB)/4, $0x85ebca77 // mul2
GLOBL constants<>(SB), RODATA|NOPTR, $80

DATA lanes<>+0(SB)/4, $0
DATA lanes<>+4(SB)/4, $1
DATA lanes<>+8(SB)/4, $2
DATA lanes<>+12(SB)/4, $3
DATA lanes<>+16(SB)/4, $4
DATA lanes<>+20(SB)/4, $5
DATA lanes<>+24(SB)/4, $6
DATA lanes<>+28(SB)/4, $7
GLOBL lanes<>(SB), RODATA|NOPTR, $32

DATA eight<>+0(SB)/4, $8
DATA eight<>+4(SB)/4, $8
DATA eight<>+8(SB)/4, $8
DATA eight<>+12(SB)/4, $8
DATA eight<>+16(SB)/4, $8
DATA eight<>+20(SB)/4, $8
DATA eight<>+24(SB)/4, $8
DATA eight<>+28(SB)/4, $8
GLOBL eight<>(SB), RODATA|NOPTR, $32

// func logisticAsm(grad, hess, score, y *float32, n int, offset float32)
// n is a multiple of eight. Products are rounded before they are added, as in
// logisticGo.
TEXT ·logisticAsm(SB), NOSPLIT, $0-44
	MOVQ grad+0(FP), DI
	MOVQ hess+8(FP), SI
	MOVQ score+16(FP), R8
	MOVQ y+24(FP), R9
	MOVQ n+32(FP), CX
	VBROADCASTSS offset+40(FP), Y15
	VBROADCASTSS constants<>+56(SB), Y14
	VBROADCASTSS constants<>+40(SB), Y13
	VBROADCASTSS constants<>+44(SB), Y12
	VBROADCASTSS constants<>+0(SB), Y11
	VBROADCASTSS constants<>+12(SB), Y10
	VBROADCASTSS constants<>+4(SB), Y9
	VBROADCASTSS constants<>+8(SB), Y8
	VBROADCASTSS constants<>+36(SB), Y7
	VBROADCASTSS constants<>+32(SB), Y6

logistic:
	VADDPS (R8), Y15, Y0
	VXORPS Y14, Y0, Y0
	VMINPS Y13, Y0, Y0
	VMAXPS Y12, Y0, Y0
	VMULPS Y11, Y0, Y1
	VADDPS Y10, Y1, Y1
	VSUBPS Y10, Y1, Y1 // n
	VMULPS Y9, Y1, Y2
	VSUBPS Y2, Y0, Y0
	VMULPS Y8, Y1, Y2
	VSUBPS Y2, Y0, Y0  // r
	VBROADCASTSS constants<>+16(SB), Y3
	VMULPS Y0, Y3, Y3
	VBROADCASTSS constants<>+20(SB), Y4
	VADDPS Y4, Y3, Y3
	VMULPS Y0, Y3, Y3
	VBROADCASTSS constants<>+24(SB), Y4
	VADDPS Y4, Y3, Y3
	VMULPS Y0, Y3, Y3
	VBROADCASTSS constants<>+28(SB), Y4
	VADDPS Y4, Y3, Y3
	VMULPS Y0, Y3, Y3
	VADDPS Y6, Y3, Y3
	VMULPS Y0, Y0, Y4
	VMULPS Y4, Y3, Y3
	VADDPS Y0, Y3, Y3
	VADDPS Y7, Y3, Y3
	VCVTTPS2DQ Y1, Y1
	VBROADCASTSS constants<>+68(SB), Y4
	VPADDD Y4, Y1, Y1
	VPSLLD $23, Y1, Y1
	VMULPS Y1, Y3, Y3  // exp
	VADDPS Y7, Y3, Y3
	VDIVPS Y3, Y7, Y3  // p
	VSUBPS (R9), Y3, Y4
	VMOVUPS Y4, (DI)
	VSUBPS Y3, Y7, Y4
	VMULPS Y4, Y3, Y4
	VBROADCASTSS constants<>+48(SB), Y5
	VMAXPS Y5, Y4, Y4
	VMOVUPS Y4, (SI)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	SUBQ $8, CX
	JNZ  logistic
	VZEROUPPER
	RET

// func roundNarrowAsm(dst *int32, grad, hess *float32, n int, s *rounding)
// n is a multiple of eight.
TEXT ·roundNarrowAsm(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ hess+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ s+32(FP), R9
	VBROADCASTSS (R9), Y15   // scaleG
	VBROADCASTSS 4(R9), Y14  // scaleH
	VBROADCASTSS 8(R9), Y13  // maxG
	VBROADCASTSS 12(R9), Y12 // maxH
	VPBROADCASTD 16(R9), Y11 // seed
	VPBROADCASTD 20(R9), Y10 // first
	VPADDD lanes<>(SB), Y10, Y10
	VBROADCASTSS constants<>+72(SB), Y9
	VBROADCASTSS constants<>+76(SB), Y8
	VBROADCASTSS constants<>+64(SB), Y7
	VBROADCASTSS constants<>+52(SB), Y6
	VBROADCASTSS constants<>+56(SB), Y5
	VXORPS Y13, Y5, Y5       // -maxG

round:
	VPXOR Y11, Y10, Y0
	VPMULLD Y9, Y0, Y0
	VPSRLD $15, Y0, Y1
	VPXOR Y1, Y0, Y0
	VPMULLD Y8, Y0, Y0
	VPSRLD $13, Y0, Y1
	VPXOR Y1, Y0, Y0
	VPSRLD $16, Y0, Y1
	VPAND Y7, Y0, Y0
	VCVTDQ2PS Y1, Y1
	VCVTDQ2PS Y0, Y0
	VMULPS Y6, Y1, Y1
	VMULPS Y6, Y0, Y0
	VMULPS (SI), Y15, Y2
	VMULPS (R8), Y14, Y3
	VADDPS Y1, Y2, Y2
	VADDPS Y0, Y3, Y3
	VROUNDPS $1, Y2, Y2
	VROUNDPS $1, Y3, Y3
	VMINPS Y13, Y2, Y2
	VMAXPS Y5, Y2, Y2
	VMINPS Y12, Y3, Y3
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3
	VPSLLD $16, Y2, Y2
	VPADDD Y3, Y2, Y2
	VMOVDQU Y2, (DI)
	ADDQ $32, DI
	VPADDD eight<>(SB), Y10, Y10
	ADDQ $32, SI
	ADDQ $32, R8
	SUBQ $8, CX
	JNZ  round
	VZEROUPPER
	RET

// func roundWideAsm(dst *int64, grad, hess *float32, n int, s *rounding)
// n is a multiple of eight.
TEXT ·roundWideAsm(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ hess+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ s+32(FP), R9
	VBROADCASTSS (R9), Y15   // scaleG
	VBROADCASTSS 4(R9), Y14  // scaleH
	VBROADCASTSS 8(R9), Y13  // maxG
	VBROADCASTSS 12(R9), Y12 // maxH
	VPBROADCASTD 16(R9), Y11 // seed
	VPBROADCASTD 20(R9), Y10 // first
	VPADDD lanes<>(SB), Y10, Y10
	VBROADCASTSS constants<>+72(SB), Y9
	VBROADCASTSS constants<>+76(SB), Y8
	VBROADCASTSS constants<>+64(SB), Y7
	VBROADCASTSS constants<>+52(SB), Y6
	VBROADCASTSS constants<>+56(SB), Y5
	VXORPS Y13, Y5, Y5       // -maxG

round:
	VPXOR Y11, Y10, Y0
	VPMULLD Y9, Y0, Y0
	VPSRLD $15, Y0, Y1
	VPXOR Y1, Y0, Y0
	VPMULLD Y8, Y0, Y0
	VPSRLD $13, Y0, Y1
	VPXOR Y1, Y0, Y0
	VPSRLD $16, Y0, Y1
	VPAND Y7, Y0, Y0
	VCVTDQ2PS Y1, Y1
	VCVTDQ2PS Y0, Y0
	VMULPS Y6, Y1, Y1
	VMULPS Y6, Y0, Y0
	VMULPS (SI), Y15, Y2
	VMULPS (R8), Y14, Y3
	VADDPS Y1, Y2, Y2
	VADDPS Y0, Y3, Y3
	VROUNDPS $1, Y2, Y2
	VROUNDPS $1, Y3, Y3
	VMINPS Y13, Y2, Y2
	VMAXPS Y5, Y2, Y2
	VMINPS Y12, Y3, Y3
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3
	VPUNPCKLDQ Y2, Y3, Y0 // entries 0 1 4 5
	VPUNPCKHDQ Y2, Y3, Y1 // entries 2 3 6 7
	VPERM2I128 $0x20, Y1, Y0, Y2
	VPERM2I128 $0x31, Y1, Y0, Y3
	VMOVDQU Y2, (DI)
	VMOVDQU Y3, 32(DI)
	ADDQ $64, DI
	VPADDD eight<>(SB), Y10, Y10
	ADDQ $32, SI
	ADDQ $32, R8
	SUBQ $8, CX
	JNZ  round
	VZEROUPPER
	RET

// func largestAsm(grad, hess *float32, n int) (topG, topH uint32)
// n is a multiple of eight; the bits of the largest magnitudes are returned.
TEXT ·largestAsm(SB), NOSPLIT, $0-32
	MOVQ grad+0(FP), DI
	MOVQ hess+8(FP), SI
	MOVQ n+16(FP), CX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VBROADCASTSS constants<>+60(SB), Y2

largest:
	VPAND (DI), Y2, Y3
	VPAND (SI), Y2, Y4
	VPMAXUD Y3, Y0, Y0
	VPMAXUD Y4, Y1, Y1
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  largest
	VEXTRACTI128 $1, Y0, X3
	VPMAXUD X3, X0, X0
	VPSHUFD $0x4e, X0, X3
	VPMAXUD X3, X0, X0
	VPSHUFD $0xb1, X0, X3
	VPMAXUD X3, X0, X0
	VMOVD X0, AX
	MOVL AX, topG+24(FP)
	VEXTRACTI128 $1, Y1, X3
	VPMAXUD X3, X1, X1
	VPSHUFD $0x4e, X1, X3
	VPMAXUD X3, X1, X1
	VPSHUFD $0xb1, X1, X3
	VPMAXUD X3, X1, X1
	VMOVD X1, AX
	MOVL AX, topH+28(FP)
	VZEROUPPER
	RET
