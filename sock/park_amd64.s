#include "textflag.h"

// func commit(gp goroutine, word unsafe.Pointer) bool
TEXT ·commit(SB), NOSPLIT, $0-17
	MOVQ gp+0(FP), CX
	MOVQ word+8(FP), BX
	MOVQ $2, AX // waiterWaiting
	LOCK
	CMPXCHGQ CX, (BX)
	SETEQ ret+16(FP)
	RET
