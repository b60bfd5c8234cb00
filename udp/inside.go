package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var _ sock.ReceiverProto = (*Layer)(nil)

// Receive gives all datagrams of sk to r from now on, first those that wait in the
// receive ring.
func (l *Layer) Receive(sk *sock.Sock, r sock.Receiver) {
	s := of(sk)
	s.to = r
	s.mark()
	l.forget() // its flows have no call
	l.linear = sk.Drain(r, l.linear)
}

// hand gives the payload, which begins at off in m, to code inside the plane. Borrows m.
func (l *Layer) hand(s *Sock, m *mbuf.Mbuf, off int, d *sock.Datagram) {
	b := m.Flat(off, d.Len, &l.linear)
	l.stat.Event(perf.EvUDPReceived)
	s.to.Datagram(&s.Sock, d, b)
}

// handFlow is the short way to code inside the plane, of a datagram in one buffer: data
// has come for the flow c of s. Borrows data.
func (l *Layer) handFlow(s *Sock, c *call, data []byte, p *ip.Packet) {
	d := &c.d
	d.Iface, d.TTL, d.TOS, d.Time, d.Len = p.Iface.Index, p.TTL, p.TOS, p.Now, len(data)
	l.stat.Event(perf.EvUDPReceived)
	l.at = c
	s.to.Datagram(&s.Sock, d, data)
	l.at = nil
}

// Answer is SendBack for a datagram of a flow that was answered before, while nothing has
// changed: by the same way. False: it did nothing.
func (l *Layer) Answer(d *sock.Datagram, b []byte) (done bool, errno syscall.Errno) {
	c := l.at
	if c == nil || d != &c.d || !c.way {
		return false, 0
	}
	e := &c.back
	if !l.ip.Holds(e) || HdrLen+len(b) > e.Dst.MTU-int(e.Dst.Hdr) || e.Dst.Iface.Tx.Pending() >= congested {
		return false, 0
	}
	return true, l.sendWhole(e, d.Peer.Port, b, l.core.Now)
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
	return l.sendOne(s, &s.Endpoint, s.RemotePort, b, now)
}

// SendBack answers d, which has come for the unconnected sk: b to where d is from, from
// where it was sent to. Errors as of SendNow.
func (l *Layer) SendBack(sk *sock.Sock, d *sock.Datagram, b []byte, now perf.Tick) syscall.Errno {
	s := of(sk)
	w := l.wayTo(s, (*ip.Addr)(&d.Peer.Addr), (*ip.Addr)(&d.Local.Addr))
	e := &w.ep
	e.RemotePort = d.Peer.Port
	if errno := l.ip.Resolve(e); errno != 0 {
		*w = way{}
		l.stat.Lose(perf.LostNoRoute)
		return errno
	}
	w.iface = e.Dst.Iface
	if w.iface.Tx.Pending() >= congested {
		return syscall.EAGAIN
	}
	errno := l.sendOne(s, e, d.Peer.Port, b, now)
	if c := l.at; c != nil && d == &c.d && errno == 0 && !l.lite {
		c.back, c.way = *e, true
	}
	return errno
}

// SendOwn sends b to the peer of a connected socket for a task of the lcore, which runs
// between the steps of a turn. False: it has to wait in the send ring. What goes wrong
// is reported as for a datagram from there.
func (l *Layer) SendOwn(sk *sock.Sock, b []byte, now perf.Tick) bool {
	s := of(sk)
	if s.where != inFlows {
		return false
	}
	s.Endpoint.Broadcast = s.Opt.Broadcast
	if !l.ip.Holds(&s.Endpoint) && l.ip.Resolve(&s.Endpoint) != 0 || !s.Dst.Neigh.Fresh(now) || s.Dst.Iface.Tx.Pending() >= congested {
		return false
	}
	if errno := l.sendOne(s, &s.Endpoint, s.RemotePort, b, now); errno != 0 {
		l.sendFailed(s, &s.Endpoint, s.RemotePort, errno)
	}
	return true
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
	return l.sendOne(s, ep, d.Peer.Port, b, now)
}
