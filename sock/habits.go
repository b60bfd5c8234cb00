package sock

import (
	"runtime"
	"sync/atomic"
	"time"
)

// habits are what few Sides have: how the goroutines in them wait.
type habits struct {
	spin  atomic.Int64 // nanoseconds to look on before parking (SO_BUSY_POLL); by SetBusyPoll
	least atomic.Int64 // bytes that a reader waits for (SO_RCVLOWAT); by SetLeast
}

// habit returns the habits of the side, which it now has.
func (d *Side) habit() *habits {
	if d.habits.Load() == nil {
		d.habits.CompareAndSwap(nil, new(habits))
	}
	return d.habits.Load()
}

// Inherit takes over the habits of o, and how long a call may wait. Nobody else knows d yet.
func (d *Side) Inherit(o *Side) {
	if t := o.Timeout(); t > 0 {
		d.SetTimeout(t)
	}
	if h := o.habits.Load(); h != nil {
		c := d.habit()
		c.spin.Store(h.spin.Load())
		c.least.Store(h.least.Load())
	}
}

// SetLeast lets a reader wait until so many bytes have come.
func (d *Side) SetLeast(n int) { d.habit().least.Store(int64(n)) }

// Least returns how many bytes a reader waits for: 1, unless SetLeast said more.
func (d *Side) Least() int {
	if h := d.habits.Load(); h != nil {
		return max(int(h.least.Load()), 1)
	}
	return 1
}

// lookTwice is how often a goroutine that polls looks before it lets others run: the
// lcore may be among them.
const lookTwice = 4

// lookLong is the same where the lcore has a thread of its own: it needs nobody to yield.
const lookLong = 128

// SetBusyPoll lets the goroutine that waits in this direction look on for t before
// it parks: it sees at once what the lcore on another CPU has for it, and keeps its P
// busy meanwhile. 0: it parks at once. Tasks do not look on, as their lcore polls.
func (d *Side) SetBusyPoll(t time.Duration) { d.habit().spin.Store(int64(max(t, 0))) }

// BusyPoll returns what was set.
func (d *Side) BusyPoll() time.Duration {
	if h := d.habits.Load(); h != nil {
		return time.Duration(h.spin.Load())
	}
	return 0
}

// looked looks on for as long as SetBusyPoll said, and reports whether it was worth it.
func (d *Side) looked(again func() bool) bool {
	spin := time.Duration(d.habits.Load().spin.Load())
	return spin > 0 && d.w.tasks().current() == nil && d.look(spin, again)
}

// look reports whether there was a reason to stop waiting within spin.
func (d *Side) look(spin time.Duration, again func() bool) bool {
	looks := lookTwice
	if d.w.tasks().locked {
		looks = lookLong
	}
	for begun := time.Now(); ; {
		for range looks {
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
