package lcore

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// all is every flow group.
func all() (s FlowSet) {
	for i := range s {
		s[i] = true
	}
	return s
}

// noState moves nothing: the stacks of these tests know no flows.
func noState(int, int, *FlowSet, perf.Tick) {}

// flowFrom returns a source port whose frames core owns.
func flowFrom(g *Group, core int) uint16 {
	for p := uint16(1000); ; p++ {
		if g.Owner(Hash4(mapped(hostA), mapped(hostB), p, 80)) == core {
			return p
		}
	}
}

func TestMoveChangesOwner(t *testing.T) {
	r := newRig(t, 3, Shared, Spin, newPort(1, 0))
	defer r.close()
	if _, err := r.g.Move(all(), 1, 0); err == nil {
		t.Error("flows moved without a mover")
	}
	r.g.SetMover(noState)
	if _, err := r.g.Move(all(), 3, 0); err == nil {
		t.Error("flows moved to a core that does not exist")
	}
	others := Flows - r.g.Owns(1)
	n, err := r.g.Move(all(), 1, 0)
	if err != nil || n != others || r.g.Owns(1) != Flows || r.g.Owns(0) != 0 {
		t.Errorf("%d groups moved, core 1 owns %d: %v", n, r.g.Owns(1), err)
	}
	if c := r.g.cores; !c[0].table.parked.Load() || c[1].table.parked.Load() || !c[2].table.parked.Load() {
		t.Error("cores without groups, and only they, are parked")
	}
	if n, err := r.g.Move(all(), 1, 0); n != 0 || err != nil {
		t.Errorf("%d groups moved to where they were: %v", n, err)
	}
	if n, err := r.g.Move(FlowSet{5: true}, 2, 0); n != 1 || err != nil || r.g.Owner(5) != 2 {
		t.Errorf("%d groups moved: %v", n, err)
	}
}

