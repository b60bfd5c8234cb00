#include "textflag.h"

// func commit(gp goroutine, word unsafe.Pointer) bool
TEXT ·commit(SB), NOSPLIT, $0-17
	MOVQ gp+0(FP), CX
	MOVQ word+8(FP), BX
	MOVQ $2, AX // waiterWaiting
	LOCK
	CMPXCHGQ CX, (BX)
	JEQ done
	CMPQ AX, $6 // waiterWaiting | waiterWatched
	JNE late
	ORQ $4, CX // waiterWatched
	LOCK
	CMPXCHGQ CX, (BX)
	JEQ done
	// It is not watched any more, or not waiting: who looks again finds out.
late:
	MOVB $0, ret+16(FP)
	RET
done:
	MOVB $1, ret+16(FP)
	RET
