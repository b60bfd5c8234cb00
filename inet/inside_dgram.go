package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
	"dataplane/udp"
)

// Receive is Enter for a datagram socket, a raw one or one of frames: r gets what comes,
// the callbacks hear of errors. EOPNOTSUPP: the protocol of the socket gives nothing to
// code inside the plane.
func (c *Inside) Receive(r sock.Receiver) error {
	p, ok := c.SK.Proto.(sock.ReceiverProto)
	if !ok {
		return syscall.EOPNOTSUPP
	}
	c.SK.CB = c.cb
	c.udp, _ = p.(*udp.Layer)
	p.Receive(c.SK, r)
	return nil
}

// answer sends b to the peer of a connected datagram socket. Errors as of SendDatagram.
func (c *Inside) answer(b []byte) error {
	if c.udp == nil {
		return c.SendDatagram(new(sock.Datagram), b)
	}
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if len(b) > maxDatagram {
		return syscall.EMSGSIZE
	}
	if errno := c.udp.SendPeer(c.SK, b, c.SK.Core().Now); errno != 0 {
		return errno
	}
	return nil
}

// Reply answers d, which has come: b to where d is from, from where it was sent to. out
// is room for what SendDatagram is told. Errors as of that.
func (c *Inside) Reply(d, out *sock.Datagram, b []byte) error {
	if c.udp != nil && !c.S.Closed() {
		if done, errno := c.udp.Answer(d, b); done {
			if errno != 0 {
				return errno
			}
			return nil
		}
	}
	return c.reply(d, out, b)
}

// reply is Reply of a flow that was not answered before.
func (c *Inside) reply(d, out *sock.Datagram, b []byte) error {
	if c.S.State() == sock.Connected {
		return c.answer(b)
	}
	if c.udp == nil || d.Peer.Port == 0 || d.Peer.Zone|d.Local.Zone != 0 || len(b) > maxDatagram || !ordinary(c.S, &d.Peer) {
		out.Peer, out.Local = d.Peer, d.Local
		return c.SendDatagram(out, b)
	}
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if errno := c.udp.SendBack(c.SK, d, b, c.SK.Core().Now); errno != 0 {
		return errno
	}
	return nil
}

// SendDatagram sends b to d.Peer, from d.Local if it is given; the zero Peer is the
// peer of a connected socket. It leaves in this turn. EAGAIN: too many frames wait for
// the port.
func (c *Inside) SendDatagram(d *sock.Datagram, b []byte) error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	switch {
	case d.Peer.IsWildcard() && d.Peer.Port == 0:
		if c.S.State() != sock.Connected {
			return syscall.EDESTADDRREQ
		}
		_, d.Peer = c.S.Names()
		d.Peer = sock.Name{Addr: ip.FromName(d.Peer.Addr, d.Peer.Zone), Port: d.Peer.Port}
	case d.Peer.Port == 0 && c.udp != nil:
		return syscall.EINVAL
	case !ordinary(c.S, &d.Peer):
		if errno := innerPeer(c.S, &d.Peer); errno != 0 {
			return errno
		}
	}
	if d.Local.Zone != 0 {
		d.Local.Addr, d.Local.Zone = ip.FromName(d.Local.Addr, d.Local.Zone), 0
	}
	if d.Len = len(b); d.Len > maxDatagram && (ip.Addr(d.Peer.Addr).Is4() || d.Len > maxDatagram6) {
		return syscall.EMSGSIZE
	}
	if c.udp == nil {
		return c.SendFrame(d, b)
	}
	if errno := c.udp.SendNow(c.SK, d, b, c.SK.Core().Now); errno != 0 {
		return errno
	}
	return nil
}

// SendFrame sends b as it is: d.Peer says where, in the form of the socket's family.
// EAGAIN: too much waits already.
func (c *Inside) SendFrame(d *sock.Datagram, b []byte) error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if errno := c.SK.Queue(d, b); errno != 0 {
		return errno
	}
	return nil
}
