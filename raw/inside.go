package raw

import (
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var _ sock.ReceiverProto = (*Layer)(nil)

// Receive gives all packets of sk to r from now on, without their IP headers; first those
// that wait in the receive ring.
func (l *Layer) Receive(sk *sock.Sock, r sock.Receiver) {
	s := of(sk)
	s.to = r
	if !s.Six && !s.Ping {
		r = headless{r}
	}
	l.flat = sk.Drain(r, l.flat)
}

// headless takes off the IPv4 header, which packets have in the ring of a raw socket.
type headless struct{ to sock.Receiver }

// Datagram passes on what follows the header.
func (h headless) Datagram(sk *sock.Sock, d *sock.Datagram, b []byte) {
	b = b[min(len(b), int(b[0]&15)*4):]
	d.Len = len(b)
	h.to.Datagram(sk, d, b)
}

// hand gives the packet to code inside the plane. Borrows m.
func (l *Layer) hand(s *Sock, m *mbuf.Mbuf, d *sock.Datagram) {
	l.d = *d
	l.stat.Event(perf.EvRawReceived)
	s.to.Datagram(&s.Sock, &l.d, m.Flat(0, d.Len, &l.flat))
}
