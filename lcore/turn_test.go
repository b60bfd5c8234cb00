package lcore

import (
	"slices"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// TestTurnOrder writes the turn's order down.
func TestTurnOrder(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	own, other := r.flowOn(0), r.flowOn(1)
	var calls []string
	for i, s := range r.stacks {
		s.log = func(call string) {
			if i == 1 {
				calls = append(calls, call)
			}
		}
	}
	r.port.queues[0].put(r.frame(udp4(t, own, 80, 1)), r.frame(udp4(t, other, 80, 2)))
	r.g.Core(0).Turn(perf.Second)
	if !r.g.Core(1).Turn(perf.Second) {
		t.Error("a turn with a steered frame is not busy")
	}
	want := []string{"input", "requests", "timers", "output", "wake"}
	if !slices.Equal(calls, want) {
		t.Errorf("%v, not %v", calls, want)
	}
	if r.g.Turn(2 * perf.Second) {
		t.Error("an empty turn is busy")
	}
}

// TestTurnSendsInTheSameTurn: what Output decides leaves before the turn ends.
func TestTurnSendsInTheSameTurn(t *testing.T) {
	r := newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	s := r.stacks[0]
	s.log = func(call string) {
		switch call {
		case "output":
			s.tx.Add(r.frame(udp4(t, 1, 2, 3)))
		case "wake":
			if n := len(r.port.queues[0].tx); n != 1 {
				t.Errorf("%d frames had been sent when sockets were woken", n)
			}
		}
	}
	r.g.Turn(perf.Second)
	s.log = nil
	if c := r.g.Core(0); c.Stat().TxFrames != 1 {
		t.Errorf("%d frames counted", c.Stat().TxFrames)
	}
}

func TestTurnIsBusy(t *testing.T) {
	r := newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	s, c := r.stacks[0], r.g.Core(0)
	for name, cause := range map[string]func(){
		"frame":   func() { r.port.queues[0].put(r.frame(udp4(t, 1, 2, 3))) },
		"request": func() { s.jobs.Add(1) },
		"timer":   func() { s.due = 1 },
		"wake":    func() { s.readies = 1 },
	} {
		cause()
		if !c.Turn(perf.Second) {
			t.Errorf("a turn with a %s is not busy", name)
		}
		if c.Turn(perf.Second) {
			t.Errorf("the turn after the %s is busy", name)
		}
	}
}

func TestHousekeeping(t *testing.T) {
	r := newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	c := r.g.Core(0)
	r.port.queues[0].put(r.frame(udp4(t, 1, 2, 3)))
	var seen perf.Stat
	for range 255 {
		c.Turn(perf.Second)
	}
	if c.Stats(&seen); r.stacks[0].kept != 0 || seen.RxFrames != 0 {
		t.Error("house was kept before the 256th turn")
	}
	c.Turn(perf.Second)
	c.Stats(&seen)
	if r.stacks[0].kept != 1 || seen.RxFrames != 1 || seen.Events[perf.EvTurn] != 256 || seen.Events[perf.EvTurnBusy] != 1 {
		t.Errorf("after 256 turns: kept %d times, published %d frames, %d turns, %d busy", r.stacks[0].kept,
			seen.RxFrames, seen.Events[perf.EvTurn], seen.Events[perf.EvTurnBusy])
	}
}

func TestPortIsStamped(t *testing.T) {
	r := newRig(t, 1, Shared, Adaptive, newPort(3, 0)) // three queues, one core: it polls them all
	defer r.close()
	for _, q := range r.port.queues {
		q.put(r.frame(udp4(t, 1, 2, 3)))
	}
	r.g.Turn(perf.Second)
	if n := len(r.stacks[0].got); n != 3 {
		t.Fatalf("%d frames of 3 queues", n)
	}
	for _, m := range r.stacks[0].got {
		if m.Port != 7 {
			t.Errorf("port %d, not 7", m.Port)
		}
	}
}

// circle is a queue that receives the same frames again and again.
type circle struct{ b []*mbuf.Mbuf }

func (q *circle) RxBurst(b []*mbuf.Mbuf) int { return copy(b, q.b) }
func (q *circle) TxBurst(b []*mbuf.Mbuf) int { return len(b) }
func (q *circle) FD() int                    { return -1 }

// circuit replaces core 0's queue by a circle of frames, each of a flow of its
// own, and lets the stacks look at them only.
func (r *rig) circuit(frames int) *circle {
	q := &circle{}
	for i := range frames {
		q.b = append(q.b, r.frame(udp4(r.t, uint16(1000+i), 80, 0)))
	}
	r.g.Core(0).rx[0].q = q
	for _, s := range r.stacks {
		s.input = func(*mbuf.Mbuf) {}
	}
	return q
}

func (r *rig) endCircuit(q *circle) {
	for _, m := range q.b {
		r.gen.Free(m)
	}
}

func TestTurnDoesNotAllocate(t *testing.T) {
	for _, cores := range []int{1, 2} {
		r := newRig(t, cores, Shared, Adaptive, newPort(cores, 0))
		q := r.circuit(burstSize)
		if n := testing.AllocsPerRun(1000, func() { r.g.Turn(perf.Second) }); n != 0 {
			t.Errorf("%d cores: %v allocations in a turn", cores, n)
		}
		r.endCircuit(q)
		r.close()
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, bm := range []struct {
		name          string
		cores, frames int
	}{{"empty", 1, 0}, {"32frames", 1, 32}, {"1frame", 1, 1}, {"2cores/empty", 2, 0}, {"2cores/32frames", 2, 32}} {
		b.Run(bm.name, func(b *testing.B) {
			r := newRig(b, bm.cores, Shared, Adaptive, newPort(bm.cores, 0))
			q := r.circuit(bm.frames)
			b.ReportAllocs()
			for b.Loop() {
				r.g.Turn(perf.Second)
			}
			if bm.frames > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bm.frames), "ns/frame")
			}
			r.endCircuit(q)
			r.close()
		})
	}
}
