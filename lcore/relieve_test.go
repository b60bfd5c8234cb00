package lcore

import (
	"slices"
	"testing"

	"dataplane/mbuf"
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

// TestMeanwhile: a task takes turns while it waits: the rest of its own first, then the
// neighbour's, whose tasks take none. The turn that wakes it is left where it is, and
// goes on when the task waits again.
func TestMeanwhile(t *testing.T) {
	oneP(t)
	there, back := newPort(1, 0), newPort(1, 0)
	a, b := newRig(t, 1, Shared, Adaptive, there), newRig(t, 1, Shared, Adaptive, back)
	x, y := a.g.Core(0), b.g.Core(0)
	for _, c := range []*Core{x, y} {
		c.invite()
		c.enrol()
		defer c.strike()
	}
	a.g.Alone()
	b.g.Alone()
	var log []string
	for name, s := range map[string]*fakeStack{"x ": a.stacks[0], "y ": b.stacks[0]} {
		s.log = func(call string) {
			if call != "timers" && call != "requests" {
				log = append(log, name+call)
			}
		}
	}
	over := false
	a.stacks[0].input = func(m *mbuf.Mbuf) { over = true; x.Pool().Free(m) }
	waits := 0
	a.stacks[0].tasks = func() int {
		for over = true; over; waits++ {
			if over = false; waits == 0 {
				y.bell.Ring()
			}
			log = append(log, "waits")
			x.Meanwhile(&over)
		}
		return 1
	}
	b.stacks[0].tasks = func() int {
		if waits == 0 {
			y.Meanwhile(&over)
			there.queues[0].put(a.gen.Alloc())
			x.bell.Ring()
		}
		return 0
	}
	x.bell.Ring()
	if n := x.relieve(perf.Now() + perf.Minute); n != 2 { // it is not over by time
		t.Errorf("%d turns found work", n)
	}
	want := []string{
		"x tasks", "waits", "x output", "x wake", // its turn's rest
		"y tasks", "y output", "y wake",
		"x input", "waits", "x output", "x wake", // no tasks: the one that waits goes on
	}
	if len(log) < len(want) || !slices.Equal(log[:len(want)], want) {
		t.Errorf("%q, expected %q", log, want)
	}
	if waits != 2 || x.hand.round != nil || y.hand.round != nil || x.hand.busy.Load() || y.hand.busy.Load() {
		t.Errorf("it waited %d times; the round has not ended", waits)
	}
	log, over = nil, false
	if x.Meanwhile(&over); log != nil {
		t.Errorf("nobody relieves: %q", log)
	}
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
