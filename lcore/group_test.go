package lcore

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

func TestNewGroup(t *testing.T) {
	for _, n := range []int{-1, 0, Flows + 1} {
		if _, err := NewGroup(n, Auto, Adaptive); err == nil {
			t.Errorf("%d cores are possible", n)
		}
	}
	g, err := NewGroup(3, Auto, Adaptive)
	if err != nil {
		t.Fatal(err)
	}
	if m, why := g.Mode(); m == Auto || why == "" || g.Len() != 3 {
		t.Errorf("mode %v (%s), %d cores", m, why, g.Len())
	}
	share := make([]int, 3)
	for h := range uint32(Flows) {
		share[g.Owner(h)]++
		if g.Owner(h) != g.Owner(h+Flows<<9) {
			t.Error("high bits of the hash choose the core")
		}
	}
	for i, n := range share {
		if n < Flows/3 || n > Flows/3+1 {
			t.Errorf("core %d owns %d of %d entries", i, n, Flows)
		}
	}
	for range 2 {
		if err := g.Stop(); err != nil {
			t.Errorf("stop of a group that never started: %v", err)
		}
	}
	if err := g.Start(); err == nil {
		t.Error("a stopped group starts")
	}
}

func TestStartNeedsEverything(t *testing.T) {
	g, err := NewGroup(1, Shared, Adaptive)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err == nil || !strings.Contains(err.Error(), "core 0") {
		t.Errorf("started without a pool: %v", err)
	}
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
}

// TestStartFails: one core cannot be pinned, so none runs, and all is given back.
func TestStartFails(t *testing.T) {
	r := newRig(t, 2, Locked, Adaptive, newPort(1, 0))
	r.g.Core(1).SetCPU(maxCPU - 1)
	err := r.g.Start()
	if err == nil {
		r.close()
		t.Skip("this machine has 1024 CPUs")
	}
	if !strings.Contains(err.Error(), "CPU 1023") || strings.Contains(err.Error(), "\n") {
		t.Errorf("not one clear line: %v", err)
	}
	r.close()
	if r.stacks[0].closed != 1 || r.stacks[1].closed != 1 {
		t.Error("a stack was not closed once")
	}
}

// modes runs a test in both modes; both must work on any machine.
func modes(t *testing.T, f func(t *testing.T, mode Mode)) {
	for _, m := range []Mode{Locked, Shared} {
		t.Run(m.String(), func(t *testing.T) { f(t, m) })
	}
}

// TestTraffic runs two cores on one queue and on two under all idle policies:
// every frame comes out once, each flow in order.
func TestTraffic(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for _, queues := range []int{1, 2} {
			for _, idle := range []Idle{Adaptive, Spin, Sleep} {
				traffic(t, newRig(t, 2, mode, idle, newPort(queues, 0)))
			}
		}
	})
}

func traffic(t *testing.T, r *rig) {
	const flows, total = 16, 4000
	t.Helper()
	for _, s := range r.stacks {
		s.input = s.tx.Add // out again
	}
	if err := r.g.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.g.Start(); err == nil {
		t.Error("started twice")
	}
	next := map[uint16]uint32{}
	sent, back := 0, 0
	collect := func() {
		for _, q := range r.port.queues {
			for _, m := range q.sent() {
				f, n := flowOf(m)
				if n != next[f] {
					t.Errorf("flow %d: number %d, expected %d", f, n, next[f])
				}
				next[f] = n + 1
				back++
				mbuf.FreeAnywhere(m)
			}
		}
		r.gen.Housekeep()
	}
	for sent < total {
		for range 32 { // fewer than any ring holds are under way
			f := sent % flows
			r.port.queues[f%len(r.port.queues)].put(r.frame(udp4(t, uint16(f), 80, uint32(sent/flows))))
			sent++
		}
		eventually(t, "frames to come back", func() bool { collect(); return back > sent-200 })
	}
	eventually(t, "the last frames to come back", func() bool { collect(); return back == sent })
	var s, sum perf.Stat
	for _, c := range r.g.cores {
		c.Stats(&s) // while it runs: for the race detector
		sum.Add(&s)
	}
	for range 2 {
		if err := r.g.Stop(); err != nil {
			t.Error(err)
		}
	}
	s, sum = perf.Stat{}, perf.Stat{}
	for i, c := range r.g.cores {
		c.Stats(&s)
		sum.Add(&s)
		if r.stacks[i].closed != 1 {
			t.Errorf("stack %d was closed %d times", i, r.stacks[i].closed)
		}
	}
	if sum.RxFrames != uint64(sent) || sum.TxFrames != uint64(sent) || sum.Dropped() != 0 {
		t.Errorf("after Stop: %d received, %d sent of %d, %d dropped", sum.RxFrames, sum.TxFrames, sent, sum.Dropped())
	}
	r.close()
}

// TestStopInTraffic stops while frames are everywhere: all come home.
func TestStopInTraffic(t *testing.T) {
	modes(t, func(t *testing.T, mode Mode) {
		for range 20 {
			r := newRig(t, 2, mode, Adaptive, newPort(1, 0))
			for _, s := range r.stacks {
				s.input = s.tx.Add
			}
			for i := range 2000 {
				r.port.queues[0].put(r.frame(udp4(t, uint16(i), 80, 0)))
			}
			r.port.queues[0].put(r.frame(arp(t)))
			r.port.queues[0].room = 500 // then it is full
			if err := r.g.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "some frames", func() bool { return r.stacks[1].frames.Load() > 0 })
			r.close()
		}
	})
}

// TestStopFromTwoSides: both callers return after everything has ended.
func TestStopFromTwoSides(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	if err := r.g.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := r.g.Stop(); err != nil || r.stacks[0].closed != 1 {
				t.Errorf("stop: %v, stack closed %d times", err, r.stacks[0].closed)
			}
		})
	}
	wg.Wait()
	r.close()
}

// TestSharedBesideBusyGoroutine: on one P, with a goroutine that never rests, the
// plane goes on, and so does the goroutine.
func TestSharedBesideBusyGoroutine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	r.stacks[0].input = r.stacks[0].tx.Add
	if err := r.g.Start(); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var laps atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			laps.Add(1)
		}
	})
	for n := range 20 {
		before := laps.Load()
		r.port.queues[0].put(r.frame(udp4(t, 1, 2, 3)))
		eventually(t, "a frame beside a busy goroutine", func() bool { return r.stacks[0].frames.Load() == int64(n+1) })
		eventually(t, "the busy goroutine to go on", func() bool { return laps.Load() > before })
	}
	// The plane is never idle: the goroutine must go on all the same.
	q := r.port.queues[0]
	stop.Store(true)
	wg.Wait()
	stop.Store(false)
	r.stacks[0].jobs.Store(1)
	wg.Go(func() {
		for !stop.Load() {
			r.stacks[0].jobs.Store(1)
			laps.Add(1)
			runtime.Gosched()
		}
	})
	before := laps.Load()
	eventually(t, "a goroutine beside a busy plane", func() bool { return laps.Load() > before+100 })
	stop.Store(true)
	wg.Wait()
	for _, m := range q.sent() {
		mbuf.FreeAnywhere(m)
	}
	r.close()
}
