package tcp

import "dataplane/perf"

var _ Congestion = (*newReno)(nil)

// newReno is RFC 5681 and RFC 6582 with appropriate byte counting (RFC 3465).
type newReno struct {
	acked    int  // bytes acknowledged in congestion avoidance towards the next segment
	afterRTO bool // this slow start follows a time-out
}

// Name: see Congestion.
func (*newReno) Name() string { return "newreno" }

// Init: see Congestion.
func (r *newReno) Init(w *Window, _ perf.Tick) {
	*r = newReno{}
	w.init()
}

// Acked: see Congestion.
func (r *newReno) Acked(w *Window, n int, _, _ perf.Tick) {
	if w.AppLimited {
		return
	}
	limit := 2 // RFC 3465 2.3: L = 2, but 1 in the slow start after a time-out
	if r.afterRTO {
		limit = 1
	}
	if n = w.grow(n, limit); n == 0 {
		return
	}
	r.afterRTO = false
	r.acked += n
	if r.acked >= w.Cwnd { // RFC 3465 2.1: one segment per window of bytes
		r.acked -= w.Cwnd
		r.acked = min(r.acked, w.Cwnd)
		w.Cwnd += w.MSS
	}
}

// Lost: see Congestion. RFC 5681 3.2, equation (4).
func (r *newReno) Lost(w *Window, flight int, _ perf.Tick) {
	w.Ssthresh = max(flight/2, 2*w.MSS)
	w.Cwnd = w.Ssthresh
	r.acked = 0
}

// TimedOut: see Congestion. RFC 5681 3.1: the loss window is one segment.
func (r *newReno) TimedOut(w *Window, flight int, _ perf.Tick) {
	if flight > 0 {
		w.Ssthresh = max(flight/2, 2*w.MSS)
	}
	w.Cwnd = w.MSS
	r.acked = 0
	r.afterRTO = true
}

// Idle: see Congestion.
func (r *newReno) Idle(w *Window, _ perf.Tick) {
	w.restart()
	r.acked = 0
}

// Recovered: see Congestion.
func (*newReno) Recovered(w *Window, _ perf.Tick) { w.deflate() }
