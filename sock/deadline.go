package sock

import (
	"sync"
	"sync/atomic"
	"time"
)

// deadline is a point in time after which waiting in a Side is refused.
//
// A timer of the runtime's is dear, so a deadline touches its own as seldom as it can: one
// that is moved later, or lifted, leaves it alone, and the timer finds out when it rings. A
// deadline whose Side is closed serves another Side, with its timer as it stands.
type deadline struct {
	mu      sync.Mutex
	side    *Side       // nil: nobody's; under mu
	at      time.Time   // zero: none; under mu
	timer   *time.Timer // made by the first deadline in the future; under mu
	rings   time.Time   // when it will; zero: it does not; under mu
	expired atomic.Bool // written under mu

	timeout atomic.Int64 // nanoseconds for one call, 0: any; written under mu
	until   time.Time    // the end of the call that has the Side; zero: it has not waited yet; under the Side's lock
	bound   *time.Timer  // of until; under the Side's lock
}

// deadlines are those that serve no Side.
var deadlines = sync.Pool{New: func() any { return new(deadline) }}

// SetDeadline bounds the waits of this direction; the zero time lifts it.
func (d *Side) SetDeadline(t time.Time) {
	if d.dl.Load() != nil || !t.IsZero() {
		d.deadline().set(t, d)
	}
}

// SetTimeout bounds what one call waits in this direction, which then ends with EAGAIN:
// SO_RCVTIMEO and SO_SNDTIMEO. 0 lifts it.
func (d *Side) SetTimeout(t time.Duration) {
	if d.dl.Load() == nil && t <= 0 {
		return
	}
	dl := d.deadline()
	dl.mu.Lock()
	defer dl.mu.Unlock()
	if d.closed.Load() == open { // else it may be another's
		dl.timeout.Store(int64(max(t, 0)))
	}
}

// Timeout returns what was set; 0: nothing.
func (d *Side) Timeout() time.Duration {
	if dl := d.dl.Load(); dl != nil {
		return time.Duration(dl.timeout.Load())
	}
	return 0
}

// deadline returns that of d, which need not be open.
func (d *Side) deadline() *deadline {
	for {
		if dl := d.dl.Load(); dl != nil {
			return dl
		}
		d.dl.CompareAndSwap(nil, deadlines.Get().(*deadline))
	}
}

// stop ends the deadline of a side that is closed. It serves another one, unless somebody
// is at work in the side, who may hold it.
func (d *Side) stop() {
	dl := d.dl.Load()
	if dl == nil { // one that is being made now sees that the side is closed
		return
	}
	if d.TryLock() {
		d.vacate()
		d.Unlock()
		return
	}
	dl.leave(true)
}

// vacate lets the deadline of a side that is closed, and in which nobody is at work, serve
// another one. Under the side's lock.
func (d *Side) vacate() {
	if dl := d.dl.Load(); dl != nil {
		dl.leave(false)
		d.dl.Store(nil)
		deadlines.Put(dl)
	}
}

// leave takes dl from its Side. For good: its timer ends, too.
func (dl *deadline) leave(good bool) {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	dl.side, dl.at = nil, time.Time{}
	if good {
		if dl.timer != nil {
			dl.timer.Stop()
		}
		return
	}
	dl.pending()
	if dl.timeout.Load() != 0 {
		dl.timeout.Store(0)
	}
	dl.until, dl.bound = time.Time{}, nil
}

// begin lets w be woken at the end of the call. False: that is past.
func (dl *deadline) begin(w *Waiter) bool {
	wait := time.Duration(dl.timeout.Load())
	if dl.until.IsZero() {
		dl.until = time.Now().Add(wait)
	} else if wait = time.Until(dl.until); wait <= 0 {
		return false
	}
	if dl.bound == nil {
		dl.bound = time.AfterFunc(wait, w.WakeApp)
	} else {
		dl.bound.Reset(wait)
	}
	return true
}

// set moves the deadline of side to t.
func (dl *deadline) set(t time.Time, side *Side) {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	if side.closed.Load() != open { // stop has run, or waits for the lock; dl may be another's
		return
	}
	dl.side, dl.at = side, t
	if t.IsZero() {
		dl.pending()
		return
	}
	if !dl.rings.IsZero() && !t.Before(dl.rings) { // the timer will see to it
		dl.pending()
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		dl.expired.Store(true)
		side.Interrupt()
		return
	}
	dl.pending()
	dl.arm(wait)
}

// pending: it has not passed. Under mu.
func (dl *deadline) pending() {
	if dl.expired.Load() {
		dl.expired.Store(false)
	}
}

// arm lets the timer ring at dl.at, after wait. Under mu.
func (dl *deadline) arm(wait time.Duration) {
	dl.rings = dl.at
	if dl.timer == nil {
		dl.timer = time.AfterFunc(wait, dl.fire)
	} else {
		dl.timer.Reset(wait)
	}
}

// fire marks the deadline as passed, or waits on if it was moved meanwhile. After stop it
// touches no Side.
func (dl *deadline) fire() {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	dl.rings = time.Time{}
	if dl.side == nil || dl.at.IsZero() || dl.expired.Load() || dl.side.closed.Load() != open {
		return
	}
	if wait := time.Until(dl.at); wait > 0 {
		dl.arm(wait)
		return
	}
	dl.expired.Store(true)
	dl.side.Interrupt()
}
