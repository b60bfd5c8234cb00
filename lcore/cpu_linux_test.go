package lcore

import (
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPinAndRestore(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := allowedCPUs()
	if len(before) == 0 {
		t.Fatal("no CPU is allowed")
	}
	last := before[len(before)-1]
	restore, err := pin(last)
	if err != nil {
		t.Fatal(err)
	}
	if got := allowedCPUs(); !slices.Equal(got, []int{last}) {
		t.Errorf("pinned to CPU %d, allowed are %v", last, got)
	}
	restore()
	if got := allowedCPUs(); !slices.Equal(got, before) {
		t.Errorf("after restoring %v are allowed, before %v", got, before)
	}
	if restore, err = pin(-1); err != nil {
		t.Fatal(err)
	}
	restore()
	if _, err = pin(maxCPU - 1); err == nil {
		t.Skip("this machine has 1024 CPUs")
	}
}

func TestListCPUs(t *testing.T) {
	var set unix.CPUSet
	for _, c := range []int{0, 63, 64, 1023} {
		set.Set(c)
	}
	if got := listCPUs(&set); !slices.Equal(got, []int{0, 63, 64, 1023}) {
		t.Errorf("%v", got)
	}
}