// TestMoveKeepsOrder: frames that are on their way to the old owner arrive there
// before the flow moves, and those behind them at the new one, all in order.
func TestMoveKeepsOrder(t *testing.T) {
	port := newPort(1, 0)
	r := newRig(t, 3, Shared, Spin, port)
	defer r.close()
	r.g.SetMover(noState)
	flow := flowFrom(r.g, 1)
	var seen []uint32
	for i := range r.stacks {
		r.stacks[i].input = func(m *mbuf.Mbuf) {
			_, number := flowOf(m)
			seen = append(seen, number)
			r.g.cores[i].Pool().Free(m)
		}
	}
	now := perf.Tick(0)
	for i := range uint32(300) {
		port.queues[0].put(r.frame(udp4(t, flow, 80, i)))
		if i%3 == 0 {
			r.g.cores[0].Turn(now) // receives it, and hands it over
		}
		if i%7 == 0 {
			if _, err := r.g.Move(all(), int(i)%3, now); err != nil {
				t.Fatal(err)
			}
		}
		if i%11 == 0 {
			r.g.Turn(now)
		}
	}
	for r.g.Turn(now) {
	}
	for i, number := range seen {
		if uint32(i) != number {
			t.Fatalf("frame %d came as number %d", number, i)
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d of 300 frames arrived", len(seen))
	}
}

// A port with RSS goes on choosing the core of the groups that are at home; the
// others, and packets without ports, go by the table.
func TestMoveWithRSS(t *testing.T) {
	r := newRig(t, 2, Shared, Spin, newPort(2, pmd.RSS))
	defer r.close()
	r.g.SetMover(noState)
	flow := flowFrom(r.g, 0)
	row := FlowOf(Hash4(mapped(hostA), mapped(hostB), flow, 80))
	frame := r.frame(udp4(t, flow, 80, 1))
	defer r.gen.Free(frame)
	at := func() int { return r.g.cores[0].owner(frame, true) }
	var one FlowSet
	one[row] = true
	if at() != 0 {
		t.Error("the port's choice does not stand")
	}
	if _, err := r.g.Move(one, 1, 0); err != nil || at() != 1 {
		t.Errorf("the flow is not steered to where it moved: %v", err)
	}
	r.port.queues[0].put(r.frame(udp4(t, flow, 80, 1)))
	r.g.Turn(perf.Second)
	if r.stacks[0].frames.Load() != 0 || r.stacks[1].frames.Load() != 1 {
		t.Error("a frame of the flow did not follow")
	}
	if _, err := r.g.Move(one, 0, 0); err != nil || at() != 0 {
		t.Errorf("the flow is not at home again: %v", err)
	}
}

// TestMoveWaitsForTheLink: what the old owner has sent must be gone.
func TestMoveWaitsForTheLink(t *testing.T) {
	port := newPort(1, 0)
	r := newRig(t, 2, Shared, Spin, port)
	defer r.close()
	r.g.SetMover(noState)
	for i := range 2 { // core 0 has the queue, core 1 sends by a relay
		port.queues[0].room = 0
		r.stacks[i].tx.Add(r.frame(udp4(t, 1, 2, 3)))
		if n, err := r.g.Move(all(), 1-i, 0); !errors.Is(err, ErrBusy) || n != 0 {
			t.Errorf("core %d: %d groups moved over a full link: %v", i, n, err)
		}
		port.queues[0].room = 1 << 20
		if n, err := r.g.Move(all(), 1-i, 0); err != nil || n == 0 {
			t.Errorf("core %d: %d groups moved: %v", i, n, err)
		}
	}
}

// TestMoveOfRunningCores: the cores stand still meanwhile, whether they sleep or
// spin, and go on afterwards. Some do not come to the end of their turn in time.
func TestMoveOfRunningCores(t *testing.T) {
	for _, idle := range []Idle{Sleep, Spin} {
		modes(t, func(t *testing.T, mode Mode) {
			r := newRig(t, 2, mode, idle, newPort(1, 0))
			var turns [2]atomic.Int64
			for i, s := range r.stacks {
				s.log = func(string) { turns[i].Add(1) }
			}
			r.g.SetMover(func(int, int, *FlowSet, perf.Tick) {
				before := [2]int64{turns[0].Load(), turns[1].Load()}
				time.Sleep(2 * time.Millisecond)
				if before != [2]int64{turns[0].Load(), turns[1].Load()} {
					t.Error("a core took a turn while flows moved")
				}
			})
			if err := r.g.Start(); err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				eventually(t, "move", func() bool {
					_, err := r.g.Move(all(), i%2, perf.Now())
					return err == nil
				})
			}
			for i, s := range r.stacks {
				s.jobs.Add(1)
				r.g.cores[i].bell.Ring()
				eventually(t, "the core goes on", func() bool { return s.served.Load() > 0 })
			}
			r.close()
			if _, err := r.g.Move(all(), 0, 0); err == nil {
				t.Error("flows of stopped cores moved")
			}
		})
	}
}

// TestMoveGivesUp: one core is in a long turn.
func TestMoveGivesUp(t *testing.T) {
	r := newRig(t, 2, Shared, Spin, newPort(1, 0))
	r.g.SetMover(noState)
	stuck, free := make(chan struct{}), make(chan struct{})
	first := true
	r.stacks[1].log = func(call string) {
		if first && call == "requests" {
			first = false
			close(stuck)
			<-free
		}
	}
	if err := r.g.Start(); err != nil {
		t.Fatal(err)
	}
	<-stuck
	if _, err := r.g.Move(all(), 0, perf.Now()); !errors.Is(err, ErrBusy) {
		t.Errorf("moved while a core was in its turn: %v", err)
	}
	close(free)
	eventually(t, "move", func() bool {
		_, err := r.g.Move(all(), 0, perf.Now())
		return err == nil
	})
	r.close()
}

// BenchmarkSort is the cost of finding the owners of a burst, all of them here: by
// hashes, or by looking whether the port has chosen well.
func BenchmarkSort(b *testing.B) {
	b.Run("hash", func(b *testing.B) { benchmarkSort(b, false) })
	b.Run("rss", func(b *testing.B) { benchmarkSort(b, true) })
}

func benchmarkSort(b *testing.B, rss bool) {
	r := newRig(b, 2, Shared, Spin, newPort(1, 0))
	flow := flowFrom(r.g, 0)
	var burst [burstSize]*mbuf.Mbuf
	for i := range burst {
		burst[i] = r.frame(udp4(b, flow, 80, uint32(i)))
	}
	c := r.g.cores[0]
	for b.Loop() {
		if len(c.sort(burst[:], rss)) != burstSize {
			b.Fatal("steered away")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burstSize), "ns/frame")
	r.gen.FreeBulk(burst[:])
	r.close()
}
