//go:build dpdk

package dpdk

// #cgo noescape dp_rx
// #cgo nocallback dp_rx
// #cgo noescape dp_tx
// #cgo nocallback dp_tx
// #include "dp.h"
import "C"

import (
	"unsafe"

	"dataplane/mbuf"
	"dataplane/pmd"
)

var _ pmd.Queue = (*Queue)(nil)

// Queue is one receive and one transmit queue. It belongs to one lcore.
type Queue struct{ c *C.struct_dp_queue } // nil once the port is closed

// The bursts pass the array of the caller's slice to C as an array of numbers: what
// is in it are addresses outside of the Go heap, which cgo need not look at.

// RxBurst returns up to len(b) frames in b[:n]. The caller owns them. Frames that
// came in with the last TxBurst are handed out first, without a call.
func (q *Queue) RxBurst(b []*mbuf.Mbuf) int {
	c := q.c
	if c == nil || len(b) == 0 {
		return 0
	}
	if c.stash_n != 0 {
		s := (*[C.DP_STASH]*mbuf.Mbuf)(unsafe.Pointer(&c.stash))
		n := copy(b, s[c.stash_at:c.stash_at+c.stash_n])
		c.stash_at += C.uint32_t(n)
		c.stash_n -= C.uint32_t(n)
		return n
	}
	return int(C.dp_rx(c, (*C.uint64_t)(unsafe.Pointer(&b[0])), C.uint32_t(min(len(b), maxBurst))))
}

// maxBurst is more than any caller asks for and fits DPDK's 16 bits.
const maxBurst = 1 << 15

// TxBurst takes the first n frames of b. The caller still owns b[n:].
func (q *Queue) TxBurst(b []*mbuf.Mbuf) int {
	c := q.c
	if c == nil || len(b) == 0 {
		return 0
	}
	return int(C.dp_tx(c, (*C.uint64_t)(unsafe.Pointer(&b[0])), C.uint32_t(min(len(b), maxBurst))))
}

// FD returns -1: a poll-mode driver is asked.
func (q *Queue) FD() int { return -1 }
