package packet

import (
	"dataplane/perf"
	"dataplane/sock"
)

var _ sock.ReceiverProto = (*Layer)(nil)

// Receive gives all frames of sk to r from now on, first those that wait in the receive
// ring. Their Datagrams are those of the ring.
func (l *Layer) Receive(sk *sock.Sock, r sock.Receiver) {
	of(sk).to = r
	l.flat = sk.Drain(r, l.flat)
}

// hand gives the frame, from off on, to code inside the plane.
func (l *Layer) hand(s *Sock, f *frame, d *sock.Datagram, off int) {
	s.seen++
	l.stat.Event(perf.EvPacketReceived)
	l.d = *d
	s.to.Datagram(&s.Sock, &l.d, f.m.Flat(off, d.Len, &l.flat))
}
