package lcore

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// send lets core i's stack send numbered frames in its next turn.
func (r *rig) send(i, from, n int) {
	s := r.stacks[i]
	s.log = func(call string) {
		if call != "output" {
			return
		}
		for k := range n {
			b := udp4(r.t, 1000, 80, uint32(from+k))
			m := s.core.Pool().Alloc()
			copy(m.Append(len(b)), b)
			s.tx.Add(m)
		}
		s.log = nil
	}
}

// numbers checks that frames carry ascending numbers from first, and frees them.
func (r *rig) numbers(b []*mbuf.Mbuf, first int) {
	r.t.Helper()
	for i, m := range b {
		if _, n := flowOf(m); int(n) != first+i {
			r.t.Errorf("frame %d carries %d", first+i, n)
		}
		mbuf.FreeAnywhere(m)
	}
}

// TestRelay: a core without a queue sends through one that has, in order.
func TestRelay(t *testing.T) {
	r := newRig(t, 3, Shared, Adaptive, newPort(2, 0)) // core 2 sends on queue 0
	defer r.close()
	r.send(2, 0, 100)
	r.g.Turn(perf.Second)
	r.g.Turn(perf.Second)
	if len(r.port.queues[1].tx) != 0 {
		t.Error("frames left on a queue of another core")
	}
	b := r.port.queues[0].sent()
	if len(b) != 100 {
		t.Fatalf("%d of 100 frames left", len(b))
	}
	r.numbers(b, 0)
	mine, owner := r.g.Core(2).Stat(), r.g.Core(0).Stat()
	if mine.TxFrames != 100 || owner.TxFrames != 0 || owner.Events[perf.EvRelayed] != 100 {
		t.Errorf("counted: %d sent by core 2, %d by core 0, which relayed %d", mine.TxFrames, owner.TxFrames, owner.Events[perf.EvRelayed])
	}
}

// TestRelayBackPressure: a full queue fills the relay, then the far core's
// buffer, and only then frames are lost; nothing is reordered.
func TestRelayBackPressure(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	q := r.port.queues[0]
	q.room = 10
	const hold = 10 + burstSize + relayDepth
	for n := 0; n < hold; n += 50 {
		r.send(1, n, min(50, hold-n))
		r.g.Turn(perf.Second)
	}
	r.g.Turn(perf.Second)
	if lost := r.g.Core(1).Stat().LostFrames(); lost != 0 {
		t.Errorf("%d frames lost", lost)
	}
	if !r.g.Core(0).stuck() {
		t.Error("a core with frames that nobody takes is not stuck")
	}
	r.send(1, hold, 300)
	r.g.Turn(perf.Second)
	if lost := r.g.Core(1).Stat().Lost[perf.LostTxFull]; lost == 0 {
		t.Error("more than everything was held and nothing lost")
	}
	q.room = 1 << 30
	for r.g.Turn(perf.Second) {
	}
	b := q.sent()
	if len(b) < hold {
		t.Errorf("%d frames left of %d held", len(b), hold)
	}
	r.numbers(b, 0)
}

// TestRelayClosed: what could not leave is freed and counted.
func TestRelayClosed(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	r.port.queues[0].room = 3
	r.send(1, 0, 120)
	r.g.Turn(perf.Second)
	r.g.Turn(perf.Second)
	r.close()
	if lost := r.g.Core(0).Stat().LostFrames() + r.g.Core(1).Stat().LostFrames(); lost != 117 {
		t.Errorf("%d frames lost, not 117", lost)
	}
}
