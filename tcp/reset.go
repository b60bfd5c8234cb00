package tcp

import (
	"dataplane/perf"
)

// resetRate bounds the resets of one core to segments for nobody, per second;
// a little of it is random, so that nobody can count with it.
const resetRate = 1000

// refuse answers a segment that belongs to no connection. RFC 9293 3.10.7.1:
// the reset's sequence number is the one the peer waits for.
func (l *Layer) refuse(_ *Sock, g *segment) perf.Verdict {
	if g.flags&RST != 0 {
		return perf.DropTCPNoPort
	}
	if l.resets.n == 0 || l.resetCap == 0 {
		l.resetCap = resetRate + uint16(l.rng.IntN(64))
	}
	if !l.resets.ok(l.now, l.resetCap) {
		l.cfg.Stat.Event(perf.EvICMPErrorLimited)
		return perf.DropTCPNoPort
	}
	b := bare{flags: RST, seq: g.ack}
	if g.flags&ACK == 0 {
		b = bare{flags: RST | ACK, ack: g.end}
	}
	l.cfg.Stat.Event(perf.EvTCPResetSent)
	l.send(l.endpoint(&g.key, nil), b)
	return perf.DropTCPNoPort
}

// sendReset resets the connection s at the peer.
func (l *Layer) sendReset(s *Sock) {
	l.cfg.Stat.Event(perf.EvTCPResetSent)
	seq := s.snd.max
	if edge := s.snd.una + s.snd.wnd; seqLT(edge, seq) {
		seq = edge
	}
	l.send(&s.Endpoint, bare{flags: RST | ACK, seq: seq, ack: s.rcv.nxt})
}
