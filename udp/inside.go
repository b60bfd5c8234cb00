package udp

import (
	"syscall"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// Receiver is code inside the plane that takes datagrams out of the very packet, on
// the lcore, in the middle of the turn.
type Receiver interface {
	// Datagram borrows d and b, the payload.
	Datagram(sk *sock.Sock, d *sock.Datagram, b []byte)
}

// Receive gives all datagrams of sk to r from now on, first those that wait in the
// receive ring.
func (l *Layer) Receive(sk *sock.Sock, r Receiver) {
	s := of(sk)
	s.to = r
	s.mark()
	var d sock.Datagram
	for {
		x, y, ok := sock.NextDatagram(&s.RX, &d)
		if !ok {
			return
		}
		if len(y) > 0 {
			x = append(l.linear[:0], x...)
			x = append(x, y...)
			l.linear = x
		}
		r.Datagram(sk, &d, x)
		sock.DoneDatagram(&s.RX, &d)
	}
}

// hand gives the n bytes of m from off on to code inside the plane. Borrows m.
func (l *Layer) hand(s *Sock, m *mbuf.Mbuf, off int, d *sock.Datagram) {
	b := m.Bytes()
	if off+d.Len <= len(b) {
		b = b[off : off+d.Len]
	} else {
		l.linear = append(l.linear[:0], make([]byte, d.Len)...)
		b = l.linear
		m.CopyTo(off, b)
	}
	l.stat.Event(perf.EvUDPReceived)
	s.to.Datagram(&s.Sock, d, b)
}

// SendPeer sends b to the peer of a connected socket of code inside the plane. Errors as
// of SendNow.
func (l *Layer) SendPeer(sk *sock.Sock, b []byte, now perf.Tick) syscall.Errno {
	s := of(sk)
	if s.where != inFlows {
		return syscall.EDESTADDRREQ
	}
	s.Endpoint.Broadcast = s.Opt.Broadcast
	if errno := l.ip.Resolve(&s.Endpoint); errno != 0 {
		l.stat.Lose(perf.LostNoRoute)
		return errno
	}
	if s.Dst.Iface.Tx.Pending() >= congested {
		return syscall.EAGAIN
	}
	return l.send(s, &s.Endpoint, s.RemotePort, [2][]byte{b}, now)
}

// SendNow sends one datagram of code inside the plane: b to d.Peer, whose length is in
// d. Errors as of a request; EAGAIN: too many frames wait for the port.
func (l *Layer) SendNow(sk *sock.Sock, d *sock.Datagram, b []byte, now perf.Tick) syscall.Errno {
	s := of(sk)
	l.wished.Put(d)
	ep, errno := l.endpoint(s, &l.wished)
	if errno != 0 {
		l.stat.Lose(perf.LostNoRoute)
		return errno
	}
	if ep.Dst.Iface.Tx.Pending() >= congested {
		return syscall.EAGAIN
	}
	return l.send(s, ep, d.Peer.Port, [2][]byte{b}, now)
}
