package api

import (
	"errors"
	"runtime"
	"syscall"
	"testing"

	"dataplane/internal/required"
)

// TestRealtime: a real-time lcore serves as any other; a shared one is refused.
func TestRealtime(t *testing.T) {
	if _, err := Open(Config{Mode: ModeShared, Realtime: true}); err == nil {
		t.Error("a shared lcore became a real-time one")
	}
	if runtime.NumCPU() < 2 {
		required.Skip(t, "one CPU has none to spare")
	}
	n, err := Open(Config{Mode: ModeLocked, Realtime: true})
	if errors.Is(err, syscall.EPERM) {
		required.Skip(t, "real-time threads need a privilege: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := n.Listen("tcp", "127.0.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	go l.(*TCPListener).ServeResident(echoTask) //nolint:errcheck // until the plane closes
	c, err := n.Dial("tcp", "127.0.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		exchange(t, c, []byte("at once"), make([]byte, 64))
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
