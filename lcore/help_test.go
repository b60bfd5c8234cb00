package lcore

import (
	"runtime"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd/wire"
)

// oneP leaves the test one P, as long as it runs.
func oneP(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func TestHelpIsForOneSharedP(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for _, procs := range []int{1, 2} {
			before := runtime.GOMAXPROCS(procs)
			r := newRig(t, 1, mode, Spin, newPort(1, 0))
			c := r.g.Core(0)
			c.invite()
			if want := mode == Shared && procs == 1; c.hand.on != want {
				t.Errorf("%v, %d P: others may help %v, expected %v", mode, procs, c.hand.on, want)
			}
			runtime.GOMAXPROCS(before)
			r.close()
		}
	})
}

// TestHelpRights: who rings takes a turn after a turn with one frame for one
// goroutine, twice at most; a burst or a crowd takes the right away.
func TestHelpRights(t *testing.T) {
	oneP(t)
	port := newPort(1, 0)
	r := newRig(t, 1, Shared, Spin, port)
	c, s := r.g.Core(0), r.stacks[0]
	s.input = c.Pool().Free
	c.invite()
	turn := func(frames, woken int) {
		for range frames {
			port.queues[0].rx = append(port.queues[0].rx, r.gen.Alloc())
		}
		s.readies = woken
		c.Turn(0)
	}
	times := 5
	rings := func(n int64) {
		t.Helper()
		before := s.served.Load()
		for range times {
			s.jobs.Add(1)
			c.bell.Ring()
		}
		if got := s.served.Load() - before; got != n {
			t.Errorf("%d requests were served by those who made them, expected %d", got, n)
		}
		c.Turn(0) // the rest
	}
	rings(0)
	turn(1, 1)
	rings(helpTurns)
	rings(0)
	turn(1, 1)
	turn(0, 0)
	rings(helpTurns)
	for _, burst := range [][2]int{{2, 1}, {1, 2}, {32, 0}, {0, 5}} {
		turn(1, 1)
		turn(burst[0], burst[1])
		rings(0)
	}
	for turn(1, 1); c.hand.run < helpRun-1; {
		c.hand.run++
	}
	rings(1) // and then the core's own goroutine must have a turn
	c.hand.run = 0
	turn(1, 1)
	c.hand.busy.Store(true) // somebody takes a turn just now
	rings(0)
	c.hand.busy.Store(false)
	turn(1, 1)
	times = 1
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	defer c.rest.sleeper.close()
	c.bell.Announce() // asleep: woken, and nobody takes its turn
	rings(0)
	c.bell.Cancel()
	c.hand.left = helpTurns
	r.g.stop.Store(true)
	rings(0)
	r.close()
}

// TestHelpedExchange: two groups on one P exchange single frames, with each idle
// policy, so that the turns of those who ring meet those of cores that poll, go
// to sleep and wake. A wake-up that is lost fails the test; so does, with the race
// detector, a turn that somebody else's overlaps.
func TestHelpedExchange(t *testing.T) {
	exchange(t, 2000, func(there, back *side) {
		from, to := there.stacks[0], back.stacks[0]
		check := from.input
		from.input = func(m *mbuf.Mbuf) { check(m); from.readies = 1 }
		to.input = func(m *mbuf.Mbuf) { to.tx.Add(m); to.readies = 1 }
	})
}

// exchange sends frames there and back, one after the other, on one P and in each way
// to be idle. prepare may change both sides before they start.
func exchange(t *testing.T, frames int, prepare func(there, back *side)) {
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
			prepare(there, back)
			for _, s := range []*side{there, back} {
				if err := s.g.Start(); err != nil {
					t.Fatal(err)
				}
			}
			for n := range int64(frames) {
				from.jobs.Add(1)
				there.g.Core(0).Bell().Ring()
				eventually(t, "a frame to come back", func() bool { return from.frames.Load() == n+1 })
				if n%50 == 0 {
					time.Sleep((100 * perf.Microsecond).Duration())
				}
			}
			stopSides(t, there, back)
		})
	}
}

