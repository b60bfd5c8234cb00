package ring

import "sync/atomic"

// SPSC is a bounded ring of T from one producer to one consumer.
//
//	tail <= head <= tail+cap. Slots in [tail, head) belong to the consumer,
//	all others to the producer. Storing head hands slots over; storing tail
//	hands them back.
//
// Each side remembers what it last saw of the other's index and looks again
// only when that does not suffice, so in the steady state a burst moves two
// cache lines (its slots apart), not one per item.
type SPSC[T any] struct {
	slots []T    // len is a power of two
	mask  uint64 // len(slots)-1
	wipe  bool   // T holds pointers: popped slots are zeroed for the collector

	_        [line]byte
	head     atomic.Uint64 // written by the producer
	tailSeen uint64        // the producer's last sight of tail

	_        [line]byte
	tail     atomic.Uint64 // written by the consumer
	headSeen uint64        // the consumer's last sight of head
	_        [line]byte
}

// NewSPSC returns a ring of size slots, rounded up to a power of two.
func NewSPSC[T any](size int) *SPSC[T] {
	n := ceilPow2(size)
	return &SPSC[T]{slots: make([]T, n), mask: uint64(n - 1), wipe: hasPointers[T]()}
}

// Cap returns the number of slots.
func (r *SPSC[T]) Cap() int { return len(r.slots) }

// Len returns how many items wait; either side, the other may be changing it.
func (r *SPSC[T]) Len() int {
	tail := r.tail.Load() // first, so that the difference is never negative
	return int(min(r.head.Load()-tail, uint64(len(r.slots))))
}

// Push appends v; false: the ring is full. Producer.
func (r *SPSC[T]) Push(v T) bool {
	head := r.head.Load()
	if head-r.tailSeen == uint64(len(r.slots)) {
		if r.tailSeen = r.tail.Load(); head-r.tailSeen == uint64(len(r.slots)) {
			return false
		}
	}
	r.slots[head&r.mask] = v
	r.head.Store(head + 1)
	return true
}

// PushBurst appends the first n items of b and returns n. Producer.
func (r *SPSC[T]) PushBurst(b []T) int {
	head := r.head.Load()
	free := uint64(len(r.slots)) - (head - r.tailSeen)
	if free < uint64(len(b)) {
		r.tailSeen = r.tail.Load()
		free = uint64(len(r.slots)) - (head - r.tailSeen)
	}
	n := int(min(uint64(len(b)), free))
	if n == 0 {
		return 0
	}
	k := copy(r.slots[head&r.mask:], b[:n])
	copy(r.slots, b[k:n])
	r.head.Store(head + uint64(n))
	return n
}

// Pop removes the oldest item; false: the ring is empty. Consumer.
func (r *SPSC[T]) Pop() (v T, ok bool) {
	tail := r.tail.Load()
	if r.headSeen == tail {
		if r.headSeen = r.head.Load(); r.headSeen == tail {
			return v, false
		}
	}
	p := &r.slots[tail&r.mask]
	v = *p
	if r.wipe {
		var zero T
		*p = zero
	}
	r.tail.Store(tail + 1)
	return v, true
}

// PopBurst moves the n oldest items into b and returns n. Consumer.
func (r *SPSC[T]) PopBurst(b []T) int {
	tail := r.tail.Load()
	if r.headSeen-tail < uint64(len(b)) {
		r.headSeen = r.head.Load()
	}
	n := int(min(uint64(len(b)), r.headSeen-tail))
	if n == 0 {
		return 0
	}
	first := r.slots[tail&r.mask:]
	k := copy(b[:n], first)
	copy(b[k:n], r.slots)
	if r.wipe {
		clear(first[:k])
		clear(r.slots[:n-k])
	}
	r.tail.Store(tail + uint64(n))
	return n
}
