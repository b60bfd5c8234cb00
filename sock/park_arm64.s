#include "textflag.h"

// func commit(gp goroutine, word unsafe.Pointer) bool
TEXT ·commit(SB), NOSPLIT, $0-17
	MOVD gp+0(FP), R1
	MOVD word+8(FP), R0
again:
	LDAXR (R0), R2
	AND $4, R2, R5 // waiterWatched
	BIC $4, R2, R2
	CMP $2, R2 // waiterWaiting
	BNE late
	ORR R1, R5, R5
	STLXR R5, (R0), R3
	CBNZ R3, again
	MOVD $1, R4
	MOVB R4, ret+16(FP)
	RET
late:
	CLREX
	MOVB ZR, ret+16(FP)
	RET
