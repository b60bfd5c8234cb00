package tcp

import (
	"slices"
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// Options that few sockets have: TCP_DEFER_ACCEPT, TCP_SAVE_SYN, TCP_WINDOW_CLAMP. They
// stand in sock.Rare.

const (
	optDeferAccept = 9
	optWindowClamp = 10
	optNotSent     = 25
	optSaveSyn     = 27
	optSavedSyn    = 28
	optIsMPTCP     = 43

	leastClamp  = 2304 / 2 // SOCK_MIN_RCVBUF / 2
	mostDefer   = 255
	longestWait = 120 // seconds between two SYNs (TCP_RTO_MAX)
)

// setRare sets one of them; false: name is none.
func (l *Layer) setRare(s *Sock, name, v int) (known bool, errno syscall.Errno) {
	switch name {
	case optDeferAccept:
		s.Rarely().Defer = retransmits(v)
	case optNotSent:
		s.setNotSent(uint32(v))
	case optSaveSyn:
		if v < 0 || v > 1 {
			return true, syscall.EINVAL
		}
		s.Rarely().SaveSyn = v != 0
	case optWindowClamp:
		return true, l.setClamp(s, v)
	default:
		return false, 0
	}
	return true, 0
}

// getRare reads one of them; false: name is none.
func (s *Sock) getRare(name int) (value int, known bool) {
	var none sock.Rare
	r := s.Opt.Rare
	if r == nil {
		r = &none
	}
	switch name {
	case optDeferAccept:
		return untilSent(r.Defer), true
	case optNotSent:
		return int(int32(r.NotSent)), true
	case optSaveSyn:
		return b2i(r.SaveSyn), true
	case optWindowClamp:
		return int(r.Clamp), true
	case optIsMPTCP:
		return 0, true
	}
	return 0, false
}

// retransmits is after how many SYN-ACKs sent again secs seconds are over, as Linux's
// secs_to_retrans counts.
func retransmits(secs int) (n uint8) {
	if secs <= 0 {
		return 0
	}
	wait, period := 1, 1
	for n = 1; secs > period && n < mostDefer; n++ {
		wait = min(2*wait, longestWait)
		period += wait
	}
	return n
}

// untilSent is when n SYN-ACKs will have been sent again.
func untilSent(n uint8) (period int) {
	for wait := 1; n > 0; n-- {
		period += wait
		wait = min(2*wait, longestWait)
	}
	return period
}

// deferred reports whether the half-open connection s waits for data before it is accepted,
// and g, the end of the handshake, has none. As in Linux it does not wait for ever: only
// while its SYN-ACK would not have been sent again too often.
func (s *Sock) deferred(g *segment) bool {
	r := s.lst.sk.Opt.Rare
	return r != nil && r.Defer > 0 && g.end == s.rcv.nxt && s.snd.retries < r.Defer
}

// patient reports whether the SYN-ACK of s need not be sent again: its peer has it, and
// has nothing to say yet. Before the last one it is, so that the peer shows that it is there.
func (s *Sock) patient() bool {
	r := s.Opt.Rare
	return r != nil && r.Deferred && s.half() && s.snd.retries < r.Defer
}

// saveSyn keeps the headers of the SYN of s, if its listener is to.
func (s *Sock) saveSyn(g *segment) {
	r := s.Opt.Rare
	if r == nil || !r.SaveSyn || g.flags&SYN == 0 {
		return
	}
	r.SaveSyn = false
	r.Syn = append(slices.Clone(g.p.Header), g.m.Bytes()[:g.off]...)
}

// savedSyn is TCP_SAVED_SYN: once, and then the memory is given back. EINVAL: v is too
// short.
func (s *Sock) savedSyn(v []byte) (int, syscall.Errno) {
	r := s.Opt.Rare
	if r == nil || len(r.Syn) == 0 {
		return 0, 0
	}
	if len(v) < len(r.Syn) {
		return 0, syscall.EINVAL
	}
	n := copy(v, r.Syn)
	r.Syn = nil
	return n, 0
}

// setNotSent is TCP_NOTSENT_LOWAT; 0: what is not sent counts like everything.
func (s *Sock) setNotSent(n uint32) {
	r := s.Rarely()
	if r.NotSent == 0 {
		r.SndBuf = s.Opt.SndBuf
	}
	if r.NotSent = n; n != 0 {
		s.boundUnsent(r)
		return
	}
	s.Opt.SndBuf = r.SndBuf
	s.SndWant.Store(r.SndBuf)
}

// boundUnsent lets the send ring hold what the congestion window takes and NotSent beyond,
// but no more than SO_SNDBUF. A socket can be written to while there is room, so what waits
// stays as little as the program asks for.
func (s *Sock) boundUnsent(r *sock.Rare) {
	n := int32(min(max(int64(s.win.Cwnd)+int64(r.NotSent), sock.MinBuf), int64(r.SndBuf)))
	if n != s.Opt.SndBuf {
		s.Opt.SndBuf = n
		s.SndWant.Store(n)
	}
}

// setClamp bounds the window that is shown to the peer; 0: nothing does. EINVAL: 0, once
// there is a connection.
func (l *Layer) setClamp(s *Sock, v int) syscall.Errno {
	if v == 0 {
		if s.state != Closed {
			return syscall.EINVAL
		}
		if r := s.Opt.Rare; r != nil {
			r.Clamp = 0
		}
		return 0
	}
	r := s.Rarely()
	r.Clamp = int32(min(max(v, leastClamp), sock.MaxBuf))
	if s.state.synchronized() && s.rcv.limit > int(r.Clamp) {
		s.setLimit(int(r.Clamp))
		l.updateWindow(s)
	}
	return 0
}

// clamped is n, how much may be buffered, within TCP_WINDOW_CLAMP.
func (s *Sock) clamped(n int) int {
	if r := s.Opt.Rare; r != nil && r.Clamp > 0 {
		return min(n, int(r.Clamp))
	}
	return n
}

// defers is synRcvdAck for a connection that is not to be accepted before there is data.
func (l *Layer) defers(s *Sock) perf.Verdict {
	r := s.Rarely()
	r.Defer, r.Deferred = s.lst.sk.Opt.Rare.Defer, true
	return perf.Delivered
}
