package ring

import (
	"sync"
	"sync/atomic"
)

// firstBytes is what a Bytes takes with its first write, if that is small.
const firstBytes = 256

// Bytes is a ring of bytes from one producer to one consumer that grows with
// what is in it. Positions are absolute and never wrap; position p lives in
// slot p & (cap-1) of the array.
//
//	tail        head          highest      tail+limit
//	  |published |  written    |   untouched |
//
//	tail <= head <= highest <= tail+limit, highest-tail <= cap.
//	Bytes in [tail, head) belong to the consumer, all others to the producer,
//	who may write ahead of head (data that came out of order) and publish it
//	later. The consumer may read its bytes as often as it likes (data that must
//	be sent again). Storing head hands bytes over; storing tail hands them back.
//	Both are release stores: who looks next whether the other side waits for them
//	does so after a fence (StoreRelease).
//
// Growth: the producer copies [tail, highest) into a larger array and then
// stores the pointer to it. It never writes the old array again, so a consumer
// that still reads there is not disturbed. The consumer loads head first and
// the pointer afterwards: an array at least as new as that head holds every
// byte before it, because all that was published by then was written to it or
// copied into it. A tail that is old when the producer copies only makes it
// copy bytes that nobody needs.
//
// An empty ring begins again at slot 0: what passes through stays in the part of
// the array that caches hold, however large it has grown. The producer moves base
// only when it sees tail == highest, which the consumer stored when it was done
// with the old base; the consumer reads base only after it has seen a head
// beyond its tail, which was stored after the new one.
//
// The tail is elsewhere: the consumer's words and the producer's must not share a
// cache line, but the tail may well lie beside what else the consumer writes, above
// all beside a Bytes that goes the other way.
type Bytes struct {
	arr     atomic.Pointer[array] // written by the producer; nil: no memory taken
	head    atomic.Uint64         // written by the producer
	highest uint64                // the producer's: nothing is written from here on
	tail    *atomic.Uint64        // written by the consumer
	base    uint32                // written by the producer: the position in slot 0, its low bits
	limit   atomic.Int32          // written by the producer: no byte lies at tail+limit or beyond
}

// array is one generation of a ring's memory.
type array struct {
	b     []byte  // len is a power of two
	whole *little // what it is part of; nil: nothing
}

// little is an array in one piece with its first memory, which begins a cache line: a
// small message takes as few of them to another core as it can.
type little struct {
	array
	_     [64 - 32]byte
	first [firstBytes]byte
}

// littles are those that empty rings gave back. Thousands of connections that speak
// after a pause take them again, and what nobody takes is the collector's.
var littles = sync.Pool{New: func() any {
	l := new(little)
	l.b, l.whole = l.first[:], l
	return l
}}

// Init makes b an empty ring that may hold limit bytes. It takes no memory for them.
// Neither side may use the ring meanwhile.
func (b *Bytes) Init(limit int) { b.InitAt(limit, new(atomic.Uint64)) }

// InitAt is Init for a ring whose tail has its place.
func (b *Bytes) InitAt(limit int, tail *atomic.Uint64) {
	b.arr.Store(nil)
	b.highest, b.base, b.tail = 0, 0, tail
	b.limit.Store(int32(max(limit, 0)))
	b.head.Store(0)
	b.tail.Store(0)
}

// keptBytes is how much memory a ring that is made anew keeps.
const keptBytes = 4096

// Again makes b an empty ring once more, for other users, who may not see what was in
// it: neither side of the old ones uses it any more. Positions go on, and so does a
// small array.
func (b *Bytes) Again(limit int) {
	if b.limit.Load() != int32(max(limit, 0)) {
		b.limit.Store(int32(max(limit, 0)))
	}
	head := b.head.Load()
	if b.highest = head; b.tail.Load() != head {
		b.tail.Store(head)
	}
	if a := b.arr.Load(); a != nil && len(a.b) > keptBytes {
		b.arr.Store(nil)
	}
}

// Head returns the position before which everything is published. Either side.
func (b *Bytes) Head() uint64 { return b.head.Load() }

// Tail returns the position before which everything is released. Either side.
func (b *Bytes) Tail() uint64 { return b.tail.Load() }

// Len returns how many bytes are published and not released. Either side.
func (b *Bytes) Len() int {
	tail := b.tail.Load() // first, so that the difference is never negative
	return int(b.head.Load() - tail)
}

// span returns n slots of a from that of off on, counted from the base, in two
// parts if they wrap.
func (a *array) span(off uint32, n int) (x, y []byte) {
	i := int(off & uint32(len(a.b)-1))
	if end := i + n; end > len(a.b) {
		return a.b[i:], a.b[:end-len(a.b)]
	}
	return a.b[i : i+n], nil
}
