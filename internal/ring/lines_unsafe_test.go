package ring

import (
	"testing"
	"unsafe"
)

// TestLines: the indices of the two sides share no cache line.
func TestLines(t *testing.T) {
	var s SPSC[int]
	var m MPSC[int]
	for _, d := range []uintptr{
		unsafe.Offsetof(s.tail) - unsafe.Offsetof(s.tailSeen),
		unsafe.Offsetof(s.head) - unsafe.Offsetof(s.wipe),
		unsafe.Offsetof(m.tail) - unsafe.Offsetof(m.head),
	} {
		if d < 64 {
			t.Errorf("%d bytes apart", d)
		}
	}
}

// TestFirstLine: the first memory of a ring of bytes begins a cache line.
func TestFirstLine(t *testing.T) {
	for range 8 {
		var b Bytes
		b.Init(1 << 10)
		x, _ := b.Reserve(0, 64)
		if off := uintptr(unsafe.Pointer(&x[0])) % 64; off != 0 {
			t.Errorf("it begins %d bytes into a line", off)
		}
		heldBytes = append(heldBytes, &b)
	}
}

var heldBytes []*Bytes // on the heap
