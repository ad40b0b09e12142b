#include "textflag.h"

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() (a uint32)
TEXT ·xgetbv(SB), NOSPLIT, $0-4
	XORL CX, CX
	XGETBV
	MOVL AX, a+0(FP)
	RET

// func standardiseAVX2(dst, x *float64, n int, m, s float64)
TEXT ·standardiseAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSD m+24(FP), Y0
	VBROADCASTSD s+32(FP), Y1
	XORQ         AX, AX

standardiseLoop:
	VMOVUPD (SI)(AX*8), Y2
	VSUBPD  Y0, Y2, Y2
	VMULPD  Y1, Y2, Y2
	VMOVUPD Y2, (DI)(AX*8)
	ADDQ    $4, AX
	CMPQ    AX, CX
	JLT     standardiseLoop
	VZEROUPPER
	RET

// func mixAVX2(z, x *float64, stride, n int, c *[4]float64)
TEXT ·mixAVX2(SB), NOSPLIT, $0-40
	MOVQ         z+0(FP), DI
	MOVQ         x+8(FP), R8
	MOVQ         stride+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         c+32(FP), BX
	LEAQ         (R8)(DX*8), R9
	LEAQ         (R9)(DX*8), R10
	LEAQ         (R10)(DX*8), R11
	VBROADCASTSD 0(BX), Y0
	VBROADCASTSD 8(BX), Y1
	VBROADCASTSD 16(BX), Y2
	VBROADCASTSD 24(BX), Y3
	XORQ         AX, AX

mixLoop:
	VMOVUPD     (DI)(AX*8), Y4
	VFMADD231PD (R8)(AX*8), Y0, Y4
	VFMADD231PD (R9)(AX*8), Y1, Y4
	VFMADD231PD (R10)(AX*8), Y2, Y4
	VFMADD231PD (R11)(AX*8), Y3, Y4
	VMOVUPD     Y4, (DI)(AX*8)
	ADDQ        $4, AX
	CMPQ        AX, CX
	JLT         mixLoop
	VZEROUPPER
	RET

// func mulAVX2(dst, a, b *float64, n int)
TEXT ·mulAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ AX, AX

mulLoop:
	VMOVUPD (SI)(AX*8), Y0
	VMULPD  (DX)(AX*8), Y0, Y0
	VMOVUPD Y0, (DI)(AX*8)
	ADDQ    $4, AX
	CMPQ    AX, CX
	JLT     mulLoop
	VZEROUPPER
	RET

// lanes adds the four lanes of Y: (l0 + l2) + (l1 + l3), to off(DI).
#define lanes(Y, X, off) \
	VEXTRACTF128 $1, Y, X15   \
	VADDPD       X15, X, X15  \
	VUNPCKHPD    X15, X15, X14 \
	VADDSD       X14, X15, X15 \
	VMOVSD       X15, off(DI)

// func tileAVX2(dst *[12]float64, a0, a1, a2, b *float64, stride, n int)
TEXT ·tileAVX2(SB), NOSPLIT, $0-56
	MOVQ   dst+0(FP), DI
	MOVQ   a0+8(FP), R8
	MOVQ   a1+16(FP), R9
	MOVQ   a2+24(FP), R10
	MOVQ   b+32(FP), R11
	MOVQ   stride+40(FP), DX
	MOVQ   n+48(FP), CX
	LEAQ   (R11)(DX*8), R12
	LEAQ   (R12)(DX*8), R13
	LEAQ   (R13)(DX*8), BX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7
	VXORPD Y8, Y8, Y8
	VXORPD Y9, Y9, Y9
	VXORPD Y10, Y10, Y10
	VXORPD Y11, Y11, Y11
	XORQ   AX, AX

tileLoop:
	VMOVUPD     (R8)(AX*8), Y12
	VMOVUPD     (R9)(AX*8), Y13
	VMOVUPD     (R10)(AX*8), Y14
	VMOVUPD     (R11)(AX*8), Y15
	VFMADD231PD Y15, Y12, Y0
	VFMADD231PD Y15, Y13, Y4
	VFMADD231PD Y15, Y14, Y8
	VMOVUPD     (R12)(AX*8), Y15
	VFMADD231PD Y15, Y12, Y1
	VFMADD231PD Y15, Y13, Y5
	VFMADD231PD Y15, Y14, Y9
	VMOVUPD     (R13)(AX*8), Y15
	VFMADD231PD Y15, Y12, Y2
	VFMADD231PD Y15, Y13, Y6
	VFMADD231PD Y15, Y14, Y10
	VMOVUPD     (BX)(AX*8), Y15
	VFMADD231PD Y15, Y12, Y3
	VFMADD231PD Y15, Y13, Y7
	VFMADD231PD Y15, Y14, Y11
	ADDQ        $4, AX
	CMPQ        AX, CX
	JLT         tileLoop

	lanes(Y0, X0, 0)
	lanes(Y1, X1, 8)
	lanes(Y2, X2, 16)
	lanes(Y3, X3, 24)
	lanes(Y4, X4, 32)
	lanes(Y5, X5, 40)
	lanes(Y6, X6, 48)
	lanes(Y7, X7, 56)
	lanes(Y8, X8, 64)
	lanes(Y9, X9, 72)
	lanes(Y10, X10, 80)
	lanes(Y11, X11, 88)
	VZEROUPPER
	RET

