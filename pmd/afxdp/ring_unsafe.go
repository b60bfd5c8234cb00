package afxdp

import (
	"sync/atomic"
	"unsafe"
)

// ring is one of the four rings of a socket, in memory shared with the kernel.
//
//	consumer <= producer <= consumer+size. Slots in [consumer, producer) belong to
//	the consumer, the others to the producer; storing an index hands slots over.
//
// Fill and TX are ours to produce, RX and completion ours to consume. The indexes
// count on for ever, modulo 2^32.
type ring struct {
	producer *atomic.Uint32 // written by us for fill and TX, by the kernel for RX and completion
	consumer *atomic.Uint32 // the other way round
	flags    *atomic.Uint32 // written by the kernel
	mask     uint32
	own      uint32 // our index: published only at the end of a burst
	limit    uint32 // how far own may go by the other side's index when it was last read
	slots    unsafe.Pointer
	mem      []byte // the mapping
}

// desc is struct xdp_desc: a slot of the RX or TX ring.
type desc struct {
	addr    uint64
	len     uint32
	options uint32
}

// offsets is struct xdp_ring_offset.
type offsets struct{ producer, consumer, desc, flags uint64 }

// init lays the ring over its mapping.
func (r *ring) init(mem []byte, size int, o offsets) {
	at := func(off uint64) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&mem[off])) }
	*r = ring{
		producer: at(o.producer), consumer: at(o.consumer), flags: at(o.flags),
		mask: uint32(size - 1), slots: unsafe.Pointer(&mem[o.desc]), mem: mem,
	}
}

// room returns how many slots may be produced; the kernel's index is read only if
// fewer than want were known to be free.
func (r *ring) room(want uint32) uint32 {
	if n := r.limit - r.own; n >= want {
		return n
	}
	r.limit = r.consumer.Load() + r.mask + 1
	return r.limit - r.own
}

// ready returns how many slots may be consumed, likewise.
func (r *ring) ready(want uint32) uint32 {
	if n := r.limit - r.own; n >= want {
		return n
	}
	r.limit = r.producer.Load()
	return r.limit - r.own
}

// desc lends the next slot of an RX or TX ring.
func (r *ring) desc() *desc {
	d := (*desc)(unsafe.Add(r.slots, uintptr(r.own&r.mask)*unsafe.Sizeof(desc{})))
	r.own++
	return d
}

// peek lends the slot i after the next one of an RX ring, which stays.
func (r *ring) peek(i uint32) *desc {
	return (*desc)(unsafe.Add(r.slots, uintptr((r.own+i)&r.mask)*unsafe.Sizeof(desc{})))
}

// addr lends the next slot of a fill or completion ring.
func (r *ring) addr() *uint64 {
	a := (*uint64)(unsafe.Add(r.slots, uintptr(r.own&r.mask)*8))
	r.own++
	return a
}

// bytesOf lends the memory of a structure that a system call wants as bytes.
func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }
