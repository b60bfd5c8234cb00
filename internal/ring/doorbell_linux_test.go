package ring

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// readable waits for the bell's descriptor.
func readable(d *Doorbell, timeout time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(d.FD()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(timeout.Milliseconds()))
		if err != unix.EINTR {
			return n == 1
		}
	}
}

func newBell(t testing.TB) *Doorbell {
	t.Helper()
	d, err := NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestDoorbellStates(t *testing.T) {
	d := newBell(t)
	d.Ring()
	if readable(d, 0) {
		t.Error("rang while nobody slept")
	}
	for range 3 {
		d.Announce()
		d.Cancel()
		if readable(d, 0) {
			t.Error("readable though nobody rang")
		}
		d.Announce()
		d.Ring()
		d.Ring()
		if !readable(d, 0) {
			t.Error("no wake")
		}
		d.Cancel()
		if readable(d, 0) {
			t.Error("Cancel left the wake behind")
		}
	}
	d.Announce()
	d.Ring()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d.Ring()
	if err := d.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// TestDoorbellWakeBy: who wakes the sleeper makes the call, once, and writes nothing.
func TestDoorbellWakeBy(t *testing.T) {
	d := newBell(t)
	calls := 0
	d.WakeBy(func() { calls++ })
	d.Ring()
	for i := range 3 {
		d.Announce()
		d.Cancel()
		d.Announce()
		d.Ring()
		d.Ring()
		if calls != i+1 || d.Asleep() || readable(d, 0) {
			t.Fatalf("sleep %d: %d calls, asleep %v", i, calls, d.Asleep())
		}
		d.Cancel()
	}
}

// TestDoorbellLosesNoWake lets several threads add work and ring; the sleeper
// must see all of it without ever running into its timeout.
func TestDoorbellLosesNoWake(t *testing.T) {
	const ringers, each = 3, 3000
	d := newBell(t)
	var work atomic.Int64
	var wg sync.WaitGroup
	for range ringers {
		wg.Go(func() {
			for i := range each {
				work.Add(1)
				d.Ring()
				if i%64 == 0 {
					time.Sleep(20 * time.Microsecond)
				}
			}
		})
	}
	sleeps := 0
	for seen := int64(0); seen < ringers*each; {
		if n := work.Load(); n != seen {
			seen = n
			continue
		}
		d.Announce()
		if work.Load() == seen {
			sleeps++
			if !readable(d, 10*time.Second) {
				t.Fatalf("a wake was lost after %d of %d", seen, ringers*each)
			}
		}
		d.Cancel()
	}
	wg.Wait()
	t.Logf("%d sleeps", sleeps)
}

// TestDoorbellCloseWhileRinging: nobody writes to a closed descriptor; the
// race detector and the descriptor that takes its number watch.
func TestDoorbellCloseWhileRinging(t *testing.T) {
	for range 200 {
		d, err := NewDoorbell()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		d.Announce()
		for range 3 {
			wg.Go(d.Ring)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		other, err := NewDoorbell() // likely the same number
		if err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if readable(other, 0) {
			t.Fatal("rang at the wrong door")
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
