package ring

// The producer's side of Bytes.

// Limit returns how many bytes the ring may hold. Any thread.
func (b *Bytes) Limit() int { return int(b.limit.Load()) }

// SetLimit changes the limit, but never to less than what is in the ring.
func (b *Bytes) SetLimit(n int) {
	if v := int32(max(n, int(b.highest-b.tail.Load()))); v != b.limit.Load() {
		b.limit.Store(v)
	}
}

// Free returns how many bytes may be written at head.
func (b *Bytes) Free() int {
	return max(int(b.limit.Load())-int(b.head.Load()-b.tail.Load()), 0)
}

// Written returns the position behind everything that was reserved: published
// or not. Who writes strictly one after the other appends there.
func (b *Bytes) Written() uint64 { return b.highest }

// Room returns how many bytes may be written at Written.
func (b *Bytes) Room() int {
	return max(int(b.limit.Load())-int(b.highest-b.tail.Load()), 0)
}

// Unused reports whether the ring is empty, with nothing written ahead.
func (b *Bytes) Unused() bool { return b.highest == b.tail.Load() }

// Reserve lends the slots of [pos, pos+n) to be written, in two parts if they
// wrap, until the next call of the producer. The caller has checked that
// Tail() <= pos and pos+n <= Tail()+Limit(). Grows the array when it must.
func (b *Bytes) Reserve(pos uint64, n int) (x, y []byte) {
	if n <= 0 {
		return nil, nil
	}
	end := pos + uint64(n)
	a, tail := b.arr.Load(), b.tail.Load()
	if tail == b.highest {
		b.base = uint32(tail)
	}
	if a == nil || end-tail > uint64(len(a.b)) {
		a = b.grow(a, tail, int(end-tail))
	}
	b.highest = max(b.highest, end)
	return a.span(uint32(pos)-b.base, n)
}

// Append lends n bytes at Written, n > 0, where they lie in one piece and the ring has
// room for them without growing; else nil, and Reserve may do.
func (b *Bytes) Append(n int) []byte {
	a, tail := b.arr.Load(), b.tail.Load()
	if a == nil {
		return nil
	}
	used := int(b.highest - tail)
	if used == 0 {
		b.base = uint32(tail)
	}
	i, end := int((uint32(b.highest)-b.base)&uint32(len(a.b)-1)), used+n
	if end > int(b.limit.Load()) || end > len(a.b) || i+n > len(a.b) {
		return nil
	}
	b.highest += uint64(n)
	return a.b[i : i+n : i+n]
}

// grow replaces old by an array of at least need bytes that holds the same
// [tail, highest).
func (b *Bytes) grow(old *array, tail uint64, need int) *array {
	a := newArray(need)
	if old != nil && b.highest > tail {
		x, y := old.span(uint32(tail)-b.base, int(b.highest-tail))
		for _, part := range [2][]byte{x, y} {
			p, q := a.span(uint32(tail)-b.base, len(part))
			copy(q, part[copy(p, part):])
			tail += uint64(len(part))
		}
	}
	b.arr.Store(a)
	return a
}

// newArray takes memory for need bytes.
func newArray(need int) *array {
	if need <= firstBytes {
		return &littles.Get().(*little).array
	}
	return &array{b: make([]byte, ceilPow2(need))}
}

// WriteAt copies p to pos without publishing it. The caller has checked that
// Tail() <= pos and pos+len(p) <= Tail()+Limit().
func (b *Bytes) WriteAt(pos uint64, p []byte) {
	a, tail, end := b.arr.Load(), b.tail.Load(), pos+uint64(len(p))
	if tail == b.highest {
		b.base = uint32(tail)
	}
	if a != nil && end-tail <= uint64(len(a.b)) && len(p) > 0 {
		// Most often it lies in one piece.
		if i := int((uint32(pos) - b.base) & uint32(len(a.b)-1)); i+len(p) <= len(a.b) {
			b.highest = max(b.highest, end)
			copy(a.b[i:i+len(p)], p)
			return
		}
	}
	x, y := b.Reserve(pos, len(p))
	if n := copy(x, p); n < len(p) {
		copy(y, p[n:])
	}
}

// Publish hands everything before head to the consumer. All of it must have
// been written.
func (b *Bytes) Publish(head uint64) { StoreRelease(&b.head, head) }

// Commit publishes the first n bytes at head that Reserve lent, and gives up what
// lies behind them: for a producer that does not write ahead.
func (b *Bytes) Commit(n int) {
	head := b.head.Load() + uint64(n)
	b.highest = head
	StoreRelease(&b.head, head)
}

// Write appends as much of p as there is room for, publishes it and returns
// how much it was.
func (b *Bytes) Write(p []byte) int {
	head := b.head.Load()
	if head == b.highest && len(p) > 0 {
		if to := b.Append(len(p)); to != nil { // most often
			copy(to, p)
			StoreRelease(&b.head, head+uint64(len(p)))
			return len(p)
		}
	}
	n := min(len(p), int(b.limit.Load())-int(head-b.tail.Load()))
	if n <= 0 {
		return 0
	}
	b.WriteAt(head, p[:n])
	StoreRelease(&b.head, head+uint64(n))
	return n
}

// Drop gives the memory back when nothing is in the ring; else it does nothing.
// The next write takes new memory.
func (b *Bytes) Drop() {
	// A consumer that finds head == tail does not look at the array, and one
	// that released its last byte is done with it.
	if b.tail.Load() != b.highest {
		return
	}
	if a := b.arr.Load(); a != nil {
		b.arr.Store(nil)
		if a.whole != nil {
			littles.Put(a.whole)
		}
	}
}

// Cap returns how much memory the ring holds now.
func (b *Bytes) Cap() int {
	if a := b.arr.Load(); a != nil {
		return len(a.b)
	}
	return 0
}
