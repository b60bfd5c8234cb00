package tcp

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// The steps of SYN-RECEIVED: of a listener's connection, which is half-open, or after a
// simultaneous open.

// synRcvdRst: RFC 9293 3.10.7.4, second; RFC 5961 3.
func (l *Layer) synRcvdRst(s *Sock, g *segment) perf.Verdict {
	switch {
	case s.half() && g.seq != s.rcv.nxt:
		return perf.DropTCPReset
	case s.half():
		l.dropHalf(s) // back to LISTEN
		return perf.Delivered
	case g.seq != s.rcv.nxt:
		return l.reset(s, g)
	}
	l.cfg.Stat.Event(perf.EvTCPOpenFailed)
	l.done(s, syscall.ECONNREFUSED)
	return perf.Delivered
}

// synRcvdSyn: the peer did not get our SYN-ACK, or somebody else uses its name.
func (l *Layer) synRcvdSyn(s *Sock, g *segment) perf.Verdict {
	switch {
	case s.half() && g.seq == s.rcv.irs:
		if s.chal.ok(l.now, challengeRate) {
			l.sendSyn(s)
		}
		return perf.Delivered
	case s.half():
		l.ackHalf(s) // RFC 5961 4
		return perf.DropTCPSyn
	case g.seq != s.rcv.irs:
		return l.strayed(s, g)
	}
	s.rcv.ackNow = true
	l.want(s)
	return perf.Delivered
}

// ackHalf acknowledges what we have of the peer of s, half-open, within the rate of
// challenges.
func (l *Layer) ackHalf(s *Sock) {
	if !s.chal.ok(l.now, challengeRate) {
		l.cfg.Stat.Event(perf.EvTCPChallengeLimited)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPChallengeAck)
	if l.ip.Resolve(&s.Endpoint) == 0 {
		l.emit(s, s.snd.max, 0, 0)
	}
}

// synRcvdSynAck: in a simultaneous open both sides answer SYN with SYN-ACK; it
// acknowledges our SYN and repeats the peer's.
func (l *Layer) synRcvdSynAck(s *Sock, g *segment) perf.Verdict {
	if s.half() {
		l.refuse(nil, g)
		return perf.DropTCPState
	}
	if g.seq != s.rcv.irs {
		return l.strayed(s, g)
	}
	g.trimFront(1)
	return l.receive(s, g)
}

// synRcvdAck ends the handshake. RFC 9293 3.10.7.4, fifth.
func (l *Layer) synRcvdAck(s *Sock, g *segment) perf.Verdict {
	if !s.half() {
		return l.receive(s, g)
	}
	r := &s.rcv
	if r.tsOK && (!g.opts.TS || seqLT(g.opts.TSVal, r.tsRecent)) {
		return perf.DropTCPPAWS
	}
	if g.ack != s.snd.iss+1 {
		l.refuse(nil, g)
		return perf.DropTCPAck
	}
	if seqLT(g.seq, r.nxt) || seqGT(g.seq, r.edge) {
		l.ackHalf(s)
		return perf.DropTCPWindow
	}
	if s.deferred(g) {
		return l.defers(s)
	}
	if s.lst.sk.full() {
		return perf.DropTCPBacklog // the SYN-ACK will be sent again, and asks for the ACK
	}
	l.accepted(s)
	if g.flags&FIN == 0 && s.expected(g) {
		l.greeting(s, g)
		return perf.Delivered
	}
	return l.receive(s, g)
}

// established: both sides are synchronised.
func (l *Layer) established(s *Sock) {
	s.state = Established
	if s.snd.fin {
		s.state = FinWait1
	}
	s.rtx.stop()
	s.rcv.last = l.now
	s.Set(sock.FlagConnected)
	l.startKeepAlive(s)
	s.StateChange()
}
