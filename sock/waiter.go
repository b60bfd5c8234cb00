package sock

import (
	"sync/atomic"

	"dataplane/internal/ring"
)

// States of a Waiter's word. Any other value is the goroutine that is parked.
const (
	waiterIdle    = 0 // nobody waits, or somebody has taken the duty to wake who does
	waiterWaiting = 2 // somebody announced that it is going to park
	waiterWatched = 4 // a bit beside any of these: somebody else wants to hear too (watch.go)
)

// Waiter is the place where the goroutine that works on one direction of a
// Socket parks. The order below is what keeps a wake-up from being lost:
//
//	goroutine                      lcore
//	Arm: word = waiting            publish data, then a fence
//	look at the data again         word is waiting? then word = idle
//	nothing there: Wait            word is a goroutine? then word = idle, and
//	word is waiting? then          the goroutine goes to the ready ring
//	word = itself, and parked      rouse: it runs
//
// Both sides write first and look second, and between the two each of them waits until
// others can see what it wrote: Arm by its read-modify-write, the other side by a
// fence, or by the compare-and-swap that takes the duty. So at least one of them sees the
// other. Who has announced itself and
// is not parked yet is woken by the word alone. A wake-up too many is possible; every
// caller of Wait therefore looks again in a loop.
//
// Where a resident task waits, its coroutine takes the goroutine's place.
type Waiter struct {
	//lint:ignore U1000 as of its type
	parking
	word atomic.Uintptr       // set to waiting and to itself by the goroutine, to idle by whoever wakes it and by Disarm; watched by who watches
	task atomic.Pointer[Task] // the task that waits, nil: a goroutine does; written by Arm
	env  atomic.Pointer[env]  // the plane's, or while it is watched its own; written before the first Arm, by watch and unwatch
	lane uint8                // dispatcher that readies it; written before the first Arm
}

// waits reports whether somebody waits or watches, to who has published something
// since his last fence. order is his.
func (w *Waiter) waits(order *ring.Order) bool {
	if w.word.Load() != waiterIdle {
		return true // and to claim is a fence
	}
	order.Fence()
	return w.word.Load() != waiterIdle
}

// env is where a Waiter is: most of them share the one of their plane.
type env struct {
	tasks   *Tasks
	watched *watched    // nil: nobody watches
	key     uint32      // what a wake-up means, if nothing else is said
	gated   bool        // nobody hears of room but who missed it
	starved atomic.Bool // somebody missed it; set by who writes or polls, cleared by who tells of room
}

// tasks returns those of the plane.
func (w *Waiter) tasks() *Tasks { return w.env.Load().tasks }

// Arm announces that the caller is about to park. It must look at its condition
// once more before Wait.
func (w *Waiter) Arm() { w.arm(w.tasks().current()) }

// arm is Arm for t; nil: a goroutine calls.
func (w *Waiter) arm(t *Task) {
	if t != w.task.Load() {
		w.task.Store(t)
	}
	w.word.Or(waiterWaiting)
}

// Disarm takes back an Arm: the condition came true after all.
func (w *Waiter) Disarm() { w.word.And(waiterWatched) }

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
	switch v := w.claim() &^ waiterWatched; {
	case v == waiterIdle:
	case w.task.Load() != nil:
		w.task.Load().post()
	case v != waiterWaiting:
		w.parked(v).rouse()
	}
}

// Wake wakes who waits, and tells who watches, from a goroutine or a task. What a task's
// lcore must not ready itself leaves at the end of the turn.
func (w *Waiter) Wake() {
	if w.word.Or(0) != waiterIdle { // which is a fence
		w.wake(w.env.Load().key)
	}
}

// WakeFor is Wake for what key says: a mask of PollIn and so on, 0 for anything.
func (w *Waiter) WakeFor(key uint32) {
	if w.word.Or(0) != waiterIdle {
		w.wake(key)
	}
}

func (w *Waiter) wake(key uint32) {
	if t := w.tasks().current(); t != nil {
		t.core.wakeFor(w, key)
		return
	}
	w.WakeApp()
	w.tell(nil, key)
}

// claim takes the duty to wake who waits, for exactly one caller, and returns what
// the word was: without anybody for all the others. It is a fence in any case: whom a
// caller does not see sees what the caller has published.
func (w *Waiter) claim() uintptr {
	for {
		v := w.word.Load()
		if w.word.CompareAndSwap(v, v&waiterWatched) {
			return v
		}
	}
}
