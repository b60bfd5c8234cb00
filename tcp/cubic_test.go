package tcp

import (
	"math"
	"testing"

	"dataplane/perf"
)

// afterLoss is a CUBIC sender that lost a segment at the window of segs
// segments and has just recovered at now.
func afterLoss(segs int, now perf.Tick) (*cubic, *Window) {
	c := &cubic{}
	w := &Window{MSS: 1000}
	c.Init(w, now)
	w.Cwnd = segs * 1000
	c.Lost(w, w.Cwnd, now)
	c.Recovered(w, now)
	return c, w
}

// TestCubicCurve: RFC 9438 4.2: after a loss the window follows
// C*(t-K)^3 + W_max within 5 %, before and after the plateau, at several round
// trips, windows and sizes of ACKs.
func TestCubicCurve(t *testing.T) {
	for _, tt := range []struct {
		segs, stretch int
		rtt           perf.Tick
	}{
		{1000, 1, 50 * ms}, {1000, 2, 100 * ms}, {1000, 20, 100 * ms}, {300, 2, 200 * ms}, {5000, 2, 30 * ms},
	} {
		start := 7 * perf.Second
		c, w := afterLoss(tt.segs, start)
		wMax := float64(tt.segs)
		k := math.Cbrt(wMax * (1 - 0.7) / 0.4)
		worst := 0.0
		for now := start; seconds(now-start) < 1.6*k; {
			now = ackWindow(c, w, tt.stretch, tt.rtt, now)
			s := seconds(now - start)
			want := 0.4*math.Pow(s-k, 3) + wMax
			worst = max(worst, math.Abs(w.segments()/want-1))
		}
		if worst > 0.05 {
			t.Errorf("%d segments, an ACK per %d, rtt %v: off by %.1f %%", tt.segs, tt.stretch, tt.rtt, 100*worst)
		}
	}
}

// TestCubicRenoFriendly: RFC 9438 4.3: where Reno would be faster the window
// grows by alpha segments per round trip up to the old window, then by one.
func TestCubicRenoFriendly(t *testing.T) {
	c, w := afterLoss(20, perf.Second)
	now := perf.Second
	want := 14.0
	for i := range 30 {
		now = ackWindow(c, w, 1, ms, now)
		if want >= 20 {
			want++
		} else {
			want += 3 * (1 - 0.7) / (1 + 0.7)
		}
		if got := w.segments(); math.Abs(got/want-1) > 0.05 {
			t.Errorf("round trip %d: %.2f segments, want %.2f", i+1, got, want)
		}
	}
}

// TestCubicFastConvergence: RFC 9438 4.7: a second loss below the last plateau
// lowers the plateau further.
func TestCubicFastConvergence(t *testing.T) {
	c, w := afterLoss(1000, perf.Second)
	if c.wMax != 1000 || math.Abs(c.k-math.Cbrt(300/0.4)) > 0.01 {
		t.Fatalf("first loss: plateau %v, K %v", c.wMax, c.k)
	}
	c.Lost(w, w.Cwnd, 2*perf.Second) // at 700
	c.Recovered(w, 2*perf.Second)
	if math.Abs(c.wMax-700*0.85) > 0.01 || w.Cwnd != 490000 {
		t.Errorf("second loss: plateau %v, window %d", c.wMax, w.Cwnd)
	}
	w.Cwnd = 2000000
	c.Lost(w, w.Cwnd, 3*perf.Second)
	if c.wMax != 2000 {
		t.Errorf("a loss above the plateau: plateau %v", c.wMax)
	}
}

// TestCubicTimeout: RFC 9438 4.8: slow start to the threshold, then a curve
// whose plateau is there and K is 0.
func TestCubicTimeout(t *testing.T) {
	c, w := afterLoss(1000, perf.Second)
	c.TimedOut(w, 700000, 2*perf.Second)
	if w.Cwnd != 1000 || w.Ssthresh != 490000 {
		t.Fatalf("window %d threshold %d", w.Cwnd, w.Ssthresh)
	}
	now := 3 * perf.Second
	for w.slowStart() {
		now = ackWindow(c, w, 1, 100*ms, now)
	}
	now = ackWindow(c, w, 1, 100*ms, now)
	if c.k != 0 || c.wMax < 490 || c.wMax > 500 {
		t.Fatalf("plateau %v, K %v, window %d", c.wMax, c.k, w.Cwnd)
	}
	start := now
	base := w.segments()
	for range 100 { // 10 s: 0.4*10^3 more
		now = ackWindow(c, w, 1, 100*ms, now)
	}
	if want := base + 0.4*math.Pow(seconds(now-start), 3); math.Abs(w.segments()/want-1) > 0.05 {
		t.Errorf("10 s later %.0f segments, want %.0f", w.segments(), want)
	}
}

// TestCubicFirstAvoidance: RFC 9438 4.10: slow start ended without a loss.
func TestCubicFirstAvoidance(t *testing.T) {
	c, w := &cubic{}, &Window{MSS: 1000}
	c.Init(w, 0)
	w.Ssthresh = w.Cwnd
	c.Acked(w, 1000, 10*ms, perf.Second)
	if c.k != 0 || c.wMax != 10 {
		t.Errorf("plateau %v, K %v", c.wMax, c.k)
	}
}

// TestCubicPause: RFC 9438 4.2: time in which the window is not used does not
// count, so a quiet connection does not burst when the data comes.
func TestCubicPause(t *testing.T) {
	busy, wb := afterLoss(1000, perf.Second)
	idle, wi := afterLoss(1000, perf.Second)
	now := perf.Second
	for range 20 {
		ackWindow(busy, wb, 1, 50*ms, now)
		now = ackWindow(idle, wi, 1, 50*ms, now)
	}
	pause := 30 * perf.Second
	wi.AppLimited = true
	for d := perf.Tick(0); d <= pause; d += 50 * ms {
		idle.Acked(wi, 1000, 50*ms, now+d)
	}
	wi.AppLimited = false
	for range 20 {
		ackWindow(busy, wb, 1, 50*ms, now)
		ackWindow(idle, wi, 1, 50*ms, now+pause)
		now += 50 * ms
	}
	if d := math.Abs(float64(wb.Cwnd)/float64(wi.Cwnd) - 1); d > 0.01 {
		t.Errorf("busy %d, with a pause %d", wb.Cwnd, wi.Cwnd)
	}
}

// TestCubicPerACK: RFC 9438 4.4: one ACK grows the window by at most half of
// what it acknowledges, however long ago the last one was.
func TestCubicPerACK(t *testing.T) {
	c, w := afterLoss(100, perf.Second)
	for i := range 20 {
		before := w.Cwnd
		c.Acked(w, 1<<20, 10*ms, perf.Tick(i+1)*perf.Minute)
		if w.Cwnd > before+before/2+w.MSS {
			t.Fatalf("ACK %d grew %d to %d", i, before, w.Cwnd)
		}
	}
}