// TestStandAside: while others take all turns, the core's own goroutine waits; who may
// not take one calls it back, and so do the end of the group and time.
func TestStandAside(t *testing.T) {
	oneP(t)
	port := newPort(1, 0)
	r := newRig(t, 1, Shared, Adaptive, port)
	c, s := r.g.Core(0), r.stacks[0]
	s.input = func(m *mbuf.Mbuf) { c.Pool().Free(m); s.readies = 1 }
	if err := r.g.Start(); err != nil {
		t.Fatal(err)
	}
	ring := func() {
		s.jobs.Add(1)
		c.bell.Ring()
	}
	// busy rings until the core's own goroutine, which has a turn each time, has seen
	// that others do the work.
	busy := func() {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !c.hand.aside.Load(); runtime.Gosched() {
			r.gen.Housekeep()
			if m := r.gen.Alloc(); m != nil { // some may be on their way home
				port.queues[0].put(m)
			}
			ring()
			if time.Now().After(end) {
				t.Fatal("it does not stand aside")
			}
		}
	}
	for range 3 {
		busy()
		eventually(t, "it comes back by itself", func() bool { return !c.hand.aside.Load() })
	}
	busy()
	want := s.served.Load()
	for range 10 { // more than others may take
		want++
		ring()
	}
	eventually(t, "all is served", func() bool { return s.served.Load() >= want })
	busy()
	r.close()
}

// TestEnter: who has entered has the next turn for himself. Others who ring meanwhile are
// served by him, in another one.
func TestEnter(t *testing.T) {
	oneP(t)
	port := newPort(1, 0)
	r := newRig(t, 1, Shared, Spin, port)
	c, s := r.g.Core(0), r.stacks[0]
	s.input = c.Pool().Free
	c.invite()
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	defer c.rest.sleeper.close()
	lend := func() { // by a turn with one frame
		port.queues[0].rx = append(port.queues[0].rx, r.gen.Alloc())
		c.Turn(0)
	}
	want := int64(0)
	served := func(what string, n int64) {
		t.Helper()
		if want += n; s.served.Load() != want {
			t.Errorf("%s: %d requests are served, expected %d", what, s.served.Load(), want)
		}
	}
	job := func(ring func()) {
		s.jobs.Add(1)
		ring()
	}
	lend()
	if !c.Enter() || c.Enter() {
		t.Fatal("one may enter, and only one")
	}
	job(c.bell.Ring)
	job(port.queues[0].wake)
	served("before the turn", 0)
	c.Leave()
	served("by the turn", 2)

	lend()
	again := 2 // rings in the middle of a turn
	s.log = func(call string) {
		if call == "wake" && again > 0 {
			again--
			job(port.queues[0].wake)
		}
	}
	if !c.Enter() {
		t.Fatal("nobody may enter")
	}
	c.Leave()
	served("by a second turn, and there was no third", 1)
	c.Turn(0)
	served("by the core", 1)
	if c.hand.busy.Load() || c.Enter() {
		t.Error("two turns were taken, and somebody may have a third")
	}
	for what, f := range map[string]func(on bool){
		"asleep": func(on bool) {
			if on {
				c.bell.Announce()
			} else {
				c.bell.Cancel()
			}
		},
		"left to the core's goroutine": c.hand.solo.Store,
		"stopped":                      r.g.stop.Store,
		"not for others":               c.hand.shut.Store,
		"in a turn":                    c.hand.busy.Store,
		"alone on its P":               func(on bool) { c.hand.on = !on },
	} {
		lend()
		f(true)
		if c.Enter() {
			t.Errorf("somebody may enter a core that is %s", what)
		}
		f(false)
		if !c.Enter() {
			t.Errorf("nobody may enter a core that was %s", what)
		}
		c.Leave()
	}
	r.close()
}
