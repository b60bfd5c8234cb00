package tcp

import (
	"encoding/binary"

	"dataplane/sock"
)

// Urgent data, RFC 9293 3.8.5, as RFC 6093 found all others to do it, Linux too: the
// pointer is of the byte behind the urgent one, which is one byte.

// Urge sends b, of which there is room for in TX, and says that its last byte is urgent.
// The application waits meanwhile.
func (l *Layer) Urge(sk *sock.Sock, b []byte) {
	s := sk.Owner.(*Sock)
	sk.TX.Write(b)
	sk.Urge().Up = s.endSeq()
	s.opt.cork = s.opt.cork&^corkMore | corkUrgent
	if s.state.sends() {
		l.want(s)
	}
}

// point lets the segment h, which begins at seq, say what is urgent, as long as that is
// not acknowledged.
func (s *Sock) point(h []byte, seq uint32) {
	up := s.Opt.Rare.Urgent.Up
	if seqLEQ(up, s.snd.una) {
		s.opt.cork &^= corkUrgent
		return
	}
	if seqGT(up, seq) {
		h[13] |= URG
		binary.BigEndian.PutUint16(h[18:], uint16(min(up-seq, 0xffff)))
	}
}

// InPlace reports whether what comes as urgent is data like any other.
func (s *Sock) InPlace() bool { return s.opt.pmtu&inPlace != 0 }

// urgent notes the urgent byte that an acceptable segment tells of, before its data are
// seen. One that has come already, or comes before another, is none.
func (s *Sock) urgent(g *segment) {
	h, ok := ParseHeader(g.m.Bytes())
	if !ok {
		return
	}
	at := g.seq + uint32(h.Urgent())
	if h.Urgent() > 0 {
		at--
	}
	if seqLT(at, s.rcv.nxt) {
		return
	}
	u, mark := s.Urge(), s.rcv.pos+uint64(at-s.rcv.nxt)+1
	if mark > u.Mark.Load() {
		u.Mark.Store(mark)
		s.Set(sock.FlagUrgent)
		s.TellWatchers()
	}
}
