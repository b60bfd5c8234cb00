package tcp

import (
	"testing"
	"unsafe"
)

// TestSize: with the 8 bytes that the heap puts before it, a connection fits a size
// class. The next one is 1024.
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(Sock{}); n+8 > 896 {
		t.Errorf("a Sock has %d bytes", n)
	}
}
