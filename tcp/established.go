package tcp

import (
	"dataplane/perf"
)

// segment handles a segment of a connection. Nearly all take the fast path:
// the next data in order, or an acknowledgement, and nothing else.
func (l *Layer) segment(s *Sock, g *segment) perf.Verdict {
	slow := s.state != Established ||
		g.flags&(SYN|FIN|RST|URG|ACK) != ACK || // nothing special
		g.seq != s.rcv.nxt || // next in order
		g.n > s.room() || // it fits
		!s.rcv.ooo.Empty() || // no holes
		g.ack-s.snd.una > s.snd.max-s.snd.una || // acknowledges what was sent
		s.loss.phase != open || // nothing was lost
		g.opts.NSack != 0 ||
		g.opts.TS != s.rcv.tsOK ||
		s.rcv.tsOK && seqLT(g.opts.TSVal, s.rcv.tsRecent) ||
		g.n == 0 && g.ack == s.snd.una // a duplicate, or news of the window
	if g.unsummed && !(slow && g.verify() || !slow && g.place(s)) {
		return perf.DropTCPChecksum
	}
	if slow {
		l.cfg.Stat.Event(perf.EvTCPSlowPath)
		return l.step(s.state, s, g)
	}
	l.cfg.Stat.Event(perf.EvTCPFastPath)
	s.rcv.last = l.now
	s.noteTS(g, l.now)
	fresh := g.ack != s.snd.una
	room := fresh && l.acked(s, g)
	if room && (g.n == 0 || s.CB != nil) {
		s.WriteSpace()
		room = false
	}
	if s.noteWindow(g) || fresh {
		l.wantMore(s)
	}
	if g.n > 0 {
		l.inOrder(s, g)
		l.room = l.room || room // with the data
	}
	return perf.Delivered
}

// room is how many bytes of sequence space are left in the window we promised.
// A promise is in units of 1<<scale and rounded up; RX has the slack for it.
func (s *Sock) room() int {
	return int(int32(s.rcv.edge-s.rcv.nxt)) + s.slack()
}

func (s *Sock) slack() int { return 1<<(s.rcv.scale&15) - 1 } // the mask is for the compiler

// noteTS is RFC 7323 4.3: TS.Recent is the timestamp of the latest segment
// that is not after our last acknowledgement.
func (s *Sock) noteTS(g *segment, now perf.Tick) {
	r := &s.rcv
	if !r.tsOK || !g.opts.TS || seqGT(g.seq, r.lastAck) {
		return
	}
	if seqGEQ(g.opts.TSVal, r.tsRecent) || now-r.tsRecentAt >= pawsIdle {
		r.tsRecent, r.tsRecentAt = g.opts.TSVal, now
	}
}

// noteWindow is RFC 9293 3.10.7.4, ESTABLISHED: the window comes from the
// newest segment only. What acknowledges more than the latest one did is newer
// than it, even if it repeats old data (as Linux has it): its window counts from
// its acknowledgement, and the old window would reach too far from there. True:
// it is another than before.
func (s *Sock) noteWindow(g *segment) bool {
	d := &s.snd
	if seqLEQ(g.ack, d.wl2) && (seqGT(d.wl1, g.seq) || d.wl1 == g.seq && seqGT(d.wl2, g.ack)) {
		return false
	}
	old := d.wnd
	d.wnd = uint32(g.wnd) << d.scale
	d.wl1, d.wl2 = g.seq, g.ack
	d.maxWnd = max(d.maxWnd, d.wnd)
	if d.wnd != 0 {
		d.probes = 0
	}
	return d.wnd != old
}
