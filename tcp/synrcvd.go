package tcp

import (
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// The steps of SYN-RECEIVED. With g.rq the connection is a listener's request;
// else s came here by a simultaneous open.

// synRcvdRst: RFC 9293 3.10.7.4, second; RFC 5961 3.
func (l *Layer) synRcvdRst(s *Sock, g *segment) perf.Verdict {
	if rq := g.rq; rq != nil {
		if g.seq != rq.irs+1 {
			return perf.DropTCPReset
		}
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		l.dropRequest(rq) // back to LISTEN
		return perf.Delivered
	}
	if g.seq != s.rcv.nxt {
		return l.reset(s, g)
	}
	l.cfg.Stat.Event(perf.EvTCPOpenFailed)
	l.done(s, syscall.ECONNREFUSED)
	return perf.Delivered
}

// synRcvdSyn: the peer did not get our SYN-ACK, or somebody else uses its name.
func (l *Layer) synRcvdSyn(s *Sock, g *segment) perf.Verdict {
	if rq := g.rq; rq != nil {
		if g.seq == rq.irs {
			if rq.chal.ok(l.now, challengeRate) {
				l.sendSynAck(rq)
			}
			return perf.Delivered
		}
		if rq.chal.ok(l.now, challengeRate) { // RFC 5961 4
			l.cfg.Stat.Event(perf.EvTCPChallengeAck)
			l.ackRequest(rq)
		}
		return perf.DropTCPSyn
	}
	if g.seq != s.rcv.irs {
		return l.strayed(s, g)
	}
	s.rcv.ackNow = true
	l.want(s)
	return perf.Delivered
}

// ackRequest acknowledges what we have of rq's peer. Unlike that of the SYN-ACK
// its window is scaled, if both sides agreed to scale (RFC 7323 2.2), and it has
// timestamps if both have (3.2).
func (l *Layer) ackRequest(rq *request) {
	b := bare{seq: rq.iss + 1, ack: rq.irs + 1, flags: ACK, wnd: rq.wnd}
	if rq.opts.WScale >= 0 {
		b.wnd >>= rq.rcvScale
	}
	if rq.opts.TS {
		l.opts = Options{WScale: -1, TS: true, TSVal: tsClock(l.now) + rq.tsOff, TSEcr: rq.opts.TSVal}
		b.opts = &l.opts
	}
	l.send(l.endpoint(&rq.key, &rq.ls.Endpoint), b)
}

// synRcvdSynAck: in a simultaneous open both sides answer SYN with SYN-ACK; it
// acknowledges our SYN and repeats the peer's.
func (l *Layer) synRcvdSynAck(s *Sock, g *segment) perf.Verdict {
	if g.rq != nil {
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
	rq := g.rq
	if rq == nil {
		return l.receive(s, g)
	}
	if rq.opts.TS && (!g.opts.TS || seqLT(g.opts.TSVal, rq.opts.TSVal)) {
		return perf.DropTCPPAWS
	}
	if g.ack != rq.iss+1 {
		l.refuse(nil, g)
		return perf.DropTCPAck
	}
	if seqLT(g.seq, rq.irs+1) || seqGT(g.seq, rq.irs+1+uint32(rq.wnd)) {
		if rq.chal.ok(l.now, challengeRate) {
			l.ackRequest(rq)
		}
		return perf.DropTCPWindow
	}
	if rq.ls.full() {
		return perf.DropTCPBacklog // the SYN-ACK will be sent again, and asks for the ACK
	}
	s = l.child(rq, g)
	l.dropRequest(rq)
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
