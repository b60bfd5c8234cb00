//go:build dpdk

package dpdk

// #cgo noescape dp_rx
// #cgo nocallback dp_rx
// #cgo noescape dp_tx
// #cgo nocallback dp_tx
// #include "dp.h"
import "C"

import (
	"slices"
	"unsafe"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/dpdk/internal/ccall"
)

var _ pmd.Queue = (*Queue)(nil)

// Queue is one receive and one transmit queue. It belongs to one lcore.
type Queue struct {
	c      *C.struct_dp_queue // nil once the port is closed
	stack  uintptr            // for C, of a driver whose bursts never block; 0: cgo calls
	rx, tx uintptr            // dp_rx and dp_tx
}

// brisk are the drivers whose bursts are memory accesses only, or a write to an
// eventfd now and then. The others make system calls, of which Go's scheduler must
// know.
var brisk = []string{
	"net_e1000_em", "net_e1000_igb", "net_e1000_igb_vf", "net_ixgbe", "net_ixgbe_vf", "net_virtio",
	"net_ring", "net_null", "net_memif",
}

// newQueue returns queue c of a driver.
func newQueue(c *C.struct_dp_queue, driver string) *Queue {
	q := &Queue{c: c}
	if ccall.Known && slices.Contains(brisk, driver) {
		q.stack = uintptr(C.dp_queue_stack(c))
		q.rx, q.tx = uintptr(C.dp_function(0)), uintptr(C.dp_function(1))
	}
	return q
}

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
		n := min(len(b), int(c.stash_n))
		// Addresses outside of the heap are only numbers: no barriers.
		copy(unsafe.Slice((*uintptr)(unsafe.Pointer(&b[0])), n), unsafe.Slice((*uintptr)(unsafe.Pointer(&c.stash[c.stash_at])), n))
		c.stash_at += C.uint32_t(n)
		c.stash_n -= C.uint32_t(n)
		return n
	}
	if q.stack != 0 {
		return int(uint32(ccall.Call(q.rx, q.stack, unsafe.Pointer(c), unsafe.Pointer(&b[0]), uint64(min(len(b), maxBurst)))))
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
	if q.stack != 0 {
		return int(uint32(ccall.Call(q.tx, q.stack, unsafe.Pointer(c), unsafe.Pointer(&b[0]), uint64(min(len(b), maxBurst)))))
	}
	return int(C.dp_tx(c, (*C.uint64_t)(unsafe.Pointer(&b[0])), C.uint32_t(min(len(b), maxBurst))))
}

// FD returns -1: a poll-mode driver is asked.
func (q *Queue) FD() int { return -1 }
