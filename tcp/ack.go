package tcp

import (
	"dataplane/perf"
	"dataplane/sock"
)

// ackField handles the acknowledgement of a segment that need not be the next
// one. RFC 9293 3.10.7.4, fifth; RFC 5961 5.
func (l *Layer) ackField(s *Sock, g *segment) perf.Verdict {
	d := &s.snd
	if seqGT(g.ack, d.max) || s.state == SynRcvd && seqLEQ(g.ack, d.una) {
		if s.state == SynRcvd {
			l.refuse(s, g) // RFC 9293 3.10.7.4: unacceptable in SYN-RECEIVED
		} else {
			l.challenge(s)
		}
		return perf.DropTCPAck
	}
	if seqLT(g.ack, d.una-max(d.maxWnd, 1<<16)) {
		l.challenge(s) // RFC 5961 5.2: too old to be believed
		return perf.DropTCPAck
	}
	if s.rcv.sackOK && g.opts.NSack > 0 && seqGEQ(g.ack, d.una) {
		l.sacked(s, g)
	}
	fresh := seqGT(g.ack, d.una)
	switch {
	case fresh:
		if l.acked(s, g) {
			s.WriteSpace()
		}
	case g.ack == d.una:
		l.ackedAgain(s, g)
	}
	if seqGEQ(g.ack, d.una) && s.noteWindow(g) || fresh {
		l.wantMore(s)
	}
	return perf.Delivered
}

// acked handles the acknowledgement of something new, and reports whether the writer is
// to be told of room. Who has called it, and has taken the window, calls wantMore.
func (l *Layer) acked(s *Sock, g *segment) bool {
	d := &s.snd
	n := int(g.ack - d.una)
	calm := s.loss.calm()
	flight := int(d.nxt - d.una)
	if !calm {
		flight = s.inFlight()
	}
	room := l.release(s, g.ack)
	d.una = g.ack
	if seqLT(d.nxt, d.una) {
		d.nxt = d.una
	}
	d.retries, d.force = 0, false
	d.since = l.now
	s.soft = 0
	l.measure(s, g)
	if !calm {
		l.progress(s, n, flight)
	} else {
		s.win.Used(flight)
		l.grow(s, n)
	}
	if d.una == d.max {
		s.rtx.stop() // RFC 6298 5.2
	} else {
		l.arm(s, &s.rtx, l.now+s.rto()) // RFC 6298 5.3
	}
	if n := s.Dst.Neigh; n != nil && !n.Assured(l.now) && l.cfg.Eth != nil {
		l.cfg.Eth.Confirm(n, l.now)
	}
	return room
}

// wantMore puts s on the list of those that send, if there is anything that an
// acknowledgement or a larger window may let out.
func (l *Layer) wantMore(s *Sock) {
	if d := &s.snd; d.nxt != s.endSeq() || d.fin || s.loss.phase != open {
		l.want(s)
	}
}

// release frees what lies before ack in TX, and reports whether the writer is to be told.
func (l *Layer) release(s *Sock, ack uint32) bool {
	d := &s.snd
	k := uint64(ack - d.tailSeq)
	if int32(ack-d.tailSeq) <= 0 {
		return false
	}
	queued := s.TX.Head() - d.tail
	k = min(k, queued) // the rest is our FIN
	if k == 0 {
		return false
	}
	d.tail += k
	d.tailSeq += uint32(k)
	s.TX.Release(d.tail)
	if 2*int(queued) > int(s.Opt.SndBuf) && (2*s.win.Cwnd > int(s.Opt.SndBuf) || s.Opt.Rare != nil) {
		s.growSend(int(queued))
	}
	left, limit := int(queued-k), int(s.Opt.SndBuf)
	return left == 0 || left <= limit-limit/3
}

// shortPath: on a shorter one who waits waits for his own segments.
const shortPath = perf.Millisecond

// growSend: the application keeps the send buffer full, queued bytes of it, and the
// network takes more than it holds. As Linux, a buffer is to hold two congestion
// windows; but of a window only what the path carries without queues. On a short path
// the rest is only our own waiting, and memory that no cache holds makes it longer:
// there one and a half times what is on its way will do, for the writer is woken when a
// third is free.
func (s *Sock) growSend(queued int) {
	if r := s.Opt.Rare; r != nil && r.NotSent != 0 {
		s.boundUnsent(r)
		return
	}
	if s.Opt.SndBufSet || s.Opt.SndBuf >= sock.MaxAutoSndBuf {
		return
	}
	use := 2 * float64(s.win.Cwnd)
	if s.rtt.SRTT < shortPath {
		use = 1.5 * float64(min(s.win.Cwnd, queued))
	}
	if use*float64(s.rtt.Min) <= float64(s.Opt.SndBuf)*float64(max(s.rtt.SRTT, 1)) {
		return
	}
	s.Opt.SndBuf = min(2*s.Opt.SndBuf, sock.MaxAutoSndBuf)
	s.SndWant.Store(s.Opt.SndBuf)
}

// measure takes a round-trip time, if there is one to take. A segment that was
// sent once is timed exactly; while retransmissions make that impossible
// (Karn), timestamps do it to the millisecond. RFC 6298 3, RFC 7323 4.1.
func (l *Layer) measure(s *Sock, g *segment) {
	d := &s.snd
	switch {
	case d.rttOn && seqGEQ(g.ack, s.rtt.until):
		d.rttOn = false
		s.rtt.Sample(l.now - d.rttAt)
	case d.rttOn || !s.rcv.tsOK || g.opts.TSEcr == 0:
	case s.loss.phase != open || s.rtt.Backoffs() > 0 || s.rtt.SRTT == 0:
		if ms := s.ts(l.now) - g.opts.TSEcr; int32(ms) >= 0 && ms < 1<<20 {
			s.rtt.Sample(perf.Tick(ms) * perf.Millisecond)
		}
	}
}

// ackedAgain handles an acknowledgement of nothing new: a duplicate, if it is
// one by RFC 5681 2 or, with SACK, by RFC 6675 2.
func (l *Layer) ackedAgain(s *Sock, g *segment) {
	d := &s.snd
	if !s.orphan && (d.wnd == 0 || uint32(g.wnd)<<d.scale == 0) {
		d.retries = 0 // RFC 9293 3.8.6.1: the peer is there, only full. Nobody waits for an orphan
	}
	if d.una == d.max || g.n > 0 || g.flags&FIN != 0 || uint32(g.wnd)<<d.scale != d.wnd {
		return
	}
	if s.rcv.sackOK { // l.sacked has seen it, if it says anything
		return
	}
	l.cfg.Stat.Event(perf.EvTCPDuplicateAck)
	l.duplicateAck(s)
}

// sacked takes the SACK blocks of an acknowledgement.
func (l *Layer) sacked(s *Sock, g *segment) {
	d := &s.snd
	n, _ := s.sacks().Update(g.ack, d.max, g.opts.Sack[:g.opts.NSack])
	if n == 0 {
		return // nothing, or a duplicate, which is no sign of loss (RFC 2883 4)
	}
	if g.ack == d.una {
		l.cfg.Stat.Event(perf.EvTCPDuplicateAck)
		l.duplicateAck(s)
	}
}
