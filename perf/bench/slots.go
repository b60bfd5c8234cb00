package main

import "sync/atomic"

const (
	slotCount = 512        // descriptors of a wire, as pmd/wire has
	slotSize  = 2048 + 128 // of an ordinary frame; not a power of two, for the cache's sake
	wireBurst = 32
)

// slots is one direction of a wire in memory: a ring of slots, one copy into it,
// one out of it, taken in bursts. Planes and peers are measured on the same one.
//
//	tail <= head <= tail+len(length)
//	slots [tail, head) are the receiver's, all others the sender's
type slots struct {
	data   []byte
	length []uint32
	size   uint64
	mask   uint64

	_    [64]byte
	head atomic.Uint64 // written by the sender
	_    [64]byte
	tail atomic.Uint64 // written by the receiver

	_       [64]byte
	arrived func()      // wakes the receiver; set before the first frame
	drained func()      // wakes a sender that found no room; the same
	starved atomic.Bool // set by a sender that found no room, cleared by the receiver
}

// newSlots returns a ring of n slots, which is a power of two.
func newSlots(n, size int) *slots {
	return &slots{
		data: make([]byte, n*size), length: make([]uint32, n), size: uint64(size), mask: uint64(n - 1),
		arrived: func() {}, drained: func() {},
	}
}

// room is how many frames the sender may put.
func (r *slots) room() int { return len(r.length) - int(r.head.Load()-r.tail.Load()) }

// free is the sender's i-th free slot.
func (r *slots) free(i int) []byte { return r.at(r.head.Load() + uint64(i)) }

func (r *slots) at(n uint64) []byte {
	at := n & r.mask * r.size
	return r.data[at : at+r.size : at+r.size]
}

// filled says how long the frame in the i-th free slot is.
func (r *slots) filled(i, n int) {
	r.length[(r.head.Load()+uint64(i))&r.mask] = uint32(n)
}

// publish hands the first n free slots over.
func (r *slots) publish(n int) {
	r.head.Store(r.head.Load() + uint64(n))
	r.arrived()
}

// waiting is how many frames the receiver may read.
func (r *slots) waiting() int { return int(r.head.Load() - r.tail.Load()) }

// frame is the i-th waiting frame, borrowed until done.
func (r *slots) frame(i int) []byte {
	n := r.tail.Load() + uint64(i)
	return r.at(n)[:r.length[n&r.mask]]
}

// done gives n slots back.
func (r *slots) done(n int) {
	r.tail.Store(r.tail.Load() + uint64(n))
	if r.starved.Load() && r.starved.CompareAndSwap(true, false) {
		r.drained()
	}
}
