package tcp

import (
	"testing"

	"dataplane/perf"
)

// TestRenoAvoidance: RFC 5681 3.1: one segment per round trip, whatever the ACKs.
func TestRenoAvoidance(t *testing.T) {
	for _, stretch := range []int{1, 2, 10} {
		var c newReno
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		w.Cwnd, w.Ssthresh = 20000, 20000
		now := perf.Second
		for range 20 {
			now = ackWindow(&c, &w, stretch, 10*ms, now)
		}
		// Whole ACKs may run a little over the end of a window.
		if w.Cwnd < 39000 || w.Cwnd > 41000 {
			t.Errorf("an ACK per %d: %d after 20 round trips, want about 40000", stretch, w.Cwnd)
		}
	}
}

// TestRenoAfterTimeout: RFC 3465 2.3: L is 1 in the slow start after a
// time-out, 2 again later.
func TestRenoAfterTimeout(t *testing.T) {
	var c newReno
	w := Window{MSS: 1000}
	c.Init(&w, 0)
	w.Cwnd = 20000
	c.TimedOut(&w, 20000, perf.Second)
	c.Acked(&w, 2000, 10*ms, perf.Second)
	if w.Cwnd != 2000 {
		t.Errorf("an ACK of two segments: window %d", w.Cwnd)
	}
	for range 20 {
		c.Acked(&w, 1000, 10*ms, perf.Second)
	}
	if w.Cwnd != 11000 { // up to the threshold, then one for ten
		t.Errorf("past the threshold: window %d", w.Cwnd)
	}
	w.Ssthresh = 1 << 30
	c.Acked(&w, 2000, 10*ms, perf.Second)
	if w.Cwnd != 13000 {
		t.Errorf("in a later slow start: window %d", w.Cwnd)
	}
}

// TestRenoOneACKForMuch: one ACK never grows the window by more than a segment.
func TestRenoOneACKForMuch(t *testing.T) {
	var c newReno
	w := Window{MSS: 1000}
	c.Init(&w, 0)
	w.Cwnd, w.Ssthresh = 10000, 10000
	for i := range 10 {
		before := w.Cwnd
		c.Acked(&w, 1<<20, 10*ms, perf.Second)
		if w.Cwnd > before+1000 {
			t.Fatalf("ACK %d grew %d to %d", i, before, w.Cwnd)
		}
	}
}
