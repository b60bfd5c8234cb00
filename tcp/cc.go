package tcp

import (
	"slices"

	"dataplane/perf"
)

// Window is what congestion control decides: how many bytes may be in flight.
// The machine writes MSS and AppLimited, the algorithm the rest.
type Window struct {
	MSS      int // payload bytes of a full segment
	Cwnd     int // congestion window, bytes
	Ssthresh int // slow start below it, bytes

	// AppLimited: the flight did not fill the window, so an ACK says nothing
	// about the path and the window does not grow (RFC 9438 5.8, RFC 7661 3).
	AppLimited bool
	credit     int32 // bytes of the latest full flight that are not acknowledged yet
}

// Congestion is one algorithm's state for one connection. All calls on the
// lcore that owns the connection; none allocates.
type Congestion interface {
	// Init sets the initial window. w.MSS is known.
	Init(w *Window, now perf.Tick)
	// Acked grows the window: n > 0 bytes were acknowledged outside recovery.
	// rtt is the smoothed round-trip time, 0 while unknown.
	Acked(w *Window, n int, rtt, now perf.Tick)
	// Lost enters fast recovery: sets Ssthresh, and Cwnd to it. flight is the
	// number of bytes sent and not acknowledged.
	Lost(w *Window, flight int, now perf.Tick)
	// TimedOut: the retransmission timer expired. flight 0 says that the same
	// segment timed out before; Ssthresh then stays.
	TimedOut(w *Window, flight int, now perf.Tick)
	// Idle: sending starts again after more than one RTO without.
	Idle(w *Window, now perf.Tick)
	// Recovered ends fast recovery: congestion avoidance begins.
	Recovered(w *Window, now perf.Tick)
	// Name is the name by which NewCongestion knows it.
	Name() string
}

// DefaultCongestion is what a connection uses when nobody chose.
const DefaultCongestion = "cubic"

// ssthreshInf is the initial slow-start threshold. RFC 5681 3.1: arbitrarily high.
const ssthreshInf = 1 << 30

// NewCongestion returns fresh state of the algorithm called name; "" is the
// default one.
func NewCongestion(name string) (Congestion, bool) {
	switch name {
	case "", "cubic":
		return &cubic{}, true
	case "newreno", "reno":
		return &newReno{}, true
	}
	return nil, false
}

// congID is an algorithm as a connection's settings have it.
type congID uint8

var congNames = [...]string{"cubic", "newreno"}

// congOf returns the number of a name that an algorithm calls itself.
func congOf(name string) congID { return congID(max(slices.Index(congNames[:], name), 0)) }

// String returns the name.
func (c congID) String() string { return congNames[c] }

// congestion returns the state of the connection's algorithm. It takes memory when
// there is something to remember: the first slow start, as long as the application
// does not fill the window, needs none.
func (s *Sock) congestion() Congestion {
	if s.cc == nil {
		s.cc, _ = NewCongestion(s.opt.cong.String()) // as new, without Init, which s.win has had
	}
	return s.cc
}

// grow tells the algorithm that n bytes were acknowledged, outside of recovery.
func (l *Layer) grow(s *Sock, n int) {
	if s.cc != nil || !s.win.AppLimited { // or no window grows
		l.grown(s, n)
	}
}

func (l *Layer) grown(s *Sock, n int) { s.congestion().Acked(&s.win, n, s.rtt.SRTT, l.now) }

// rested: sending starts again after more than one RTO without. RFC 5681 4.1.
func (l *Layer) rested(s *Sock) {
	if s.cc == nil {
		s.win.restart()
		return
	}
	s.cc.Idle(&s.win, l.now)
}

// initialWindow is RFC 6928 2: min(10*MSS, max(2*MSS, 14600)).
func initialWindow(mss int) int { return min(10*mss, max(2*mss, 14600)) }

// init is the beginning all algorithms share.
func (w *Window) init() {
	w.Cwnd = initialWindow(w.MSS)
	w.Ssthresh = ssthreshInf
}

// slowStart: whether the next ACK grows the window exponentially.
func (w *Window) slowStart() bool { return w.Cwnd < w.Ssthresh }

// Used tells whether the window was what held the sender back: call it before
// Acked with the bytes that were in flight before this ACK. In slow start half
// a window is enough (the window is to double), later all but a few segments,
// which bursts and the rounding to whole segments leave free.
//
// All bytes of a full flight were sent because the window allowed no more, so
// the ACKs of all of them count: several may come before the sender's next turn.
func (w *Window) Used(flight int) {
	full := flight+3*w.MSS >= w.Cwnd
	if w.slowStart() {
		full = 2*flight >= w.Cwnd
	}
	if full {
		w.credit = int32(flight)
	}
	w.AppLimited = w.credit <= 0
}

// grow takes n acknowledged bytes in slow start and returns those left over
// for congestion avoidance. RFC 5681 3.1 with RFC 3465 2.2: by the bytes
// acknowledged (so splitting ACKs wins nothing), at most limit segments per ACK.
func (w *Window) grow(n, limit int) int {
	w.credit -= int32(n)
	if !w.slowStart() {
		return n
	}
	room := w.Ssthresh - w.Cwnd
	n = min(n, limit*w.MSS)
	w.Cwnd += min(n, room)
	return max(n-room, 0)
}

// restart is RFC 5681 4.1: after an idle time the window is no larger than
// the initial one; Ssthresh remembers the path.
func (w *Window) restart() {
	w.Cwnd = min(w.Cwnd, initialWindow(w.MSS))
	w.credit = 0
}

// deflate ends recovery. RFC 6582 3.2 step 3, RFC 6675 5: the window is Ssthresh.
func (w *Window) deflate() { w.Cwnd = min(w.Cwnd, w.Ssthresh) }
