package tcp_test

import (
	"testing"

	"dataplane/perf"
)

// TestRFC5681FastRetransmit: 3.2 without SACK: two duplicate ACKs let new
// segments out (RFC 3042), the third repairs, each further one inflates.
func TestRFC5681FastRetransmit(t *testing.T) {
	w, f, a := sender(t, Seg{}, "newreno")
	f.Send(Seg{Ack: 1})
	f.Expect(Seg{Seq: 10001, Len: 1000})
	f.Send(Seg{Ack: 1})
	f.Expect(Seg{Seq: 11001, Len: 1000})
	f.Send(Seg{Ack: 1})
	f.Expect(Seg{Seq: 1, Len: 1000})
	w.Quiet()
	// 3.2 step 2: half of the flight without what limited transmit added.
	if got := a.TCP().TestWindow(); got.Ssthresh != 5000 {
		t.Errorf("threshold %d", got.Ssthresh)
	}
	// 12 out, window 5 + 3: four more duplicates until it holds 12, then one
	// new segment for each.
	for range 4 {
		f.Send(Seg{Ack: 1})
	}
	w.Quiet()
	f.Send(Seg{Ack: 1})
	f.Expect(Seg{Seq: 12001, Len: 1000})
	w.Quiet()
	f.Send(Seg{Ack: 12001})
	if got := a.TCP().TestWindow(); got.Cwnd != 5000 {
		t.Errorf("recovered with a window of %d", got.Cwnd)
	}
	full(f, 4, 1000)
	w.Quiet()
}

// TestRFC6582PartialACK: 3.2 step 5: an ACK of less than everything repairs the
// next hole at once; the window is not reduced again.
func TestRFC6582PartialACK(t *testing.T) {
	w, f, a := sender(t, Seg{}, "newreno")
	for range 3 {
		f.Send(Seg{Ack: 1})
	}
	w.Flush()
	for _, ack := range []int64{2001, 4001, 6001} {
		f.Send(Seg{Ack: ack})
		s, ok := f.Recv()
		if !ok || s.Seq != ack || s.Len != 1000 {
			t.Errorf("after %d: %+v %v", ack, s.Seq, ok)
		}
		w.Flush()
		w.Advance(10 * ms)
	}
	if got := a.TCP().TestWindow(); got.Ssthresh != 5000 {
		t.Errorf("threshold %d", got.Ssthresh)
	}
}

// TestRFC6582NoSecondReduction: 3.2 step 1: duplicates of an ACK that does not
// cover more than the last recovery do not start another.
func TestRFC6582NoSecondReduction(t *testing.T) {
	w, f, a := sender(t, Seg{}, "newreno")
	w.Until(perf.Second) // everything was lost: a time-out
	f.Expect(Seg{Seq: 1, Len: 1000})
	thresh := a.TCP().TestWindow().Ssthresh
	f.Send(Seg{Ack: 5001})
	w.Flush()
	for range 5 {
		f.Send(Seg{Ack: 5001})
	}
	if got := a.TCP().TestWindow(); got.Ssthresh != thresh {
		t.Errorf("threshold %d, was %d", got.Ssthresh, thresh)
	}
}

// TestRFC5681SlowStart: 3.1: each round trip doubles the flight.
func TestRFC5681SlowStart(t *testing.T) {
	for _, cc := range []string{"cubic", "newreno"} {
		w, f, a := sender(t, Seg{WScale: 7}, cc)
		n := 10
		for range 3 {
			a.Write(200_000)
			base := f.Rcv() - int64(n)*1000
			for i := range n {
				f.Send(Seg{Ack: base + int64(i+1)*1000})
			}
			got := w.Pending()
			for w.Pending() > 0 {
				f.Recv()
			}
			if got != 2*n {
				t.Errorf("%s: %d segments in flight, then %d", cc, n, got)
			}
			n = got
			w.Advance(100 * ms)
		}
	}
}

