package tcp

import "dataplane/perf"

// Bounds of the retransmission time-out.
//
// RFC 6298 2.4 would like at least one second; like Linux we go down to
// 200 ms, and take it as the least *variance term* rather than the least sum,
// so that a peer that delays its ACKs by 200 ms never looks lost.
const (
	rtoInitial = perf.Second            // RFC 6298 2.1
	rtoMin     = 200 * perf.Millisecond // see above
	rtoMax     = 60 * perf.Second       // RFC 6298 2.5
	rtoLostSYN = 3 * perf.Second        // RFC 6298 5.7
)

// RTT estimates the round-trip time and keeps the retransmission time-out.
type RTT struct {
	SRTT, Var perf.Tick // zero SRTT: no sample yet
	Min       perf.Tick // the least sample: the path without queues
	RTO       perf.Tick // the time-out to arm now, back-off included
	backoff   uint8
	until     uint32 // the ACK that ends the measurement under way
}

// Init forgets all samples.
func (r *RTT) Init() { *r = RTT{RTO: rtoInitial} }

// Sample takes one measurement, of a segment that was sent once or is known
// by its timestamp (Karn's rule is the caller's), and ends the back-off.
func (r *RTT) Sample(m perf.Tick) {
	m = max(m, 1)
	if r.SRTT == 0 { // RFC 6298 2.2
		r.SRTT, r.Var, r.Min = m, m/2, m
	} else { // RFC 6298 2.3: beta 1/4 before alpha 1/8
		d := m - r.SRTT
		r.Var += (max(d, -d) - r.Var) >> 2
		r.SRTT = max(r.SRTT+d>>3, 1)
		r.Min = min(r.Min, m)
	}
	r.ResetBackoff()
}

// base is the time-out without back-off. RFC 6298 2.2, 2.3: the variance term
// is at least the granularity of the clock.
func (r *RTT) base() perf.Tick {
	if r.SRTT == 0 {
		return rtoInitial
	}
	return min(r.SRTT+max(rtoMin, 4*r.Var), rtoMax)
}

// Backoff doubles the time-out, up to its limit (RFC 6298 5.5).
func (r *RTT) Backoff() {
	if r.backoff < 32 {
		r.backoff++
	}
	r.RTO = min(2*r.RTO, rtoMax)
}

// Backoffs is how often the time-out was doubled since the last sample.
func (r *RTT) Backoffs() int { return int(r.backoff) }

// ResetBackoff returns to the undoubled time-out.
func (r *RTT) ResetBackoff() {
	r.backoff = 0
	r.RTO = r.base()
}

// SYNLost says that the SYN or SYN-ACK was sent more than once and gave no
// sample: RFC 6298 5.7: data then begins with a time-out of 3 seconds.
func (r *RTT) SYNLost() {
	r.backoff = 0
	if r.SRTT == 0 {
		r.RTO = rtoLostSYN
	}
}
