package tcp

import (
	"cmp"
	"math"
	"syscall"

	"dataplane/perf"
)

// startSend sets the sending side to the beginning: nothing sent, iss chosen.
func (s *Sock) startSend(iss uint32) {
	if s.rtt.RTO != 0 {
		s.snd, s.rcv, s.loss = send{}, recv{}, recovery{} // of an attempt before
	}
	d := &s.snd
	d.iss, d.una, d.nxt, d.max, d.tailSeq, d.tail = iss, iss, iss, iss, iss+1, s.TX.Tail()
	s.loss.recover = iss
	s.rtt.Init()
}

// negotiate takes over the peer's SYN: its options are o, its sequence number
// irs; wnd is the window that our SYN shows. Our own offers stand in s.rcv.
func (l *Layer) negotiate(s *Sock, o *Options, irs uint32, wnd int) {
	d, r := &s.snd, &s.rcv
	d.peerMSS = o.MSS
	if o.WScale >= 0 { // RFC 7323 2.2: both or none
		d.scale = uint8(o.WScale)
	} else {
		d.scale, r.scale = 0, 0
	}
	r.tsOK, r.sackOK = o.TS, o.SackOK
	r.tsRecent, r.tsRecentAt = o.TSVal, l.now
	r.irs, r.nxt, r.lastAck = irs, irs+1, irs+1
	r.edge = r.nxt + uint32(wnd)
	r.pos = s.RX.Head()
	r.limit = s.clamped(int(s.Opt.RcvBuf))
	if r.scale == 0 && l.maxWindow(&s.Opt) > math.MaxUint16 {
		r.limit = min(r.limit, math.MaxUint16) // more cannot be shown
		s.Opt.RcvBufSet = true
	}
	r.mss = min(r.advMSS, 536)
	r.quick = quickAcks
	s.RX.SetLimit(r.limit + s.slack())
	l.ip.Resolve(&s.Endpoint)
	l.resize(s)
	s.cc = nil
	s.win.init()
}

// synLost: our SYN or SYN-ACK had to be sent again. RFC 6298 5.7: a longer first
// time-out; RFC 5681 3.1: an initial window of one segment.
func (s *Sock) synLost() {
	s.rtt.SYNLost()
	s.win.Cwnd = s.win.MSS
}

// sendSyn sends our SYN, or SYN-ACK after a simultaneous open.
func (l *Layer) sendSyn(s *Sock) {
	d, r := &s.snd, &s.rcv
	r.ackNow = false
	o := &l.opts
	o.MSS, o.WScale, o.SackOK, o.TS, o.TSEcr, o.NSack = r.advMSS, int8(r.scale), !l.cfg.NoSACK, !l.cfg.NoTimestamps, 0, 0
	b := bare{seq: d.iss, flags: SYN, wnd: uint16(s.synWindow()), opts: o}
	if s.state == SynRcvd {
		o.SackOK, o.TS = r.sackOK, r.tsOK
		if r.scale == 0 && d.scale == 0 && !s.scaled {
			o.WScale = -1
		}
		o.TSEcr = r.tsRecent
		b.flags, b.ack = SYN|ACK, r.nxt
	}
	if o.TSVal = 0; o.TS {
		o.TSVal = s.ts(l.now)
	} else {
		o.TSEcr = 0
	}
	if d.max == d.iss {
		d.nxt, d.max = d.iss+1, d.iss+1
		d.rttOn, s.rtt.until, d.rttAt = true, d.max, l.now
		d.since = l.now
	} else {
		d.rttOn = false
	}
	if errno := l.send(&s.Endpoint, b); errno == syscall.EHOSTUNREACH { // the neighbour is known to be dead
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		l.done(s, errno)
		return
	}
	if !s.rtx.on() {
		l.arm(s, &s.rtx, s.clamp(synWait(d.retries))+l.now)
	}
}

// synWait is how long a SYN that was sent again so often waits for its answer.
func synWait(retries uint8) perf.Tick {
	return min(perf.Second<<min(retries, 7), longestWait*perf.Second)
}

// synTimeout: no answer to our SYN. RFC 9293 3.8.3: R2 for a SYN.
func (l *Layer) synTimeout(s *Sock) {
	d, limit := &s.snd, int(cmp.Or(s.opt.synCount, uint8(l.cfg.SynRetries)))
	if s.half() {
		limit = l.cfg.AckRetries
		if r := s.Opt.Rare; r != nil {
			limit = max(limit, int(r.Defer))
		}
	}
	if int(d.retries) >= limit || s.opt.userLimit > 0 && l.now-d.since >= s.opt.userLimit.tick() {
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		l.expired(s)
		return
	}
	d.retries++
	if s.patient() {
		l.arm(s, &s.rtx, s.clamp(synWait(d.retries))+l.now)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPRetransmit)
	s.rcv.ackNow = true
	l.want(s)
}

