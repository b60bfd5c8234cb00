package jitter

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/perf"
	"dataplane/pmd/dpdk/cthread"
)

// Subject is a kind of thread.
type Subject struct {
	Name string
	// Run measures one on a CPU for d.
	Run func(cpu int, d time.Duration) (*Gaps, error)
}

// Subjects returns the kinds there are: the thread of C only in a program that was
// built with the tag dpdk.
func Subjects() []Subject {
	s := []Subject{{"lcore", Lcore}, {"Go loop", Loop}}
	if cthread.Known {
		s = append(s, Subject{"C thread", Thread})
	}
	return s
}

// Lcore measures the turns of a plane without ports, whose lcore is locked and spins:
// a resident task reads the clock once a turn.
func Lcore(cpu int, d time.Duration) (*Gaps, error) { return turns(cpu, d, false) }

// Realtime is Lcore with an lcore that goes before ordinary threads. It fails where
// the process may not have one.
func Realtime(cpu int, d time.Duration) (*Gaps, error) { return turns(cpu, d, true) }

func turns(cpu int, d time.Duration, realtime bool) (*Gaps, error) {
	n, err := api.Open(api.Config{Mode: api.ModeLocked, Idle: api.IdleSpin, Lcores: []int{cpu}, Realtime: realtime, Buffers: 256})
	if err != nil {
		return nil, err
	}
	g := newGaps()
	done := make(chan struct{})
	err = n.GoResident(0, func() {
		defer close(done)
		g.measure(d, n.Yield)
	})
	if err == nil {
		<-done
	}
	return g, errors.Join(err, n.Close())
}

// Loop measures a plain loop of a goroutine on a thread of its own.
func Loop(cpu int, d time.Duration) (*Gaps, error) {
	g := newGaps()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, bound to a CPU, ends with the goroutine
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			done <- fmt.Errorf("jitter: bind a thread to CPU %d: %w", cpu, err)
			return
		}
		g.measure(d, func() {})
		done <- nil
	}()
	return g, <-done
}

// Thread measures a thread of C.
func Thread(cpu int, d time.Duration) (*Gaps, error) {
	c, err := cthread.Spin(cpu, d)
	if err != nil {
		return nil, err
	}
	g := newGaps()
	g.add(c)
	return g, nil
}

// settle is how long a subject turns before its gaps count.
const settle = 5 * perf.Millisecond

// measure reads the clock, turn after turn.
func (g *Gaps) measure(d time.Duration, turn func()) {
	last := perf.Now()
	for end := last + settle; last < end; last = perf.Now() {
		turn()
	}
	involuntary, voluntary := switches()
	for end := last + perf.Tick(d); last < end; {
		turn()
		now := perf.Now()
		g.note(now - last)
		last = now
	}
	i, v := switches()
	g.Involuntary, g.Voluntary = i-involuntary, v-voluntary
}

// switches returns the context switches of the calling thread so far.
func switches() (involuntary, voluntary int64) {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &ru) != nil {
		return 0, 0
	}
	return ru.Nivcsw, ru.Nvcsw
}
