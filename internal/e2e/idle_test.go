package e2e

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has used.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestIdle: a plane with nothing to do, but with open connections, leaves the CPU
// to others.
func TestIdle(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			addr := serveTCP(t, b.plane.Listen, planeIP+":7", echo)
			for range 50 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			time.Sleep(300 * time.Millisecond)
			const span = 1500 * time.Millisecond
			before := cpuTime(t)
			time.Sleep(span)
			used := cpuTime(t) - before
			t.Logf("idle: %.2f %% of a core", 100*used.Seconds()/span.Seconds())
			if used > span/20 {
				t.Errorf("%v of CPU in %v of idleness", used, span)
			}
		})
	}
}
