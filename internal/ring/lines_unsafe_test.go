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
