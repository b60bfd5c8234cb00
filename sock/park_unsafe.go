//go:build amd64 || arm64

package sock

import "unsafe"

// goroutine is the address of the runtime's record of one, which is never followed; it
// is a multiple of 8.
type goroutine uintptr

// parking is nothing: the runtime parks.
//
//lint:ignore U1000 on other architectures it holds a channel
type parking struct{}

// What "go tool trace" and stack dumps say of a goroutine that is parked here
// (runtime.waitReasonIOWait, runtime.traceBlockNet).
const (
	ioWait   = 2
	blockNet = 2
)

// sleep parks the calling goroutine, unless it was woken since Arm.
func (w *Waiter) sleep() {
	gopark(commit, unsafe.Pointer(&w.word), ioWait, blockNet, 1)
	w.word.Load() // what the waker wrote before is seen from here on
}

// parked returns the goroutine of which a claim said v.
func (*Waiter) parked(v uintptr) goroutine { return goroutine(v &^ waiterWatched) }

// rouse makes the parked goroutine runnable, once after the claim that found it.
func (g goroutine) rouse() { goready(g, 1) }

// commit is the last step of parking, on the scheduler's stack: the word becomes g,
// if it is waiting still, and stays watched if it is. Written in assembly: Go code must not be instrumented there.
func commit(gp goroutine, word unsafe.Pointer) bool

// The runtime's own way to park and to ready a goroutine, which channels are made of.
// It keeps both open to such use (go.dev/issue/67401).
//
//go:linkname gopark runtime.gopark
func gopark(unlock func(goroutine, unsafe.Pointer) bool, word unsafe.Pointer, reason, trace uint8, skip int)

//go:linkname goready runtime.goready
func goready(g goroutine, skip int)
