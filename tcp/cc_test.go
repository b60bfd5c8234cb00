package tcp

import (
	"testing"

	"dataplane/perf"
)

// ackWindow acknowledges one window in segments of stretch MSS each, spread
// over one round trip that begins at now; it returns when it ends.
func ackWindow(c Congestion, w *Window, stretch int, rtt, now perf.Tick) perf.Tick {
	cwnd := w.Cwnd
	for acked := 0; acked < cwnd; {
		n := min(stretch*w.MSS, cwnd-acked)
		acked += n
		c.Acked(w, n, rtt, now+rtt*perf.Tick(acked)/perf.Tick(cwnd))
	}
	return now + rtt
}

func TestNewCongestion(t *testing.T) {
	for name, want := range map[string]string{"": "cubic", "cubic": "cubic", "newreno": "newreno", "reno": "newreno"} {
		if c, ok := NewCongestion(name); !ok || c.Name() != want {
			t.Errorf("%q gives %v, %v", name, c, ok)
		}
	}
	if _, ok := NewCongestion("bbr9"); ok {
		t.Error("bbr9 exists")
	}
}

// TestInitialWindow: RFC 6928 2.
func TestInitialWindow(t *testing.T) {
	for mss, want := range map[int]int{1460: 14600, 536: 5360, 1448: 14480, 2000: 14600, 8960: 17920, 64: 640} {
		for _, name := range []string{"cubic", "newreno"} {
			c, _ := NewCongestion(name)
			w := Window{MSS: mss}
			c.Init(&w, 0)
			if w.Cwnd != want || w.Ssthresh < 1<<30 {
				t.Errorf("%s: mss %d: window %d threshold %d, want %d", name, mss, w.Cwnd, w.Ssthresh, want)
			}
		}
	}
}

// TestSlowStart: the window doubles per round trip with an ACK per segment or
// per two; splitting ACKs wins nothing (RFC 3465); it stops at the threshold.
func TestSlowStart(t *testing.T) {
	for _, name := range []string{"cubic", "newreno"} {
		for _, stretch := range []int{1, 2} {
			c, _ := NewCongestion(name)
			w := Window{MSS: 1000}
			c.Init(&w, 0)
			now := perf.Second
			for i := range 5 {
				before := w.Cwnd
				now = ackWindow(c, &w, stretch, 10*ms, now)
				if w.Cwnd != 2*before {
					t.Errorf("%s, an ACK per %d: round %d: %d from %d", name, stretch, i, w.Cwnd, before)
				}
			}
			before := w.Cwnd
			for range 100 {
				c.Acked(&w, 10, 10*ms, now)
			}
			if w.Cwnd != before+1000 {
				t.Errorf("%s: 100 ACKs of 10 bytes give %d", name, w.Cwnd-before)
			}
			w.Ssthresh = w.Cwnd + 500
			c.Acked(&w, 1000, 10*ms, now)
			if w.Cwnd < w.Ssthresh || w.Cwnd > w.Ssthresh+10 {
				t.Errorf("%s: %d, threshold %d", name, w.Cwnd, w.Ssthresh)
			}
		}
	}
}

// TestStretchACK: one ACK for very much grows the window by L segments only.
func TestStretchACK(t *testing.T) {
	for name, limit := range map[string]int{"cubic": 8, "newreno": 2} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		before := w.Cwnd
		c.Acked(&w, 100000, 10*ms, perf.Second)
		if w.Cwnd != before+limit*1000 {
			t.Errorf("%s: grew by %d", name, w.Cwnd-before)
		}
	}
}

// TestAppLimited: a window that is not used does not grow.
func TestAppLimited(t *testing.T) {
	for _, name := range []string{"cubic", "newreno"} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		before := w.Cwnd
		if w.Used(4000); !w.AppLimited {
			t.Errorf("%s: 4 of 10 segments used is a full window", name)
		}
		for i := range 100 {
			c.Acked(&w, 1000, 10*ms, perf.Tick(i)*ms)
		}
		if w.Cwnd != before {
			t.Errorf("%s: grew to %d", name, w.Cwnd)
		}
		if w.Used(5000); w.AppLimited {
			t.Errorf("%s: half a window in slow start counts as unused", name)
		}
		w.Ssthresh, w.credit = 5000, 0 // and all of that was acknowledged
		if w.Used(6000); !w.AppLimited {
			t.Errorf("%s: 6 of 10 segments beyond slow start is a full window", name)
		}
		if w.Used(7000); w.AppLimited {
			t.Errorf("%s: 7 of 10 segments beyond slow start is too little", name)
		}
	}
}

