//go:build !amd64 && !arm64

package sock

// somebody is the goroutine that is parked: its channel is in the Waiter.
const somebody = 8

// parking is the channel that the goroutine waits on.
type parking struct {
	ch chan struct{} // made before the word says that somebody is parked
}

// sleep parks the calling goroutine, unless it was woken since Arm.
func (w *Waiter) sleep() {
	if w.ch == nil {
		w.ch = make(chan struct{}, 1)
	}
	if w.word.CompareAndSwap(waiterWaiting, somebody) ||
		w.word.CompareAndSwap(waiterWaiting|waiterWatched, somebody|waiterWatched) {
		<-w.ch
	}
}

// rouse makes the parked goroutine runnable. It follows a claim that found one.
func (w *Waiter) rouse() {
	w.word.And(waiterWatched)
	w.ch <- struct{}{}
}
