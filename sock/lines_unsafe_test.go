package sock

import (
	"testing"
	"unsafe"
)

// TestLines: what the lcore writes and what the application writes share no cache
// line, and each has one.
func TestLines(t *testing.T) {
	s := &owned{}
	for name, p := range map[string]unsafe.Pointer{
		"the lcore's line":       unsafe.Pointer(&s.RX),
		"the application's line": unsafe.Pointer(&s.TX),
		"what follows":           unsafe.Pointer(&s.Opt),
	} {
		if off := uintptr(p) % 64; off != 0 {
			t.Errorf("%s begins %d bytes into a line", name, off)
		}
	}
	if n := unsafe.Offsetof(s.Opt) - unsafe.Offsetof(s.RX); n != 128 {
		t.Errorf("the rings take %d bytes", n)
	}
	kept = s
}

// TestCoreLines: what applications write, what the lcore writes, and what all of them
// read share no cache line.
func TestCoreLines(t *testing.T) {
	c := NewCore(CoreConfig{})
	at := uintptr(unsafe.Pointer(c))
	for name, p := range map[string]uintptr{
		"what all read":       at,
		"the lcore's":         at + unsafe.Offsetof(c.Now),
		"the mailbox":         at + unsafe.Offsetof(c.mail),
		"what follows a Core": at + unsafe.Sizeof(*c),
	} {
		if off := p % 64; off != 0 {
			t.Errorf("%s begins %d bytes into a line", name, off)
		}
	}
	keptCore = c
}

var keptCore *Core // on the heap

// owned is a Sock as the transports have it: with more behind it.
type owned struct {
	Sock
	_ [256]byte
}

var kept *owned // on the heap
