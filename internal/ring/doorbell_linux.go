package ring

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Doorbell wakes one thread that sleeps on an eventfd, or one goroutine in a way of
// its own (WakeBy).
//
//	word = rings<<1 | asleep
//	sleeper:  awake -> asleep (Announce), asleep -> awake (Cancel)
//	ringer:   asleep -> awake, rings+1, then one write(2)
//	          asleep -> awake, then one call, with WakeBy
//
// The sleeper announces itself and then looks for work once more; the ringer
// publishes work and then looks whether somebody sleeps. Both orders hold
// because the atomics are sequentially consistent, so at least one of the two
// sees the other, and no wake is lost. Only the ringer that wins the
// compare-and-swap writes, so a burst of work costs one system call.
//
// rings counts the writes that were or will be made, drained those the sleeper
// has read back. While they differ a write may still be under way; Close waits
// for it, so nobody ever writes to a descriptor that has been closed.
type Doorbell struct {
	word    atomic.Uint64 // written by the sleeper, and by ringers while asleep is set
	drained uint64        // the sleeper's
	fd      int           // the sleeper's after NewDoorbell; -1: closed
	one     [8]byte       // never changes; what a ringer writes
	got     [8]byte       // the sleeper's: what it reads
	awake   func()        // what Ring does while nobody sleeps; nil: nothing
	rouse   func()        // what Ring does while somebody sleeps; nil: it writes
}

const asleep = 1

// NewDoorbell returns a bell that nobody sleeps on.
func NewDoorbell() (*Doorbell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("ring: eventfd: %w", err)
	}
	d := &Doorbell{fd: fd}
	binary.NativeEndian.PutUint64(d.one[:], 1)
	return d, nil
}

// FD returns the descriptor to poll for input while asleep.
func (d *Doorbell) FD() int { return d.fd }

// Ring wakes the sleeper. Any thread, after it has published the work. Nobody
// asleep: one load, and what WhileAwake asked for.
func (d *Doorbell) Ring() {
	if w := d.word.Load(); w&asleep != 0 {
		d.wake(w)
	} else if d.awake != nil {
		d.awake()
	}
}

// WhileAwake lets Ring call f when nobody sleeps, on the ringer's thread. It is
// set before anybody rings.
func (d *Doorbell) WhileAwake(f func()) { d.awake = f }

// WakeBy lets the ringer that wakes the sleeper call f on its own thread, and write
// nothing. f may be called late, when the sleeper has been awake for long. It is set
// before anybody rings.
func (d *Doorbell) WakeBy(f func()) { d.rouse = f }

// Asleep reports whether somebody sleeps, or is about to. Any thread.
func (d *Doorbell) Asleep() bool { return d.word.Load()&asleep != 0 }

func (d *Doorbell) wake(w uint64) {
	if d.rouse != nil {
		if d.word.CompareAndSwap(w, w&^asleep) {
			d.rouse()
		}
		return
	}
	// A failed swap means that another ringer was faster or the sleeper woke.
	if !d.word.CompareAndSwap(w, w+asleep) { // clears the bit and carries into rings
		return
	}
	for {
		// EAGAIN cannot be: the counter would have to reach 2^64-1.
		if _, err := unix.Write(d.fd, d.one[:]); err != unix.EINTR {
			return
		}
	}
}

// Announce says that the caller is about to sleep. It must look for work once
// more before it does. Sleeper.
func (d *Doorbell) Announce() {
	d.word.Store(d.word.Load() | asleep) // no ringer touches the word while we are awake
}

// Cancel says that the caller is awake, because it was woken or because it
// found work after all. Sleeper.
func (d *Doorbell) Cancel() {
	w := d.word.Load()
	if w&asleep != 0 && !d.word.CompareAndSwap(w, w&^asleep) {
		w = d.word.Load() // a ringer was faster
	}
	if w>>1 != d.drained {
		d.drain()
	}
}

// drain reads what has been written so far. A write that is still under way
// makes the next sleep end at once, and is read then.
func (d *Doorbell) drain() {
	if n, err := unix.Read(d.fd, d.got[:]); err == nil && n == len(d.got) {
		d.drained += binary.NativeEndian.Uint64(d.got[:])
	}
}

// Close gives the descriptor back. The sleeper, awake; others may still Ring.
func (d *Doorbell) Close() error {
	if d.fd < 0 {
		return nil
	}
	d.Cancel()
	for d.word.Load()>>1 != d.drained {
		runtime.Gosched()
		d.drain()
	}
	fd := d.fd
	d.fd = -1
	return unix.Close(fd)
}
