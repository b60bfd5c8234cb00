package tcp

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// pawsIdle: after so long without a segment TS.Recent means nothing any more.
// RFC 7323 5.5.
const pawsIdle = 24 * 24 * 60 * perf.Minute

// challengeRate is how many challenge ACKs a connection sends per second.
// RFC 5961 7; it is the connection's own, so that nobody else can count them.
const challengeRate = 4

// receive is the procedure of RFC 9293 3.10.7.4 for a segment with ACK, in a
// synchronised state or in SYN-RECEIVED with a Sock.
func (l *Layer) receive(s *Sock, g *segment) perf.Verdict {
	if g.n == 0 && l.farewell(s, g) {
		return perf.Delivered
	}
	if v := l.acceptable(s, g); v != perf.Delivered {
		return v
	}
	s.rcv.last = l.now
	if v := l.ackField(s, g); v != perf.Delivered {
		return v
	}
	s.noteTS(g, l.now) // not of a segment that RFC 5961 5 does not believe
	if s.state == SynRcvd {
		l.established(s)
	}
	if s.finAcked() && l.finWasAcked(s) {
		return perf.Delivered
	}
	if g.flags&URG != 0 && !s.InPlace() && s.state.receives() {
		s.urgent(g)
	}
	if g.n > 0 || g.flags&FIN != 0 {
		return l.text(s, g)
	}
	return perf.Delivered
}

// acceptable makes the checks that come before the acknowledgement: PAWS and
// the window. It cuts the segment to the window.
func (l *Layer) acceptable(s *Sock, g *segment) perf.Verdict {
	if s.rcv.tsOK {
		if !g.opts.TS {
			return perf.DropTCPTimestamp // RFC 7323 3.2
		}
		// RFC 7323 5.3 R1: an older timestamp: acknowledge and drop.
		if seqLT(g.opts.TSVal, s.rcv.tsRecent) && l.now-s.rcv.tsRecentAt < pawsIdle {
			l.again(s, g)
			return perf.DropTCPPAWS
		}
	}
	edge := s.rcv.nxt + uint32(s.room())
	inWindow := seqLEQ(g.seq, edge) && seqGEQ(g.end, s.rcv.nxt)
	if g.end != g.seq { // with length: some of it must be new and in the window
		inWindow = seqLT(g.seq, edge) && seqGT(g.end, s.rcv.nxt) ||
			edge == s.rcv.nxt && g.seq == edge // RFC 9293 3.10.7.4: its ACK counts
	}
	if !inWindow {
		if g.n > 0 && seqLEQ(g.end, s.rcv.nxt) {
			s.duplicate(g.seq, g.end)
			l.cfg.Stat.Event(perf.EvTCPDuplicateData)
		}
		l.again(s, g)
		return perf.DropTCPWindow
	}
	if seqGT(g.end, edge) {
		g.trimEnd(edge)
		s.rcv.ackNow = true
		l.want(s)
	}
	return perf.Delivered
}

// again answers a segment that is not acceptable with an ACK (RFC 9293
// 3.10.7.4). Where it holds no data the answer counts as a challenge, lest two
// confused peers acknowledge each other for ever.
func (l *Layer) again(s *Sock, g *segment) {
	if g.n > 0 || g.flags&FIN != 0 {
		s.rcv.ackNow = true
		l.want(s)
		return
	}
	l.challenge(s)
}

// challenge sends an ACK to a segment that may be forged. RFC 5961 7.
func (l *Layer) challenge(s *Sock) {
	if !s.chal.ok(l.now, challengeRate) {
		l.cfg.Stat.Event(perf.EvTCPChallengeLimited)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPChallengeAck)
	s.rcv.ackNow = true
	l.want(s)
}

// reset handles RST in a synchronised state. RFC 5961 3.2: exactly the next
// sequence number resets, another in the window is challenged.
func (l *Layer) reset(s *Sock, g *segment) perf.Verdict {
	if g.seq != s.rcv.nxt {
		if seqGT(g.seq, s.rcv.nxt) && seqLEQ(g.seq, s.rcv.nxt+uint32(s.room())) {
			l.challenge(s)
		}
		return perf.DropTCPReset
	}
	l.cfg.Stat.Event(perf.EvTCPResetReceived)
	errno := syscall.ECONNRESET
	switch s.state {
	case CloseWait:
		errno = syscall.EPIPE
	case Closing, LastAck:
		errno = 0 // both directions were finished
	}
	l.done(s, errno)
	return perf.Delivered
}

// strayed handles SYN in a synchronised state. RFC 5961 4.2: whatever its
// sequence number, a challenge; a peer that has restarted answers with RST.
func (l *Layer) strayed(s *Sock, _ *segment) perf.Verdict {
	l.challenge(s)
	return perf.DropTCPSyn
}

// finWasAcked takes the step that the acknowledgement of our FIN brings. True:
// the connection is over.
func (l *Layer) finWasAcked(s *Sock) bool {
	switch s.state {
	case FinWait1:
		s.state = FinWait2
		if s.orphan {
			s.TX.Drop() // nothing will be sent again
			s.mark(sock.FlagArrived)
			l.arm(s, &s.keep, l.now+s.opt.finWait2.tick())
		} else {
			s.TellWatchers()
		}
	case Closing:
		l.timeWait(s)
		return true
	case LastAck:
		l.done(s, 0)
		return true
	}
	return false
}
