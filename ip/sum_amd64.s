#include "textflag.h"

// The vector loops add 64-bit words as they lie in memory, in two sums of four lanes
// each: of the words modulo 2^64, and of their upper halves, which take 2^32 words
// before they overflow. The sum of the lower halves is the first less 2^32 times the
// second.

// What both functions do with four vectors Y0-Y3 of words: Y4, Y5 are the sums of the
// words, Y6, Y7 those of their upper halves.

#define ZERO \
	VPXOR Y4, Y4, Y4 \
	VPXOR Y5, Y5, Y5 \
	VPXOR Y6, Y6, Y6 \
	VPXOR Y7, Y7, Y7

#define GATHER \
	VPADDQ Y0, Y4, Y4  \
	VPADDQ Y1, Y5, Y5  \
	VPSRLQ $32, Y0, Y0 \
	VPSRLQ $32, Y1, Y1 \
	VPADDQ Y2, Y4, Y4  \
	VPADDQ Y3, Y5, Y5  \
	VPSRLQ $32, Y2, Y2 \
	VPSRLQ $32, Y3, Y3 \
	VPADDQ Y0, Y6, Y6  \
	VPADDQ Y1, Y7, Y7  \
	VPADDQ Y2, Y6, Y6  \
	VPADDQ Y3, Y7, Y7

// LANES adds all of them to the sum in AX.
#define LANES \
	VPADDQ       Y5, Y4, Y4  \
	VPADDQ       Y7, Y6, Y6  \
	VPSLLQ       $32, Y6, Y7 \
	VPSUBQ       Y7, Y4, Y4  \
	VPADDQ       Y6, Y4, Y4  \
	VEXTRACTI128 $1, Y4, X5  \
	VPADDQ       X5, X4, X4  \
	VPSRLDQ      $8, X4, X5  \
	VPADDQ       X5, X4, X4  \
	VMOVQ        X4, BX      \
	ADDQ         BX, AX      \
	ADCQ         $0, AX      \
	VZEROUPPER

// FOLD makes 16 bits of the sum in AX, and swaps them.
#define FOLD \
	MOVQ    AX, BX  \
	SHRQ    $32, BX \
	ADDL    BX, AX  \
	ADCL    $0, AX  \
	MOVL    AX, BX  \
	SHRL    $16, BX \
	ADDW    BX, AX  \
	ADCW    $0, AX  \
	ROLW    $8, AX  \
	MOVWLZX AX, AX

// Both functions begin with s, 8 bits up: in the order of memory that is s swapped, before
// any folding.

// func sumBytes(b []byte, s uint32) uint32
//
// Adds the words of b to s, by vectors where that pays, else 64 bits at a time with the
// carry coming round (RFC 1071 2 (C)), folds to 16 bits and swaps them. b may be empty.
TEXT ·sumBytes(SB), NOSPLIT, $0-36
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), CX
	MOVL s+24(FP), AX
	SHLQ $8, AX
	CMPQ CX, $256
	JAE  vector

scalar:
	MOVQ CX, DX
	SHRQ $5, DX
	JZ   words

block: // 32 bytes
	ADDQ 0(SI), AX
	ADCQ 8(SI), AX
	ADCQ 16(SI), AX
	ADCQ 24(SI), AX
	ADCQ $0, AX
	ADDQ $32, SI
	DECQ DX
	JNZ  block

words:
	TESTQ $16, CX
	JZ    word
	ADDQ  0(SI), AX
	ADCQ  8(SI), AX
	ADCQ  $0, AX
	ADDQ  $16, SI

word:
	TESTQ $8, CX
	JZ    rest
	ADDQ  0(SI), AX
	ADCQ  $0, AX
	ADDQ  $8, SI

rest:
	ANDQ  $7, CX
	JZ    done
	TESTQ $4, CX
	JZ    two
	MOVL  0(SI), BX
	ADDQ  $4, SI
	ADDQ  BX, AX
	ADCQ  $0, AX

two:
	TESTQ   $2, CX
	JZ      one
	MOVWLZX 0(SI), BX
	ADDQ    $2, SI
	ADDQ    BX, AX
	ADCQ    $0, AX

one:
	TESTQ   $1, CX
	JZ      done
	MOVBLZX 0(SI), BX
	ADDQ    BX, AX
	ADCQ    $0, AX

done:
	FOLD
	MOVL    AX, ret+32(FP)
	RET

vector:
	CMPB  ·haveAVX2(SB), $0
	JEQ   scalar
	ZERO
	SUBQ  $128, CX

pair: // 128 bytes
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	GATHER
	ADDQ    $128, SI
	SUBQ    $128, CX
	JGE     pair
	ADDQ    $128, CX

	LANES
	JMP scalar

// func copySumBytes(dst, src []byte, s uint32) uint32
//
// Copies src to dst, which is at least as long, and sums it as sumBytes does.
TEXT ·copySumBytes(SB), NOSPLIT, $0-60
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	MOVL s+48(FP), AX
	SHLQ $8, AX
	CMPQ CX, $256
	JAE  vector

scalar:
	MOVQ CX, DX
	SHRQ $5, DX
	JZ   words

block: // 32 bytes
	MOVQ 0(SI), R8
	MOVQ 8(SI), R9
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	ADDQ R8, AX
	ADCQ R9, AX
	ADCQ R10, AX
	ADCQ R11, AX
	ADCQ $0, AX
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ DX
	JNZ  block

words:
	TESTQ $16, CX
	JZ    word
	MOVQ  0(SI), R8
	MOVQ  8(SI), R9
	MOVQ  R8, 0(DI)
	MOVQ  R9, 8(DI)
	ADDQ  R8, AX
	ADCQ  R9, AX
	ADCQ  $0, AX
	ADDQ  $16, SI
	ADDQ  $16, DI

word:
	TESTQ $8, CX
	JZ    rest
	MOVQ  0(SI), R8
	MOVQ  R8, 0(DI)
	ADDQ  R8, AX
	ADCQ  $0, AX
	ADDQ  $8, SI
	ADDQ  $8, DI

rest:
	ANDQ  $7, CX
	JZ    done
	TESTQ $4, CX
	JZ    two
	MOVL  0(SI), BX
	MOVL  BX, 0(DI)
	ADDQ  $4, SI
	ADDQ  $4, DI
	ADDQ  BX, AX
	ADCQ  $0, AX

two:
	TESTQ   $2, CX
	JZ      one
	MOVWLZX 0(SI), BX
	MOVW    BX, 0(DI)
	ADDQ    $2, SI
	ADDQ    $2, DI
	ADDQ    BX, AX
	ADCQ    $0, AX

one:
	TESTQ   $1, CX
	JZ      done
	MOVBLZX 0(SI), BX
	MOVB    BX, 0(DI)
	ADDQ    BX, AX
	ADCQ    $0, AX

done:
	FOLD
	MOVL    AX, ret+56(FP)
	RET

vector:
	CMPB  ·haveAVX2(SB), $0
	JEQ   scalar
	ZERO
	SUBQ  $128, CX

pair: // 128 bytes
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	GATHER
	ADDQ    $128, SI
	ADDQ    $128, DI
	SUBQ    $128, CX
	JGE     pair
	ADDQ    $128, CX

	LANES
	JMP scalar