// synSentRst: RFC 9293 3.10.7.3, second: believed only if it acknowledges our SYN.
func (l *Layer) synSentRst(s *Sock, g *segment) perf.Verdict {
	if g.flags&ACK == 0 || !s.acksSyn(g) {
		return perf.DropTCPReset
	}
	l.cfg.Stat.Event(perf.EvTCPResetReceived)
	l.cfg.Stat.Event(perf.EvTCPOpenFailed)
	l.done(s, syscall.ECONNREFUSED)
	return perf.Delivered
}

// acksSyn: the segment acknowledges our SYN and nothing more.
func (s *Sock) acksSyn(g *segment) bool {
	return g.ack == s.snd.max && s.snd.max == s.snd.iss+1
}

// synSentStray: an ACK without SYN. RFC 9293 3.10.7.3, first and fifth.
func (l *Layer) synSentStray(s *Sock, g *segment) perf.Verdict {
	if !s.acksSyn(g) {
		return l.notOurs(s, g)
	}
	return perf.DropTCPState
}

// soonAgain is how soon a SYN is sent again that met an old connection at the peer.
const soonAgain = 2 * perf.Millisecond

// notOurs resets a connection of which s, in SYN-SENT, knows nothing. The peer may have had
// it in TIME-WAIT, and has lost our SYN; so it is sent again soon, once, as Linux does.
func (l *Layer) notOurs(s *Sock, g *segment) perf.Verdict {
	l.refuse(nil, g)
	if at := l.now + soonAgain; s.snd.retries == 0 && s.rtx.at > at {
		l.arm(s, &s.rtx, at)
	}
	return perf.DropTCPAck
}

// synSentAck: the answer. RFC 9293 3.10.7.3, fourth.
func (l *Layer) synSentAck(s *Sock, g *segment) perf.Verdict {
	d := &s.snd
	if !s.acksSyn(g) {
		return l.notOurs(s, g)
	}
	l.takeSyn(s, &g.opts, g.seq)
	d.una = g.ack
	if d.rttOn {
		s.rtt.Sample(l.now - d.rttAt)
		d.rttOn = false
	} else {
		s.synLost()
	}
	d.retries = 0
	d.wnd, d.maxWnd = uint32(g.wnd), uint32(g.wnd) // a SYN's window is not scaled
	d.wl1, d.wl2 = g.seq, g.ack
	l.established(s)
	if g.n == 0 && g.flags&FIN == 0 && s.CB == nil && !d.fin && s.TX.Head() == d.tail && l.ip.Resolve(&s.Endpoint) == 0 {
		l.sendAck(s) // most often nothing will be ready to go with it
		return perf.Delivered
	}
	s.rcv.ackNow = true
	l.want(s)
	return l.afterSyn(s, g)
}

// synSentSyn: the peer opens, too. RFC 9293 3.5, figure 8.
func (l *Layer) synSentSyn(s *Sock, g *segment) perf.Verdict {
	l.takeSyn(s, &g.opts, g.seq)
	s.snd.wnd, s.snd.maxWnd = uint32(g.wnd), uint32(g.wnd)
	s.snd.wl1 = g.seq
	s.state = SynRcvd
	s.rcv.ackNow = true
	l.want(s)
	return perf.Delivered // data with it comes again
}

// agree makes of the options of a peer's SYN, o, those that count.
func (l *Layer) agree(o *Options, is4 bool) {
	o.MSS = clampMSS(o.MSS, is4)
	o.TS = o.TS && !l.cfg.NoTimestamps
	o.SackOK = o.SackOK && !l.cfg.NoSACK
}

// takeSyn takes over the peer's SYN, its options and its sequence number.
func (l *Layer) takeSyn(s *Sock, o *Options, irs uint32) {
	l.agree(o, s.Remote.Is4())
	s.scaled = o.WScale >= 0
	retries, since := s.snd.retries, s.snd.since
	l.negotiate(s, o, irs, s.synWindow())
	s.snd.retries, s.snd.since = retries, since
}

// afterSyn takes data and FIN that came with the SYN.
func (l *Layer) afterSyn(s *Sock, g *segment) perf.Verdict {
	g.trimFront(1)
	if g.n == 0 && g.flags&FIN == 0 {
		return perf.Delivered
	}
	if edge := s.rcv.nxt + uint32(s.room()); seqGT(g.end, edge) {
		g.trimEnd(edge)
	}
	return l.text(s, g)
}
