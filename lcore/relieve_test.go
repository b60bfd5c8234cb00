package lcore

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd/wire"
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
	oneP(t)
	for _, idle := range []Idle{Adaptive, Spin, Sleep} {
		t.Run(idle.String(), func(t *testing.T) {
			a, b, err := wire.Pair(wire.Config{Name: t.Name()}, wire.Config{Name: t.Name()})
			if err != nil {
				t.Fatal(err)
			}
			there, back := newSide(t, a, Shared, 1), newSide(t, b, Shared, 1)
			there.g.idle, back.g.idle = idle, idle
			from, to := there.stacks[0], back.stacks[0]
			from.sender(t, 0, there.g)
			to.input = func(m *mbuf.Mbuf) { to.tx.Add(m) }
			for _, s := range []*side{there, back} {
				if err := s.g.Start(); err != nil {
					t.Fatal(err)
				}
				s.g.Alone()
			}
			for n := range int64(400) {
				from.jobs.Add(1)
				there.g.Core(0).Bell().Ring()
				eventually(t, "a frame to come back", func() bool { return from.frames.Load() == n+1 })
			}
			stopSides(t, there, back)
		})
	}
}
