package tcp

import (
	"math"

	"dataplane/perf"
)

// quickAcks is how many ACKs of a new connection go out at once, so that the
// peer's slow start is not held up.
const quickAcks = 16

// window returns the window field of a segment about to leave and moves the
// edge. The edge is never pulled back (RFC 9293 SHLD-14), and moves on only by
// a worthwhile step (3.8.6.2.2, SWS avoidance). What is shown is rounded up to
// the scale's units; RX has the slack.
func (s *Sock) window() uint16 {
	r := &s.rcv
	cur := int(int32(r.edge - r.nxt))
	if mss := int(r.mss); r.limit-cur < mss && 2*mss <= r.limit && r.want == math.MaxUint64 {
		return s.shown(cur) // it lacks less than a step, and is wide
	}
	free := s.free()
	if free-cur >= s.step() {
		free = min(free>>r.scale, math.MaxUint16) << r.scale
		if free > cur {
			r.edge = r.nxt + uint32(free)
			cur = free
		}
	}
	if cur <= 0 {
		s.l.cfg.Stat.Event(perf.EvTCPZeroWindow)
	}
	if !s.wide() {
		s.watchReader()
	}
	return s.shown(cur)
}

// shown is the field for a window of n bytes.
func (s *Sock) shown(n int) uint16 {
	return uint16(min(max(n+s.slack(), 0)>>(s.rcv.scale&15), math.MaxUint16))
}

// step is the least by which the window is opened: a segment of the peer's, half
// the buffer if that is less, and something that can be shown.
func (s *Sock) step() int {
	r := &s.rcv
	return min(max(int(r.mss), 1<<r.scale), max(r.limit/2, 1))
}

// free is the room that the application's buffer has behind rcv.nxt.
func (s *Sock) free() int {
	return max(s.rcv.limit-int(s.rcv.pos-s.RX.Tail()), 0)
}

// wide: the reader need not be watched, and is not.
func (s *Sock) wide() bool {
	return int(int32(s.rcv.edge-s.rcv.nxt)) > s.rcv.limit/2 && s.rcv.want == math.MaxUint64
}

// watchReader says at which position of the reader a window update is due:
// when less than half the window is open, and it can be doubled.
func (s *Sock) watchReader() {
	r := &s.rcv
	cur := int(int32(r.edge - r.nxt))
	want := uint64(math.MaxUint64)
	if cur <= r.limit/2 {
		open := min(max(2*cur, cur+s.step()), r.limit)
		if n := r.pos + uint64(open); n > uint64(r.limit) {
			want = n - uint64(r.limit)
		} else {
			want = 0
		}
	}
	if want == r.want {
		return
	}
	r.want = want
	s.WantTail.Store(want)
	if want != math.MaxUint64 && s.RX.Tail() >= want { // read meanwhile, without a word
		s.l.updateWindow(s)
	}
}

// updateWindow: the application has read. If that opens the window far enough,
// the peer hears of it.
func (l *Layer) updateWindow(s *Sock) {
	r := &s.rcv
	if !s.state.receives() {
		return
	}
	cur := int(int32(r.edge - r.nxt))
	open := min(max(2*cur, cur+s.step()), r.limit)
	if s.free() >= open && s.free() > cur {
		r.ackNow = true
		l.want(s)
		return
	}
	s.watchReader()
}

// ackPolicy decides when n bytes that arrived in order are acknowledged.
// RFC 9293 3.8.6.3: every second full segment at least, and within 500 ms.
func (l *Layer) ackPolicy(s *Sock, n int) {
	r := &s.rcv
	if n > int(r.mss) {
		r.mss = uint16(min(n, int(r.advMSS)))
	}
	r.lastData = l.now
	l.warmed(s)
	switch {
	case r.ackNow:
	case int(r.nxt-r.lastAck) >= 2*int(r.mss):
		r.ackNow = true
	case r.quick > 0 && !r.talks:
		r.quick--
		r.ackNow = true
	case !s.dack.on():
		l.arm(s, &s.dack, l.now+l.cfg.DelayedAck)
	}
	if r.ackNow {
		l.want(s)
	} else if !s.wide() {
		s.watchReader()
	}
	if !s.Opt.RcvBufSet && r.limit < l.cfg.MaxRcvBuf && s.rtt.SRTT != 0 && l.now-r.tuneAt >= s.rtt.SRTT {
		l.tune(s)
	}
}

// tune is dynamic right-sizing: an application that read half a window or
// more within a round trip gets twice the window.
func (l *Layer) tune(s *Sock) {
	r := &s.rcv
	tail := s.RX.Tail()
	if int(tail-r.tuneTail) >= r.limit/2 && r.tuneAt != 0 {
		s.setLimit(min(2*r.limit, l.cfg.MaxRcvBuf))
	}
	r.tuneAt, r.tuneTail = l.now, tail
}

// synWindow is the window that our SYN shows, which is not scaled.
func (s *Sock) synWindow() int { return s.clamped(min(int(s.Opt.RcvBuf), math.MaxUint16)) }

// setLimit sets how much may be buffered. What was promised stays promised.
func (s *Sock) setLimit(n int) {
	r := &s.rcv
	n = s.clamped(n)
	r.limit = n
	promised := int(r.pos-s.RX.Tail()) + int(int32(r.edge-r.nxt))
	s.RX.SetLimit(max(n, promised) + s.slack())
}

// scaleFor is the least window scale with which a window of n can be shown.
// RFC 7323 2.3.
func scaleFor(n int) uint8 {
	k := uint8(0)
	for n>>k > math.MaxUint16 && k < maxWScale {
		k++
	}
	return k
}
