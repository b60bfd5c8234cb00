package lcore

import (
	"testing"

	"dataplane/perf"
)

// TestRelieve: a core's goroutine takes the turns of cores with tasks whose bells rang,
// but not of one that is in a turn, sleeps or has ended.
func TestRelieve(t *testing.T) {
	oneP(t)
	a, b := newRig(t, 1, Shared, Adaptive, newPort(1, 0)), newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	x, y, s := a.g.Core(0), b.g.Core(0), b.stacks[0]
	for _, c := range []*Core{x, y} {
		c.invite()
		c.enrol()
		defer c.strike()
	}
	ring := func(what string, turns int, served int64) {
		t.Helper()
		before := s.served.Load()
		s.jobs.Add(1)
		y.bell.Ring()
		if n := s.served.Load() - before; n != 0 {
			t.Errorf("%s: who rang served %d", what, n)
		}
		if n := x.relieve(perf.Now()); n != turns {
			t.Errorf("%s: %d turns were taken, expected %d", what, n, turns)
		}
		if n := s.served.Load() - before; n != served {
			t.Errorf("%s: %d were served, expected %d", what, n, served)
		}
	}
	y.hand.close()
	ring("no tasks", 0, 0)
	a.g.Alone()
	b.g.Alone()
	ring("tasks", 1, 2)
	y.hand.busy.Store(true)
	ring("in a turn", 0, 0)
	if y.hand.aside.Store(true); x.relieve(perf.Now()) != 0 || y.hand.aside.Load() {
		t.Error("who stands aside was not called back")
	}
	y.hand.busy.Store(false)
	ring("between two turns", 1, 2)
	b.g.stop.Store(true)
	ring("stopped", 0, 0)
	a.close()
	b.close()
}

// TestRelievedExchange is TestHelpedExchange with tasks on both cores.
func TestRelievedExchange(t *testing.T) {
	exchange(t, 400, func(there, back *side) {
		there.g.Alone()
		back.g.Alone()
	})
}
