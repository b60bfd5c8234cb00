package sock

import (
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrClosed is what a call on a closed Socket returns.
var ErrClosed = net.ErrClosed

// Side is one direction of a Socket. Goroutines that work on the same
// direction take turns by its lock, also while one of them waits; the lcore
// knows nothing of it. A deadline or Close wakes the one that waits, and the
// next in turn sees the same cause.
type Side struct {
	mu     sync.Mutex
	w      *Waiter                  // fixed before the Socket is shared
	dl     atomic.Pointer[deadline] // nil: none; written by deadline, and by vacate under the lock
	msg    *Msg                     // of the call in progress, where it needs one; under the lock
	habits atomic.Pointer[habits]   // nil: none; written by habit
	closed atomic.Uint32            // open, given or closed; by Give and Close
	busy   int32                    // bytes moved since the goroutine last gave way; under the lock

	home    atomic.Pointer[Core] // whose tasks have the mutex (home.go); nil: nobody's; set under the lock, cleared on that lcore
	waiters atomic.Int32         // goroutines that wait for the mutex; by themselves
	inside  bool                 // a task of home has the lock; under the lock
	shared  bool                 // it has no home any more; under the lock
}

// What becomes of a Side.
const (
	open   = iota
	given  // to code inside the plane: closed to goroutines
	closed // with its Socket
)

// message returns the Msg of the side, which holds the lock.
func (d *Side) message() *Msg {
	if d.msg == nil {
		d.msg = new(Msg)
	}
	return d.msg
}

// Lock takes the side. A task that finds it taken looks again in the next turn:
// the lcore does not wait for a goroutine.
func (d *Side) Lock() {
	if c := d.home.Load(); c == nil {
		if d.mu.TryLock() {
			return
		}
	} else if t := c.running.Load(); t != nil && t.g.Load() == getg() && !d.inside { // c.atWork, in line
		d.inside = true
		return
	}
	d.lock()
}

// TryLock takes the side if it is free.
func (d *Side) TryLock() bool {
	if c := d.home.Load(); c != nil {
		if c.atWork() {
			was := d.inside
			d.inside = true
			return !was
		}
		d.open(c)
	}
	return d.mu.TryLock()
}

// LockWhile takes the side, but gives up once cond does not hold: who has it may wait for
// what cond asks for.
func (d *Side) LockWhile(cond func() bool) bool {
	for cond() {
		if d.TryLock() {
			return true
		}
		d.yield()
	}
	return false
}

// yield lets others run.
func (d *Side) yield() {
	if t := d.w.tasks().current(); t != nil {
		t.pause()
		return
	}
	runtime.Gosched()
}

// Give closes the side to goroutines for good, when none of them is at work in it:
// code inside the plane has the socket from now on. False: it is closed already.
func (d *Side) Give() bool {
	d.Lock()
	defer d.Unlock()
	if d.inside { // callbacks are no tasks
		d.leave()
	}
	return d.closed.CompareAndSwap(open, given)
}

// Unlock gives the side back.
func (d *Side) Unlock() {
	if dl := d.dl.Load(); dl != nil {
		dl.until = time.Time{} // the bound of the call ends with it
	}
	if d.inside {
		if d.inside = false; d.home.Load() != nil {
			return
		}
	}
	d.mu.Unlock()
}

// giveWay is how many bytes a goroutine moves before it lets others run.
const giveWay = 128 << 10

// Moved notes n bytes. A goroutine that never has to wait would keep its P for
// a scheduler's time slice of 10 ms, and the dispatcher, with all whom it would
// wake, would wait for that.
func (d *Side) Moved(n int) {
	if d.busy += int32(n); d.busy >= giveWay {
		d.letOthers()
	}
}

// letOthers lets others run.
func (d *Side) letOthers() {
	d.busy = 0
	d.yield()
}

// Err returns why this direction cannot wait: closed, or past its deadline.
//
//go:noinline
func (d *Side) Err() error {
	if !d.Refused() {
		return nil
	}
	if d.closed.Load() != open {
		return ErrClosed
	}
	return os.ErrDeadlineExceeded
}

// Refused reports whether Err has something to say.
func (d *Side) Refused() bool {
	if d.closed.Load() != open {
		return true
	}
	dl := d.dl.Load()
	return dl != nil && dl.expired.Load()
}

// Plain reports whether the side is open, and nobody has said anything about how to wait
// in it.
func (d *Side) Plain() bool {
	return d.closed.Load() == open && d.dl.Load() == nil && d.habits.Load() == nil
}

// Wait parks the goroutine, which holds the lock, until something happened:
// the caller looks again. again is looked at after the wish to park was
// announced; true means there is no need to. A message with MsgDontwait gets
// EAGAIN instead.
//
// It parks without calling anything in between: after a switch to another goroutine the
// CPU does not know where calls return to, and each costs as much as a locked instruction.
func (d *Side) Wait(flags int, again func() bool) error {
	if flags != park && (flags&MsgDontwait != 0 || d.habits.Load() != nil || d.dl.Load() != nil) {
		return d.waitOtherwise(flags, again)
	}
	w, t := d.w, d.task()
	w.arm(t)
	switch {
	case again() || d.Refused():
		w.Disarm()
	case t != nil:
		t.park()
		d.busy = 0
	default:
		w.sleep()
		d.busy = 0
	}
	if d.Refused() {
		return d.Err()
	}
	return nil
}

// park are the flags of a Wait that has looked at everything else.
const park = -1

// waitOtherwise is Wait for who has more to say about it.
func (d *Side) waitOtherwise(flags int, again func() bool) error {
	if err := d.Err(); err != nil {
		return err
	}
	if flags&MsgDontwait != 0 {
		if d.isWatched() {
			if d.Starved(); again() {
				return nil
			}
		}
		return syscall.EAGAIN
	}
	if d.habits.Load() != nil && d.looked(again) {
		d.busy = 0
		return d.Err()
	}
	if dl := d.dl.Load(); dl != nil && dl.timeout.Load() > 0 {
		if !dl.begin(d.w) {
			return syscall.EAGAIN
		}
		// The bound wakes nobody who has not announced yet that he parks.
		err := d.Wait(park, func() bool { return again() || !time.Now().Before(dl.until) })
		dl.bound.Stop()
		return err
	}
	return d.Wait(park, again)
}

// Interrupt wakes the goroutine that waits, so that it looks again.
func (d *Side) Interrupt() {
	if d.w != nil {
		d.w.Wake()
	}
}
