package tcp

// The segments by which nearly all connections begin and end hold no data and are exactly
// what is expected: next in order, and with all that was sent acknowledged. What they mean
// is done here without asking for all else that a segment may bring.

// expected reports whether g, which acknowledges something, is such a segment for s. What
// the application has written since does not count.
func (s *Sock) expected(g *segment) bool {
	d, r := &s.snd, &s.rcv
	return g.n == 0 && g.seq == r.nxt && g.ack == d.max && d.nxt == d.max &&
		g.flags&(SYN|RST|URG|ACK) == ACK &&
		g.opts.TS == r.tsOK && (!r.tsOK || seqGEQ(g.opts.TSVal, r.tsRecent)) && g.opts.NSack == 0 &&
		s.room() > 0 && r.ooo.Empty() && !r.finSeen && s.loss.phase == open && s.loss.board.Empty()
}

// greeting ends the handshake of a listener's connection: g, which is expected,
// acknowledges our SYN.
func (l *Layer) greeting(s *Sock, g *segment) {
	s.noteTS(g, l.now)
	l.measure(s, g)
	s.noteWindow(g)
	l.allHere(s)
	l.established(s)
}

// allHere notes that the peer has all that was sent, and that was no data.
func (l *Layer) allHere(s *Sock) {
	d := &s.snd
	d.una = d.max
	d.retries, d.force = 0, false
	d.since = l.now
	s.soft = 0
	s.rtx.stop()
	if l.cfg.Eth != nil && s.Dst.Neigh != nil {
		l.cfg.Eth.Confirm(s.Dst.Neigh, l.now)
	}
}

// farewell takes the FIN of a peer to whom nothing is on its way, and what acknowledges our
// own, if that is all that was. False: it is another segment, and nothing was done.
func (l *Layer) farewell(s *Sock, g *segment) bool {
	if !s.expected(g) || s.TX.Head() != s.snd.tail {
		return false
	}
	fin := g.flags&FIN != 0
	switch {
	case s.state == Established && fin && g.ack == s.snd.una:
		s.rcv.last = l.now
		s.noteTS(g, l.now)
		if s.noteWindow(g) {
			l.wantMore(s)
		}
		l.finArrived(s)
		return true
	case s.state != FinWait1 && s.state != LastAck || !s.finSent():
		return false
	}
	s.rcv.last = l.now
	s.noteTS(g, l.now)
	l.allHere(s)
	if !l.finWasAcked(s) && fin { // in FIN-WAIT-2 by now
		l.finArrived(s)
	}
	return true
}
