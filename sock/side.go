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
	dl     atomic.Pointer[deadline] // nil: there has been none
	msg    *Msg                     // of the call in progress, where it needs one; under the lock
	habits atomic.Pointer[habits]   // nil: none; written by habit
	closed atomic.Bool              // written once, by Close or Give
	busy   int32                    // bytes moved since the goroutine last gave way; under the lock
}

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
	if d.mu.TryLock() {
		return
	}
	d.w.tasks().Lock(&d.mu)
}

// TryLock takes the side if it is free.
func (d *Side) TryLock() bool { return d.mu.TryLock() }

// Give closes the side to goroutines for good, when none of them is at work in it:
// code inside the plane has the socket from now on. False: it is closed already.
func (d *Side) Give() bool {
	d.Lock()
	defer d.Unlock()
	return !d.closed.Swap(true)
}

// Unlock gives the side back.
func (d *Side) Unlock() {
	if d.dl.Load() != nil {
		d.unbound()
	}
	d.mu.Unlock()
}

// unbound ends the bound of the call that ends.
func (d *Side) unbound() { d.dl.Load().until = time.Time{} }

// giveWay is how many bytes a goroutine moves before it lets others run.
const giveWay = 128 << 10

// Moved notes n bytes. A goroutine that never has to wait would keep its P for
// a scheduler's time slice of 10 ms, and the dispatcher, with all whom it would
// wake, would wait for that.
func (d *Side) Moved(n int) {
	if d.busy += int32(n); d.busy < giveWay {
		return
	}
	d.busy = 0
	if t := d.w.tasks().current(); t != nil {
		t.pause()
		return
	}
	runtime.Gosched()
}

// Err returns why this direction cannot wait: closed, or past its deadline.
func (d *Side) Err() error {
	if !d.Refused() {
		return nil
	}
	if d.closed.Load() {
		return ErrClosed
	}
	return os.ErrDeadlineExceeded
}

// Refused reports whether Err has something to say.
func (d *Side) Refused() bool {
	if d.closed.Load() {
		return true
	}
	dl := d.dl.Load()
	return dl != nil && dl.expired.Load()
}

// Wait parks the goroutine, which holds the lock, until something happened:
// the caller looks again. again is looked at after the wish to park was
// announced; true means there is no need to. A message with MsgDontwait gets
// EAGAIN instead.
func (d *Side) Wait(flags int, again func() bool) error {
	if flags&MsgDontwait == 0 && d.habits.Load() == nil && d.dl.Load() == nil { // most often
		return d.park(again)
	}
	return d.waitOtherwise(flags, again)
}

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
		err := d.park(again)
		dl.bound.Stop()
		return err
	}
	return d.park(again)
}

// park is Wait once there is no way around it.
func (d *Side) park(again func() bool) error {
	d.w.Arm()
	if again() || d.Refused() {
		d.w.Disarm()
		return d.Err()
	}
	d.w.Wait()
	d.busy = 0
	return d.Err()
}

// SetDeadline bounds the waits of this direction; the zero time lifts it.
func (d *Side) SetDeadline(t time.Time) {
	if d.dl.Load() != nil || !t.IsZero() {
		d.deadline().set(t, d)
	}
}

// SetTimeout bounds what one call waits in this direction, which then ends with EAGAIN:
// SO_RCVTIMEO and SO_SNDTIMEO. 0 lifts it.
func (d *Side) SetTimeout(t time.Duration) {
	if d.dl.Load() != nil || t > 0 {
		d.deadline().timeout.Store(int64(max(t, 0)))
	}
}

// Timeout returns what was set; 0: nothing.
func (d *Side) Timeout() time.Duration {
	if dl := d.dl.Load(); dl != nil {
		return time.Duration(dl.timeout.Load())
	}
	return 0
}

func (d *Side) deadline() *deadline {
	if d.dl.Load() == nil {
		d.dl.CompareAndSwap(nil, new(deadline))
	}
	return d.dl.Load()
}

// close refuses further waits, and wakes who waits.
func (d *Side) close() {
	d.closed.Store(true)
	d.Interrupt()
}

// stop ends the deadline of a side that is closed.
func (d *Side) stop() {
	if dl := d.dl.Load(); dl != nil { // one that is being made now sees that the side is closed
		dl.stop()
	}
}

// Interrupt wakes the goroutine that waits, so that it looks again.
func (d *Side) Interrupt() {
	if d.w != nil {
		d.w.Wake()
	}
}

// deadline is a point in time after which waiting is refused.
type deadline struct {
	mu      sync.Mutex
	at      time.Time   // zero: none
	timer   *time.Timer // made by the first deadline in the future
	expired atomic.Bool // written under mu

	timeout atomic.Int64 // nanoseconds for one call, 0: any; written by SetTimeout
	until   time.Time    // the end of the call that has the Side; zero: it has not waited yet; under the Side's lock
	bound   *time.Timer  // of until; under the Side's lock
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

func (dl *deadline) set(t time.Time, side *Side) {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	if side.closed.Load() { // stop has run, or waits for the lock
		return
	}
	dl.at = t
	if dl.timer != nil {
		dl.timer.Stop()
	}
	if t.IsZero() {
		dl.expired.Store(false)
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		dl.expired.Store(true)
		side.Interrupt()
		return
	}
	dl.expired.Store(false)
	if dl.timer == nil {
		dl.timer = time.AfterFunc(wait, func() { dl.fire(side) })
	} else {
		dl.timer.Reset(wait)
	}
}

// fire marks the deadline as passed, unless it was moved meanwhile. After stop it does
// not touch side's Waiter.
func (dl *deadline) fire(side *Side) {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	if dl.at.IsZero() || time.Until(dl.at) > 0 || side.closed.Load() {
		return
	}
	dl.expired.Store(true)
	side.Interrupt()
}

func (dl *deadline) stop() {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	if dl.timer != nil {
		dl.timer.Stop()
	}
}
