package fuzz

import (
	"testing"
	"time"
)

// buffers of each core.
const buffers = 400

// patience is how long one input may take. A panic after it makes the fuzzer
// keep the input: an endless loop is a bug like any other.
const patience = 20 * time.Second

// FuzzInput plays the input against one core with a listener, a connection and
// UDP sockets. Whatever comes, nothing panics or runs on for ever, every buffer
// comes home, every frame is accounted for, every frame that leaves is well
// formed, tables keep to their limits, and streams are the ones written.
func FuzzInput(f *testing.F) { play(f, 1) }

// FuzzSteer is the same with two cores, which share a port with one queue or
// two: frames, fragments and connections have to find their core.
func FuzzSteer(f *testing.F) { play(f, 2) }

func play(f *testing.F, cores int) {
	k := newKit(f, cores, buffers)
	f.Fuzz(func(t *testing.T, in []byte) {
		watch := time.AfterFunc(patience, func() { panic("fuzz: an input takes too long") })
		defer watch.Stop()
		traced = *tracing
		ok := false
		defer func() {
			if !ok { // the fuzzer goes on after a panic, to minimise the input
				k.renew(t)
			}
		}()
		newWorld(t, k, in).run()
		ok = true
	})
}
