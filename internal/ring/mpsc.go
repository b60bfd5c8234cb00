package ring

import "sync/atomic"

// MPSC is a bounded ring of T from any number of producers to one consumer.
//
//	tail <= head <= tail+cap. A producer takes slots by moving head with a
//	compare-and-swap, writes them, and marks each as filled with its position
//	plus one. The consumer pops from tail on while slots are filled; storing
//	tail hands them back.
//
// A producer that is interrupted between taking and filling delays what came
// after it, but no producer ever waits for another. A filled mark names its
// position, so one of an earlier round is never taken for a new one.
type MPSC[T any] struct {
	slots []slot[T] // len is a power of two
	mask  uint64    // len(slots)-1
	wipe  bool      // T holds pointers: popped slots are zeroed for the collector

	_    [line]byte
	head atomic.Uint64 // written by producers, by compare-and-swap

	_    [line]byte
	tail atomic.Uint64 // written by the consumer
	_    [line]byte
}

type slot[T any] struct {
	filled atomic.Uint64 // written by the producer that took the slot: position+1
	v      T
}

// NewMPSC returns a ring of size slots, rounded up to a power of two.
func NewMPSC[T any](size int) *MPSC[T] {
	n := ceilPow2(size)
	return &MPSC[T]{slots: make([]slot[T], n), mask: uint64(n - 1), wipe: hasPointers[T]()}
}

// Cap returns the number of slots.
func (r *MPSC[T]) Cap() int { return len(r.slots) }

// Len returns how many slots are taken, filled or not. Any thread.
func (r *MPSC[T]) Len() int {
	tail := r.tail.Load() // first, so that the difference is never negative
	return int(min(r.head.Load()-tail, uint64(len(r.slots))))
}

// Push appends v; false: the ring is full. Any thread.
func (r *MPSC[T]) Push(v T) bool {
	head, n := r.take(1)
	if n == 0 {
		return false
	}
	s := &r.slots[head&r.mask]
	s.v = v
	s.filled.Store(head + 1)
	return true
}

// PushBurst appends the first n items of b, in order and together, and returns
// n. Any thread.
func (r *MPSC[T]) PushBurst(b []T) int {
	head, n := r.take(len(b))
	for i := range b[:n] {
		s := &r.slots[head&r.mask]
		s.v = b[i]
		head++
		s.filled.Store(head)
	}
	return n
}

// take reserves up to want slots and returns the first one's position.
func (r *MPSC[T]) take(want int) (head uint64, n int) {
	for {
		head = r.head.Load()
		// If head has moved on since, tail may be past our copy of it; then
		// the compare-and-swap fails and nothing computed here counts.
		free := uint64(len(r.slots)) - (head - r.tail.Load())
		n = int(min(uint64(want), free))
		if n == 0 || r.head.CompareAndSwap(head, head+uint64(n)) {
			return head, n
		}
	}
}

// PopBurst moves the n oldest items into b and returns n. Consumer.
func (r *MPSC[T]) PopBurst(b []T) int {
	tail := r.tail.Load()
	n := 0
	for ; n < len(b); n++ {
		s := &r.slots[(tail+uint64(n))&r.mask]
		if s.filled.Load() != tail+uint64(n)+1 {
			break
		}
		b[n] = s.v
		if r.wipe {
			var zero T
			s.v = zero
		}
	}
	if n > 0 {
		r.tail.Store(tail + uint64(n))
	}
	return n
}
