package sock

import (
	"runtime"
	"time"
)

// lookTwice is how often a goroutine that polls looks before it lets others run: the
// lcore may be among them.
const lookTwice = 4

// SetBusyPoll lets the goroutine that waits in this direction look on for d before
// it parks: it sees at once what the lcore on another CPU has for it, and keeps its P
// busy meanwhile. 0: it parks at once. Tasks do not look on, as their lcore polls.
func (d *Side) SetBusyPoll(t time.Duration) { d.spin.Store(int64(max(t, 0))) }

// BusyPoll returns what was set.
func (d *Side) BusyPoll() time.Duration { return time.Duration(d.spin.Load()) }

// look reports whether there was a reason to stop waiting within spin.
func (d *Side) look(spin time.Duration, again func() bool) bool {
	for begun := time.Now(); ; {
		for range lookTwice {
			if again() || d.Err() != nil {
				return true
			}
		}
		runtime.Gosched()
		if time.Since(begun) >= spin {
			return false
		}
	}
}
