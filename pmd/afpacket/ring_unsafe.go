package afpacket

import (
	"sync/atomic"
	"unsafe"
)

// load reads the status word of the slot at off: what the kernel wrote before it is
// seen. It is checked against the mapping, and is aligned, as slots are.
func (r *ring) load(off int) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.mem[off+slotStatus])))
}

// store writes it: what was read before is read.
func (r *ring) store(off int, status uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&r.mem[off+slotStatus])), status)
}
