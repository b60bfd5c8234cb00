package lcore

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"dataplane/internal/required"
)

func policy(t *testing.T) uint32 {
	t.Helper()
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a.Policy
}

func TestRaise(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore, err := raise()
	if errors.Is(err, unix.EPERM) {
		required.Skip(t, "real-time threads need a privilege: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := policy(t); p != unix.SCHED_FIFO {
		t.Errorf("policy %d", p)
	}
	restore()
	if p := policy(t); p != unix.SCHED_NORMAL {
		t.Errorf("policy %d is left", p)
	}
}

func TestRealtimeWantsLocked(t *testing.T) {
	g, err := NewGroup(1, Shared, Adaptive)
	if err != nil {
		t.Fatal(err)
	}
	g.SetRealtime(true)
	if err := g.Start(); err == nil {
		t.Error("a shared core became a real-time one")
	}
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
}