// func momentsAVX2(x *float64, n int, shift float64, out *[2]float64)
TEXT ·momentsAVX2(SB), NOSPLIT, $0-32
	MOVQ         x+0(FP), SI
	MOVQ         n+8(FP), CX
	VBROADCASTSD shift+16(FP), Y4
	MOVQ         out+24(FP), DI
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1
	XORQ         AX, AX

momentsLoop:
	VMOVUPD     (SI)(AX*8), Y2
	VSUBPD      Y4, Y2, Y2
	VADDPD      Y2, Y0, Y0
	VFMADD231PD Y2, Y2, Y1
	ADDQ        $4, AX
	CMPQ        AX, CX
	JLT         momentsLoop
	lanes(Y0, X0, 0)
	lanes(Y1, X1, 8)
	VZEROUPPER
	RET

// func logisticAVX2(z, y, curve, grown, line *float64, n int, k *[24]float64)
TEXT ·logisticAVX2(SB), NOSPLIT, $0-56
	MOVQ         z+0(FP), DI
	MOVQ         y+8(FP), SI
	MOVQ         curve+16(FP), R8
	MOVQ         grown+24(FP), R9
	MOVQ         line+32(FP), R10
	MOVQ         n+40(FP), CX
	MOVQ         k+48(FP), BX
	VBROADCASTSD 0(BX), Y15  // log2 e
	VBROADCASTSD 8(BX), Y14  // 1.5 · 2^52
	VBROADCASTSD 16(BX), Y13 // upper part of ln 2
	VBROADCASTSD 24(BX), Y12 // lower part
	VBROADCASTSD 32(BX), Y11 // lowest argument
	VBROADCASTSD 40(BX), Y10 // sign bit
	VBROADCASTSD 48(BX), Y9  // bits of 1.0
	XORQ         AX, AX

logisticLoop:
	VMOVUPD      (DI)(AX*8), Y0
	VORPD        Y10, Y0, Y1
	VMAXPD       Y11, Y1, Y1  // x = max(-|z|, lowest)
	VMOVAPD      Y14, Y2
	VFMADD231PD  Y15, Y1, Y2  // t = x·log2 e + 1.5·2^52
	VSUBPD       Y14, Y2, Y3  // n
	VFNMADD231PD Y13, Y3, Y1
	VFNMADD231PD Y12, Y3, Y1  // r = x - n·ln 2
	VPSLLQ       $52, Y2, Y2
	VPADDQ       Y9, Y2, Y2   // 2^n
	VBROADCASTSD 56(BX), Y3
	VBROADCASTSD 64(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 72(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 80(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 88(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 96(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 104(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 112(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 120(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 128(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 136(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VBROADCASTSD 144(BX), Y4
	VFMADD213PD  Y4, Y1, Y3
	VFMADD213PD  Y9, Y1, Y3
	VFMADD213PD  Y9, Y1, Y3
	VMULPD       Y2, Y3, Y3   // e = exp(-|z|)
	VADDPD       Y9, Y3, Y4   // 1 + e
	VMOVUPD      Y4, (R9)(AX*8)
	VDIVPD       Y4, Y9, Y5   // d = 1/(1+e)
	VMULPD       Y5, Y3, Y6   // e·d
	VBLENDVPD    Y0, Y6, Y5, Y7
	VMULPD       Y5, Y6, Y5
	VMOVUPD      Y5, (R8)(AX*8)
	VXORPD       Y5, Y5, Y5
	VMAXPD       Y5, Y0, Y5
	VMOVUPD      (SI)(AX*8), Y8
	VFNMADD231PD Y8, Y0, Y5
	VMOVUPD      Y5, (R10)(AX*8)
	VSUBPD       Y8, Y7, Y7
	VMOVUPD      Y7, (DI)(AX*8)
	ADDQ         $4, AX
	CMPQ         AX, CX
	JLT          logisticLoop
	VZEROUPPER
	RET
