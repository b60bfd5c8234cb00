package sock

import "sync/atomic"

// States of a Waiter's word.
const (
	waiterIdle    = 0 // nobody is parked, or the wake-up is on its way
	waiterWaiting = 1 // a goroutine announced that it is going to park
)

// Waiter is the place where the goroutine that works on one direction of a
// Socket parks. The order below is what keeps a wake-up from being lost:
//
//	goroutine                      lcore
//	Arm: word = waiting            publish data (atomic store)
//	look at the data again         word == waiting? then word = idle, and
//	nothing there: Wait            the Waiter goes to the ready ring
//
// Both sides write first and look second, and Go's atomics are sequentially
// consistent, so at least one of them sees the other. A wake-up too many is
// possible (the goroutine found the data by itself); every caller of Wait
// therefore looks again in a loop.
//
// Where a resident task waits, its coroutine takes the channel's place.
type Waiter struct {
	word  atomic.Uint32        // set to waiting by the goroutine, to idle by whoever wakes it or by Disarm
	ch    chan struct{}        // made by the goroutine before it stores waiting; holds one token
	task  atomic.Pointer[Task] // the task that waits, nil: a goroutine does; written by Arm
	tasks *Tasks               // of the plane; written before the first Arm
	lane  uint8                // dispatcher that readies it; written before the first Arm
}

// Arm announces that the calling goroutine is about to park. It must look at
// its condition once more before Wait.
func (w *Waiter) Arm() {
	t := w.tasks.current()
	if t != w.task.Load() {
		w.task.Store(t)
	}
	if t == nil && w.ch == nil {
		w.ch = make(chan struct{}, 1)
	}
	w.word.Store(waiterWaiting)
}

// Disarm takes back an Arm: the condition came true after all.
func (w *Waiter) Disarm() { w.word.Store(waiterIdle) }

// Wait parks the goroutine until somebody wakes it. It may return without
// cause.
func (w *Waiter) Wait() {
	if t := w.task.Load(); t != nil {
		t.park()
		return
	}
	<-w.ch
}

// WakeApp wakes the parked goroutine from another goroutine: a deadline
// passed, the socket was closed. Never called on an lcore.
func (w *Waiter) WakeApp() {
	if w.claim() {
		w.ready()
	}
}

// claim takes the duty to wake the goroutine: true for exactly one caller.
func (w *Waiter) claim() bool {
	return w.word.Load() == waiterWaiting && w.word.CompareAndSwap(waiterWaiting, waiterIdle)
}

// ready makes the goroutine or task runnable. It follows a claim. Any thread.
func (w *Waiter) ready() {
	if t := w.task.Load(); t != nil {
		t.post()
		return
	}
	select {
	case w.ch <- struct{}{}:
	default: // a token of an earlier, unneeded wake-up is still there
	}
}
