package ring

// The consumer's side of Bytes.

// Slices borrows the bytes [pos, pos+n), in two parts if they wrap. They stay
// valid until Release passes them. The caller has checked that Tail() <= pos
// and pos+n <= Head().
func (b *Bytes) Slices(pos uint64, n int) (x, y []byte) {
	if n <= 0 {
		return nil, nil
	}
	return b.arr.Load().span(uint32(pos)-b.base, n) // after the caller's load of head
}

// From borrows the memory from pos, which is published, to the end of the array:
// what is there before Head is the consumer's.
func (b *Bytes) From(pos uint64) []byte {
	a := b.arr.Load() // after the caller's load of head
	return a.b[int((uint32(pos)-b.base)&uint32(len(a.b)-1)):]
}

// CopyAt copies bytes from pos on into p, as far as they are published, and
// returns how many. It releases nothing.
func (b *Bytes) CopyAt(p []byte, pos uint64) int {
	head := b.head.Load()
	if pos >= head {
		return 0
	}
	n := int(min(uint64(len(p)), head-pos))
	a := b.arr.Load() // after head
	i := int((uint32(pos) - b.base) & uint32(len(a.b)-1))
	k := copy(p[:n], a.b[i:])
	if k < n {
		copy(p[k:n], a.b)
	}
	return n
}

// Read moves the oldest bytes into p and returns how many.
func (b *Bytes) Read(p []byte) int {
	tail := b.tail.Load()
	n := b.CopyAt(p, tail)
	if n > 0 {
		StoreRelease(b.tail, tail+uint64(n))
	}
	return n
}

// Release hands everything before tail back to the producer.
func (b *Bytes) Release(tail uint64) { StoreRelease(b.tail, tail) }