// TestRFC5681AvoidanceInBursts: 3.1: in congestion avoidance the window grows by
// a segment per round trip also when all ACKs of a window come in one turn.
func TestRFC5681AvoidanceInBursts(t *testing.T) {
	w, f, a := sender(t, Seg{WScale: 7}, "newreno")
	for range 3 { // a loss, so that slow start is over
		f.Send(Seg{Ack: 1})
	}
	w.Flush()
	f.Send(Seg{Ack: f.Rcv()})
	start := a.TCP().TestWindow().Cwnd
	acked := f.Rcv()
	for round := range 20 {
		a.Write(200_000)
		for w.Pending() > 0 {
			f.Recv()
		}
		w.Advance(100 * ms)
		w.Hold()
		for acked < f.Rcv() {
			acked += 1000
			f.Send(Seg{Ack: acked})
		}
		w.Release()
		if got, want := a.TCP().TestWindow().Cwnd, start+1000*(round+1); got < want-1000 || got > want+1000 {
			t.Errorf("round trip %d: window %d, want %d", round+1, got, want)
		}
	}
}

// TestRFC5681LossWindow: 3.1: after a time-out one segment, then slow start to
// half of what was in flight.
func TestRFC5681LossWindow(t *testing.T) {
	w, f, a := sender(t, Seg{}, "newreno")
	near(t, "time-out", w.Until(perf.Second), 200*ms) // 300 ms, 100 of which are over
	f.Expect(Seg{Seq: 1, Len: 1000})
	w.Quiet()
	if got := a.TCP().TestWindow(); got.Cwnd != 1000 || got.Ssthresh != 5000 {
		t.Errorf("window %d, threshold %d", got.Cwnd, got.Ssthresh)
	}
	f.Send(Seg{Ack: 1001})
	f.Expect(Seg{Seq: 1001, Len: 1000})
	f.Expect(Seg{Seq: 2001, Len: 1000})
	w.Quiet()
	f.Send(Seg{Ack: 2001})
	f.Send(Seg{Ack: 3001})
	for i := range int64(4) {
		f.Expect(Seg{Seq: 3001 + 1000*i, Len: 1000})
	}
	w.Quiet()
	// A second time-out of the same data does not lower the threshold again.
	w.Until(5 * perf.Second)
	f.Recv()
	thresh := a.TCP().TestWindow().Ssthresh
	w.Until(5 * perf.Second)
	f.Recv()
	if got := a.TCP().TestWindow(); got.Ssthresh != thresh || got.Cwnd != 1000 {
		t.Errorf("window %d, threshold %d, was %d", got.Cwnd, got.Ssthresh, thresh)
	}
}

// TestRFC5681Idle: 4.1: after a pause longer than the time-out no more than the
// initial window goes out at once.
func TestRFC5681Idle(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1000, WScale: 7}, 10*ms)
	for range 5 {
		a.Write(200_000)
		for w.Pending() > 0 {
			for w.Pending() > 0 {
				f.Recv()
			}
			w.Advance(10 * ms)
			f.Send(Seg{Ack: f.Rcv()})
		}
	}
	if got := a.TCP().TestWindow().Cwnd; got < 30_000 {
		t.Fatalf("the window is only %d", got)
	}
	w.Advance(10 * perf.Second)
	a.Write(200_000)
	if n := w.Flush(); n != 10 {
		t.Errorf("%d segments after a pause", n)
	}
}

// TestRFC3465ACKDivision: many ACKs of a few bytes each grow the window by what
// they acknowledge, not by their number.
func TestRFC3465ACKDivision(t *testing.T) {
	for _, cc := range []string{"cubic", "newreno"} {
		w, f, a := sender(t, Seg{}, cc)
		for i := range int64(100) {
			f.Send(Seg{Ack: 1 + 10*(i+1)})
		}
		if got := a.TCP().TestWindow().Cwnd; got > 11_000 {
			t.Errorf("%s: the window grew to %d for 1000 bytes", cc, got)
		}
		w.Flush()
	}
}

// TestRFC9293FutureACK: 3.10.7.4: an ACK of what was never sent is answered and
// changes nothing.
func TestRFC9293FutureACK(t *testing.T) {
	w, f, a := sender(t, Seg{}, "")
	before := a.TCP().TestWindow()
	f.Send(Seg{Ack: 50_001})
	f.Expect(Seg{Seq: 10001})
	w.Quiet()
	if got := a.TCP().TestWindow(); got != before {
		t.Errorf("window %+v, was %+v", got, before)
	}
}
