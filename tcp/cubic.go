package tcp

import (
	"math"

	"dataplane/perf"
)

var _ Congestion = (*cubic)(nil)

// Constants of RFC 9438.
const (
	cubicC     = 0.4                                   // 5.1: segments per second cubed
	cubicBeta  = 0.7                                   // 4.6: multiplicative decrease
	cubicAlpha = 3 * (1 - cubicBeta) / (1 + cubicBeta) // 4.3: additive increase as friendly as Reno's
	cubicLimit = 8                                     // RFC 9406 4.2: segments of growth per ACK in slow start, unpaced
)

// cubic is RFC 9438. Windows inside it are in segments (of the MSS of the
// moment), as in the RFC's figures; times in seconds.
type cubic struct {
	epoch    perf.Tick // when this stage of congestion avoidance began
	last     perf.Tick // the latest ACK
	running  bool      // epoch is set
	timedOut bool      // the stage to come follows a time-out
	wMax     float64   // window before the latest decrease (after fast convergence)
	prior    float64   // window at the latest decrease
	k        float64   // seconds from epoch to the plateau
	wEst     float64   // what Reno would have by now
	frac     float64   // growth owed, less than a byte
}

// Name: see Congestion.
func (*cubic) Name() string { return "cubic" }

// Init: see Congestion.
func (c *cubic) Init(w *Window, _ perf.Tick) {
	*c = cubic{}
	w.init()
}

// begin starts a stage of congestion avoidance. RFC 9438 4.2: K from the way
// back to wMax; 4.8, 4.10: after a time-out, or a slow start that ended
// without loss, K is 0 and the plateau is here.
func (c *cubic) begin(w *Window, now perf.Tick) {
	cwnd := w.segments()
	c.epoch, c.last, c.running = now, now, true
	c.wEst, c.frac = cwnd, 0
	if c.timedOut || cwnd >= c.wMax {
		c.k, c.wMax, c.timedOut = 0, cwnd, false
		return
	}
	c.k = math.Cbrt((c.wMax - cwnd) / cubicC)
}

// curve is W_cubic(t) of RFC 9438 4.2, equation (1).
func (c *cubic) curve(t float64) float64 {
	d := t - c.k
	return cubicC*d*d*d + c.wMax
}

// Acked: see Congestion.
func (c *cubic) Acked(w *Window, n int, rtt, now perf.Tick) {
	if w.AppLimited {
		c.pause(now)
		return
	}
	if n = w.grow(n, cubicLimit); n == 0 {
		return
	}
	if !c.running {
		c.begin(w, now)
	}
	c.last = now
	t := seconds(now - c.epoch)
	cwnd := w.segments()
	n = min(n, w.Cwnd) // never more than one window's worth per ACK
	acked := float64(n) / float64(w.MSS)

	// 4.3: W_est grows by alpha per window, by one segment once it has
	// reached the window of the latest decrease.
	alpha := cubicAlpha
	if c.wEst >= c.prior {
		alpha = 1
	}
	c.wEst += alpha * acked / cwnd
	if c.curve(t) < c.wEst {
		if c.wEst > cwnd {
			w.Cwnd, c.frac = int(c.wEst*float64(w.MSS)), 0
		}
		return
	}
	// 4.4, 4.5: towards where the curve will be in one RTT, not back, and not
	// by more than half a window per RTT.
	target := min(max(c.curve(t+seconds(rtt)), cwnd), 1.5*cwnd)
	c.frac += (target - cwnd) / cwnd * float64(n)
	whole := int(c.frac)
	w.Cwnd += whole
	c.frac -= float64(whole)
}

// pause stops the clock of the curve. RFC 9438 4.2: t does not count the time
// in which the application, not the window, limits the flight.
func (c *cubic) pause(now perf.Tick) {
	if c.running {
		c.epoch += now - c.last
		c.last = now
	}
}

// reduce is the multiplicative decrease of RFC 9438 4.6 with the fast
// convergence of 4.7.
func (c *cubic) reduce(w *Window, flight int) {
	cwnd := w.segments()
	if cwnd < c.wMax {
		c.wMax = cwnd * (1 + cubicBeta) / 2
	} else {
		c.wMax = cwnd
	}
	c.prior = cwnd
	w.Ssthresh = max(flight*7/10, 2*w.MSS) // cubicBeta in whole numbers
	c.running = false
}

// Lost: see Congestion.
func (c *cubic) Lost(w *Window, flight int, _ perf.Tick) {
	c.reduce(w, flight)
	w.Cwnd = w.Ssthresh
}

// TimedOut: see Congestion. RFC 9438 4.8.
func (c *cubic) TimedOut(w *Window, flight int, _ perf.Tick) {
	if flight > 0 {
		c.reduce(w, flight)
	}
	w.Cwnd = w.MSS
	c.running, c.timedOut = false, true
}

// Idle: see Congestion. The curve begins anew where slow start meets Ssthresh.
func (c *cubic) Idle(w *Window, _ perf.Tick) {
	w.restart()
	c.running = false
}

// Recovered: see Congestion.
func (c *cubic) Recovered(w *Window, now perf.Tick) {
	w.deflate()
	if !w.slowStart() {
		c.begin(w, now)
	}
}

func (w *Window) segments() float64 { return float64(w.Cwnd) / float64(w.MSS) }

func seconds(t perf.Tick) float64 { return float64(t) / float64(perf.Second) }
