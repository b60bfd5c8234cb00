package tcp

import (
	"dataplane/perf"
)

// inOrder takes payload that begins at rcv.nxt and fits. It becomes visible at the
// end of the burst, or sooner.
func (l *Layer) inOrder(s *Sock, g *segment) {
	r := &s.rcv
	if !g.placed {
		g.copyTo(s, r.pos)
	}
	n := g.n
	r.nxt += uint32(n)
	r.pos += uint64(n)
	n = min(n, g.full)
	if l.fresh == s && r.ackNow && n <= int(r.mss) {
		return // what ackPolicy does it has done in this burst
	}
	l.ackPolicy(s, n)
	if l.fresh != s {
		l.EndBurst()
		l.fresh = s
	}
	if s.CB != nil { // code on the lcore, which may look at any time
		l.EndBurst()
	}
}

// EndBurst hands over to the application what has come in order since the last call:
// a burst of one flow costs one hand-over and one wake-up. Before anything but the
// next data of that flow it is called, too, so that a ring with data that nobody can
// see is seen by inOrder and place alone.
func (l *Layer) EndBurst() {
	if s := l.fresh; s != nil {
		l.endBurst(s)
	}
}

func (l *Layer) endBurst(s *Sock) {
	room := l.room
	l.fresh, l.room = nil, false
	s.RX.Publish(s.rcv.pos)
	if room {
		s.DataAndSpace()
	} else {
		s.DataReady()
	}
}

// text handles payload and FIN of an acceptable segment. RFC 9293 3.10.7.4,
// seventh and eighth.
func (l *Layer) text(s *Sock, g *segment) perf.Verdict {
	r := &s.rcv
	if !s.state.receives() { // nothing can follow the peer's FIN
		r.ackNow = true
		l.want(s)
		return perf.DropTCPState
	}
	if s.orphan && g.n > 0 && seqGT(g.seq+uint32(g.n), r.nxt) {
		l.abort(s, 0) // RFC 9293 3.6.1: data for a closed socket would be lost
		return perf.DropTCPClosed
	}
	if seqLT(g.seq, r.nxt) {
		if g.n > 0 {
			s.duplicate(g.seq, r.nxt)
		}
		g.trimFront(r.nxt - g.seq)
		r.ackNow = true // a part was sent again: the ACK was lost
		l.want(s)
	}
	if g.seq != r.nxt {
		return l.outOfOrder(s, g)
	}
	if g.n > 0 {
		if r.ooo.Empty() {
			l.inOrder(s, g)
			l.EndBurst() // before a FIN
		} else {
			l.fillHole(s, g)
		}
	}
	if g.flags&FIN != 0 || r.finSeen && r.finSeq == r.nxt {
		l.finArrived(s)
	}
	return perf.Delivered
}

// fillHole takes payload at rcv.nxt while later data has already come.
// RFC 5681 4.2: the ACK leaves at once.
func (l *Layer) fillHole(s *Sock, g *segment) {
	r := &s.rcv
	g.copyTo(s, r.pos)
	end := r.nxt + uint32(g.n)
	nxt := r.ooo.Next(end)
	if nxt == end { // the hole is smaller, but still there
		r.ackNow = true
	}
	r.pos += uint64(nxt - r.nxt)
	r.nxt = nxt
	s.RX.Publish(r.pos)
	r.ackNow = true
	l.ackPolicy(s, min(g.n, g.full))
	s.DataReady()
}

// outOfOrder keeps what comes after a hole. RFC 5681 4.2: a duplicate ACK at
// once, one for each such segment: if this turn owes one already, it leaves now.
func (l *Layer) outOfOrder(s *Sock, g *segment) perf.Verdict {
	r := &s.rcv
	l.cfg.Stat.Event(perf.EvTCPOutOfOrder)
	owed := 0
	if r.dup && r.ackNow {
		owed++
	}
	if !r.sackOK { // without blocks the peer can only count
		owed += min(g.merged()-1, trainMax)
	}
	if owed > 0 && l.ip.Resolve(&s.Endpoint) == 0 {
		for range owed {
			l.sendAck(s)
		}
	}
	v := perf.Delivered
	if g.n > 0 {
		if s.holes().Insert(g.seq, g.seq+uint32(g.n)).Full {
			v = perf.DropTCPMemory
		} else {
			g.copyTo(s, r.pos+uint64(g.seq-r.nxt))
		}
	}
	if g.flags&FIN != 0 && v == perf.Delivered {
		r.finSeen, r.finSeq = true, g.end-1
	}
	r.ackNow, r.dup = true, true
	l.want(s)
	return v
}

// holes returns the intervals beyond a hole, which take memory with the first.
func (s *Sock) holes() *ranges {
	if s.rcv.ooo == nil {
		s.rcv.ooo = new(ranges)
	}
	return s.rcv.ooo
}

// duplicate has the next ACK report bytes that came again. RFC 2883 4.
func (s *Sock) duplicate(start, end uint32) {
	if s.rcv.sackOK {
		s.holes().Duplicate(Block{start, seqMin(end, s.rcv.nxt)})
	}
}

// finArrived: the peer's FIN is next. RFC 9293 3.10.7.4, eighth.
func (l *Layer) finArrived(s *Sock) {
	r := &s.rcv
	r.nxt++
	if r.ooo != nil {
		r.ooo.Clear()
	}
	r.finSeen = false
	if s.state == Established { // the application most often closes, too, and our FIN acknowledges this one
		s.state = CloseWait
		if !r.ackNow && !s.dack.on() { // RFC 9293 3.8.6.3: within 500 ms
			l.arm(s, &s.dack, l.now+l.cfg.DelayedAck)
		}
		l.endOfStream(s)
		return
	}
	r.ackNow = true
	if s.state == FinWait2 {
		l.endOfStream(s)
		l.timeWait(s)
		return
	}
	l.want(s)
	if s.state == FinWait1 { // our FIN is not acknowledged, or finWasAcked had seen it
		s.state = Closing
	}
	l.endOfStream(s)
}
