package latency

import (
	"runtime"
	"time"

	"dataplane/perf"
)

// Place is where the parts of a load run: the senders, and a reader for each
// connection.
type Place interface {
	// Now reads the clock.
	Now() perf.Tick
	// Go starts f.
	Go(f func()) error
	// Rest lets others run, as there is nothing to send for d. It may return at
	// once, and does not return late.
	Rest(d perf.Tick)
}

const (
	// longGap is a gap so long that the processor is left to others meanwhile. A
	// shorter one is spent awake: a sleep ends when the kernel thinks fit.
	longGap = 5 * perf.Millisecond
	// early is how much too early a sleep is to end.
	early = 3 * perf.Millisecond
)

// Goroutines is the Place of an ordinary program.
type Goroutines struct{}

// Now reads the monotonic clock.
func (Goroutines) Now() perf.Tick { return perf.Now() }

// Go starts a goroutine.
func (Goroutines) Go(f func()) error {
	go f()
	return nil
}

// Rest yields, or sleeps through most of a long gap.
func (Goroutines) Rest(d perf.Tick) {
	if d < longGap {
		runtime.Gosched()
		return
	}
	time.Sleep((d - early).Duration())
}

// Tasks is what Resident needs of a plane. *api.Net has it.
type Tasks interface {
	GoResident(core int, f func()) error
	Yield()
}

// Resident is the Place of resident tasks, on one lcore of a plane. The lcore polls
// while a task rests.
type Resident struct {
	Plane Tasks
	Core  int
}

// Now reads the monotonic clock.
func (Resident) Now() perf.Tick { return perf.Now() }

// Go starts a task.
func (r Resident) Go(f func()) error { return r.Plane.GoResident(r.Core, f) }

// Rest lets the lcore take a turn.
func (r Resident) Rest(perf.Tick) { r.Plane.Yield() }
