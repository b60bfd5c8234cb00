package tcp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dataplane/internal/required"
	"dataplane/perf"
)

// receiver is the peer of a bulk transfer: a link of a fixed round trip, and a
// receiver that acknowledges every segment and reports what it holds.
type receiver struct {
	w     *Wire
	f     *Flow
	a     *App
	rtt   perf.Tick
	lose  func(seq int64, n int) bool // what the link drops, asked once per segment
	wire  []event                     // on their way, by time
	next  int64                       // first byte that is missing
	held  []Block                     // beyond it, newest first
	max   int64                       // end of what was sent
	resnt int                         // segments sent again
	total int
}

// event is a segment that reaches the receiver, or an ACK that reaches the
// stack.
type event struct {
	at   perf.Tick
	ack  bool
	seq  int64
	n    int
	sack []Block
}

// run moves the transfer on until the stack's clock shows end. Each time the
// sender has room it has more to send.
func (r *receiver) run(t *testing.T, end perf.Tick) {
	for r.w.Now < end {
		if free := r.a.TX().Free(); free > 0 {
			r.a.Write(free)
		}
		r.collect(t)
		next := end
		if len(r.wire) > 0 {
			next = min(next, r.wire[0].at)
		}
		r.w.Until(next - r.w.Now)
		for len(r.wire) > 0 && r.wire[0].at <= r.w.Now {
			e := r.wire[0]
			r.wire = r.wire[1:]
			if e.ack {
				r.f.Send(Seg{Ack: e.seq, Sack: e.sack})
			} else {
				r.arrive(e)
			}
		}
	}
}

// collect puts what the stack sent on the link.
func (r *receiver) collect(t *testing.T) {
	for r.w.Pending() > 0 {
		s, _ := r.f.Recv()
		r.total++
		if s.Seq < r.max {
			r.resnt++
		}
		r.max = max(r.max, s.Seq+int64(s.Len))
		if s.Len == 0 || r.lose != nil && r.lose(s.Seq, s.Len) {
			continue
		}
		r.put(event{at: r.w.Now + r.rtt/2, seq: s.Seq, n: s.Len})
	}
}

func (r *receiver) put(e event) {
	i := len(r.wire)
	for i > 0 && r.wire[i-1].at > e.at {
		i--
	}
	r.wire = slices.Insert(r.wire, i, e)
}

// arrive takes a segment and sends an ACK.
func (r *receiver) arrive(e event) {
	b := Block{Start: e.seq, End: e.seq + int64(e.n)}
	if b.End > r.next {
		b.Start = max(b.Start, r.next)
		for i := 0; i < len(r.held); {
			if h := r.held[i]; h.Start <= b.End && b.Start <= h.End {
				b.Start, b.End = min(b.Start, h.Start), max(b.End, h.End)
				r.held = slices.Delete(r.held, i, i+1)
			} else {
				i++
			}
		}
		if b.Start <= r.next {
			r.next = b.End
		} else {
			r.held = slices.Insert(r.held, 0, b)
		}
	}
	r.put(event{at: r.w.Now + r.rtt/2, ack: true, seq: r.next, sack: slices.Clone(r.held[:min(3, len(r.held))])})
}

func newReceiver(t *testing.T, rtt perf.Tick) *receiver {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000, WScale: 7, SackOK: true}, rtt)
	return &receiver{w: w, f: f, a: a, rtt: rtt, next: 1, max: 1}
}

// TestRFC9438Curve: 4.2, end to end: one segment is lost at a window of about
// 160; from the end of recovery on the window follows C*(t-K)^3 + W_max, or
// W_est where that is larger, within 5 %.
func TestRFC9438Curve(t *testing.T) {
	const rtt = 100 * perf.Millisecond
	r := newReceiver(t, rtt)
	lost := false
	r.lose = func(seq int64, _ int) bool {
		if !lost && seq > 1 && r.a.TCP().TestWindow().Cwnd > 150_000 {
			lost = true
			return true
		}
		return false
	}
	for !lost && r.w.Now < 1060*perf.Second {
		r.run(t, r.w.Now+10*ms)
	}
	before := float64(r.a.TCP().TestWindow().Cwnd)
	for r.a.TCP().TestWindow().Ssthresh > 1<<29 || len(r.held) > 0 {
		r.run(t, r.w.Now+10*ms)
	}
	r.run(t, r.w.Now+rtt)
	_, _, running := r.a.TCP().TestCubic(r.w.Now)
	win := r.a.TCP().TestWindow()
	if !running {
		t.Fatal("not in congestion avoidance")
	}
	if ratio := float64(win.Ssthresh) / before; ratio < 0.66 || ratio > 1.0 {
		t.Errorf("threshold %d after a window of %.0f", win.Ssthresh, before)
	}
	start, first := r.w.Now, float64(win.Cwnd)/1000
	wMax := float64(win.Ssthresh) / 0.7 / 1000
	k := math.Cbrt((wMax - float64(win.Ssthresh)/1000) / 0.4)
	worst, grew := 0.0, false
	for s := 0.0; s < 1.6*k; {
		r.run(t, r.w.Now+rtt)
		s = float64(r.w.Now-start) / float64(perf.Second)
		// The curve as the RFC has it, the epoch taken from the sender.
		curve, wEst, _ := r.a.TCP().TestCubic(r.w.Now)
		got := float64(r.a.TCP().TestWindow().Cwnd) / 1000
		worst = max(worst, math.Abs(got/max(curve, wEst)-1))
		grew = grew || got > 1.02*wMax
	}
	if worst > 0.05 {
		t.Errorf("off the curve by %.1f %%", 100*worst)
	}
	if !grew {
		t.Errorf("from %.0f the window never passed the plateau of %.0f in %.1f s", first, wMax, 1.6*k)
	}
	// The lost one; and RFC 6675 4 (4) allows one rescue when the send buffer
	// has nothing new.
	if r.resnt < 1 || r.resnt > 2 {
		t.Errorf("%d segments were sent again for one loss", r.resnt)
	}
}

// TestLossyTransfer: random loss in a long transfer: all
// bytes arrive in order, and little more is sent again than was lost.
func TestLossyTransfer(t *testing.T) {
	for seed := range required.Fewer(uint64(8)) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		rate := []float64{0.001, 0.01, 0.05, 0.2}[seed%4]
		r := newReceiver(t, 20*ms)
		lost := 0
		r.lose = func(int64, int) bool {
			if rnd.Float64() < rate {
				lost++
				return true
			}
			return false
		}
		r.run(t, r.w.Now+10*perf.Second)
		if r.next < 20_000 {
			t.Errorf("seed %d, loss %v: %d bytes in 10 s", seed, rate, r.next)
		}
		if r.resnt > 2*lost+20 {
			t.Errorf("seed %d, loss %v: %d segments of %d lost, %d sent again", seed, rate, lost, r.total, r.resnt)
		}
		if r.a.Dead() {
			t.Errorf("seed %d, loss %v: dead", seed, rate)
		}
		r.w.Close()
	}
}