// TestUsedBurst: the ACKs of a full flight count, also when several come before
// the sender can fill the window again; those of a later, small flight do not.
func TestUsedBurst(t *testing.T) {
	for _, name := range []string{"cubic", "newreno"} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		w.Cwnd, w.Ssthresh = 20000, 20000
		for flight := 20000; flight > 0; flight -= 1000 {
			w.Used(flight)
			if w.AppLimited {
				t.Errorf("%s: the ACK with %d of 20000 in flight does not count", name, flight)
			}
			c.Acked(&w, 1000, 10*ms, perf.Second)
		}
		if w.Cwnd < 20500 {
			t.Errorf("%s: the window is %d after a full one", name, w.Cwnd)
		}
		before := w.Cwnd
		for range 10 {
			if w.Used(2000); !w.AppLimited {
				t.Errorf("%s: 2000 bytes in flight fill a window of %d", name, w.Cwnd)
			}
			c.Acked(&w, 1000, 10*ms, perf.Second)
		}
		if w.Cwnd != before {
			t.Errorf("%s: an unused window grew to %d", name, w.Cwnd)
		}
	}
}

// TestLossAndTimeout: thresholds and floors of RFC 5681 3.1 and RFC 9438 4.6.
func TestLossAndTimeout(t *testing.T) {
	for name, beta := range map[string]int{"cubic": 7, "newreno": 5} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		w.Cwnd = 100000
		c.Lost(&w, 100000, perf.Second)
		if want := 10000 * beta; w.Ssthresh != want || w.Cwnd != want {
			t.Errorf("%s: after a loss window %d threshold %d, want %d", name, w.Cwnd, w.Ssthresh, want)
		}
		w.Cwnd += 3000 // inflated during recovery
		c.Recovered(&w, perf.Second)
		if w.Cwnd != w.Ssthresh {
			t.Errorf("%s: recovered with %d, threshold %d", name, w.Cwnd, w.Ssthresh)
		}
		c.TimedOut(&w, 40000, perf.Second)
		if want := 4000 * beta; w.Ssthresh != want || w.Cwnd != 1000 {
			t.Errorf("%s: after a time-out window %d threshold %d, want 1000 %d", name, w.Cwnd, w.Ssthresh, want)
		}
		thresh := w.Ssthresh
		c.TimedOut(&w, 0, 2*perf.Second)
		if w.Ssthresh != thresh || w.Cwnd != 1000 {
			t.Errorf("%s: the second time-out of a segment changed the threshold to %d", name, w.Ssthresh)
		}
		c.Lost(&w, 1000, perf.Second)
		if w.Ssthresh != 2000 || w.Cwnd != 2000 {
			t.Errorf("%s: least window %d, threshold %d", name, w.Cwnd, w.Ssthresh)
		}
	}
}

// TestIdleRestart: RFC 5681 4.1.
func TestIdleRestart(t *testing.T) {
	for _, name := range []string{"cubic", "newreno"} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		c.Init(&w, 0)
		w.Cwnd, w.Ssthresh = 80000, 70000
		c.Idle(&w, perf.Second)
		if w.Cwnd != 10000 || w.Ssthresh != 70000 {
			t.Errorf("%s: restarts with %d, threshold %d", name, w.Cwnd, w.Ssthresh)
		}
		w.Cwnd = 3000
		if c.Idle(&w, perf.Second); w.Cwnd != 3000 {
			t.Errorf("%s: a small window became %d", name, w.Cwnd)
		}
	}
}

func TestCongestionAllocates(t *testing.T) {
	for _, name := range []string{"cubic", "newreno"} {
		c, _ := NewCongestion(name)
		w := Window{MSS: 1000}
		now := perf.Second
		if n := testing.AllocsPerRun(100, func() {
			c.Init(&w, now)
			w.Ssthresh = w.Cwnd
			c.Acked(&w, 1000, ms, now)
			c.Lost(&w, w.Cwnd, now)
			c.Recovered(&w, now)
			c.TimedOut(&w, w.Cwnd, now)
			c.Idle(&w, now)
			now += ms
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
