//go:build !amd64 && !arm64

package sock

// somebody is the goroutine that is parked: its channel is in the Waiter.
const somebody = 8

// goroutine is the channel that one waits on.
type goroutine chan struct{}

// parking is the channel of a Waiter.
type parking struct {
	ch goroutine // made before the word says that somebody is parked
}

// sleep parks the calling goroutine, unless it was woken since Arm.
func (w *Waiter) sleep() {
	if w.ch == nil {
		w.ch = make(goroutine, 1)
	}
	if w.word.CompareAndSwap(waiterWaiting, somebody) ||
		w.word.CompareAndSwap(waiterWaiting|waiterWatched, somebody|waiterWatched) {
		<-w.ch
	}
}

// parked returns the goroutine that a claim has found.
func (w *Waiter) parked(uintptr) goroutine { return w.ch }

// rouse makes the parked goroutine runnable, once after the claim that found it.
func (g goroutine) rouse() { g <- struct{}{} }
