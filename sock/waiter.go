package sock

import "sync/atomic"

// States of a Waiter's word. Any other value is the goroutine that is parked, with
// waiterClaimed once somebody has taken the duty to wake it.
const (
	waiterIdle    = 0 // nobody waits
	waiterClaimed = 1
	waiterWaiting = 2 // somebody announced that it is going to park
)

// Waiter is the place where the goroutine that works on one direction of a
// Socket parks. The order below is what keeps a wake-up from being lost:
//
//	goroutine                      lcore
//	Arm: word = waiting            publish data (atomic store)
//	look at the data again         word is waiting? then word = idle
//	nothing there: Wait            word is a goroutine? then word = claimed, and
//	word is waiting? then          the Waiter goes to the ready ring
//	word = itself, and parked      rouse: word = idle, the goroutine runs
//
// Both sides write first and look second, and Go's atomics are sequentially
// consistent, so at least one of them sees the other. Who has announced itself and
// is not parked yet is woken by the word alone. A wake-up too many is possible; every
// caller of Wait therefore looks again in a loop.
//
// Where a resident task waits, its coroutine takes the goroutine's place.
type Waiter struct {
	//lint:ignore U1000 as of its type
	parking
	word  atomic.Uintptr       // set to waiting and to itself by the goroutine, to claimed and idle by whoever wakes it, to idle by Disarm
	task  atomic.Pointer[Task] // the task that waits, nil: a goroutine does; written by Arm
	tasks *Tasks               // of the plane; written before the first Arm
	lane  uint8                // dispatcher that readies it; written before the first Arm
}

// Arm announces that the caller is about to park. It must look at its condition
// once more before Wait.
func (w *Waiter) Arm() {
	if t := w.tasks.current(); t != w.task.Load() {
		w.task.Store(t)
	}
	w.word.Store(waiterWaiting)
}

// Disarm takes back an Arm: the condition came true after all.
func (w *Waiter) Disarm() { w.word.Store(waiterIdle) }

// Wait parks the caller until somebody wakes it. It may return without cause.
func (w *Waiter) Wait() {
	if t := w.task.Load(); t != nil {
		t.park()
		return
	}
	w.sleep()
}

// WakeApp wakes who waits from another goroutine: a deadline passed, the socket was
// closed. Never called on an lcore.
func (w *Waiter) WakeApp() {
	switch v := w.claim(); {
	case v == waiterIdle:
	case w.task.Load() != nil:
		w.task.Load().post()
	case v != waiterWaiting:
		w.rouse()
	}
}

// Wake wakes who waits, from a goroutine or a task. What a task's lcore must not ready
// itself leaves at the end of the turn.
func (w *Waiter) Wake() {
	if w.word.Load() == waiterIdle {
		return
	}
	if t := w.tasks.current(); t != nil {
		t.core.wake(w)
		return
	}
	w.WakeApp()
}

// claim takes the duty to wake who waits, for exactly one caller, and returns what
// the word was: idle for all the others.
func (w *Waiter) claim() uintptr {
	for {
		v := w.word.Load()
		if v == waiterIdle || v&waiterClaimed != 0 {
			return waiterIdle
		}
		next := uintptr(waiterIdle)
		if v != waiterWaiting {
			next = v | waiterClaimed
		}
		if w.word.CompareAndSwap(v, next) {
			return v
		}
	}
}
