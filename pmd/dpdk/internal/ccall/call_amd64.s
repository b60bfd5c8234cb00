//go:build dpdk && amd64

#include "textflag.h"

// func Call(fn, stack uintptr, a, b unsafe.Pointer, c uint64) uint64
//
// BX and the goroutine's R14 are the callee's to preserve (System V ABI for AMD64,
// 3.2.1), and so survive in C.
TEXT ·Call(SB), NOSPLIT, $0-48
	MOVQ fn+0(FP), AX
	MOVQ stack+8(FP), R12
	MOVQ a+16(FP), DI
	MOVQ b+24(FP), SI
	MOVQ c+32(FP), DX
	MOVQ SP, BX
	MOVQ R12, SP
	CLD
	CALL AX
	MOVQ BX, SP
	MOVQ AX, ret+40(FP)
	RET
