package api

import (
	"net"
	"net/netip"
	"syscall"

	"dataplane/sock"
)

// UDPConn is a UDP socket of a plane: a net.PacketConn, and a net.Conn where
// it was dialled, with what users of *net.UDPConn rely on. Any number of
// goroutines may use it. The AddrPort methods allocate nothing.
type UDPConn struct {
	conn
	network       string
	local, remote net.Addr // as those of the conn; remote is nil where there is no peer

	in  inBatch  // under the reader's lock
	out outBatch // under the writer's lock
}

var (
	_ net.Conn       = (*UDPConn)(nil)
	_ net.PacketConn = (*UDPConn)(nil)
)

func newUDPConn(n *Net, s *sock.Socket, network string, local sock.Name, remote *sock.Name) *UDPConn {
	c := &UDPConn{conn: conn{n: n, s: s, kind: kindOf(network)}, network: network, local: n.addrOf(s, &local)}
	if remote != nil {
		c.remote = n.addrOf(s, remote)
	}
	c.ends.Store(&ends{c.local, c.remote})
	return c
}

// ReadFrom reads one datagram; what does not fit in b is lost. The address is
// a *net.UDPAddr.
func (c *UDPConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, a, err := c.ReadFromUDP(b)
	if a == nil {
		return n, nil, err
	}
	return n, a, err
}

// ReadFromUDP is ReadFrom with the concrete type.
func (c *UDPConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, ap, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(ap), nil
}

// ReadFromUDPAddrPort is ReadFrom without allocation.
func (c *UDPConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.s.RecvFrom(b, 0)
	if err != nil {
		return n, netip.AddrPort{}, c.fail("read", "recvfrom", err)
	}
	return n, c.n.addrPort(&from), nil
}

// ReadMsgUDP is ReadFromUDP that also returns flags (MSG_TRUNC: the datagram was
// longer than b; MSG_CTRUNC: oob was too short) and, in the first oobn bytes of
// oob, the control messages that SetsockoptInt has asked for, in Linux's format.
func (c *UDPConn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, ap, err := c.ReadMsgUDPAddrPort(b, oob)
	if err == nil {
		addr = net.UDPAddrFromAddrPort(ap)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is ReadMsgUDP without allocation.
func (c *UDPConn) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, addr netip.AddrPort, err error) {
	m := sock.Msg{Buf: b, Control: oob}
	n, err = c.s.RecvMsg(&m)
	if err != nil {
		return n, 0, 0, netip.AddrPort{}, c.fail("read", "recvmsg", err)
	}
	return n, m.NControl, m.Flags, c.n.addrPort(&m.Name), nil
}

// WriteTo sends b as one datagram to addr, a *net.UDPAddr.
func (c *UDPConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	a, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, opError("write", c.network, c.local, addr, "", syscall.EINVAL)
	}
	return c.WriteToUDP(b, a)
}

// WriteToUDP is WriteTo with the concrete type.
func (c *UDPConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) {
	n, err := c.sendTo(b, portOf(addr))
	if err != nil {
		return n, c.failTo(addr, err)
	}
	return n, nil
}

// WriteToUDPAddrPort is WriteTo without allocation.
func (c *UDPConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	n, err := c.sendTo(b, addr)
	if err != nil {
		return n, c.failTo(net.UDPAddrFromAddrPort(addr), err)
	}
	return n, nil
}

// WriteMsgUDP sends b to addr, or to the peer of a dialled socket when addr is
// nil. oob may have control messages in Linux's format: IP_PKTINFO (the source),
// IP_TOS, IP_TTL, UDP_SEGMENT. EINVAL: others.
func (c *UDPConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if n, err = c.sendMsg(b, oob, portOf(addr)); err != nil {
		return n, 0, c.failTo(addr, err)
	}
	return n, len(oob), nil
}

// WriteMsgUDPAddrPort is WriteMsgUDP without allocation; the zero AddrPort is
// the peer of a dialled socket.
func (c *UDPConn) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	if n, err = c.sendMsg(b, oob, addr); err != nil {
		return n, 0, c.failTo(net.UDPAddrFromAddrPort(addr), err)
	}
	return n, len(oob), nil
}

// sendMsg sends to the peer of a dialled socket, or to addr from any other.
func (c *UDPConn) sendMsg(b, oob []byte, addr netip.AddrPort) (int, error) {
	m := sock.Msg{Buf: b, Control: oob}
	if c.remote == nil || addr.IsValid() {
		if err := c.mayGoTo(addr); err != nil {
			return 0, err
		}
		if m.Named = true; addr.Addr().Zone() != "" {
			m.Name = c.n.nameOf(addr)
		} else {
			hi, lo := halves(addr.Addr())
			m.Name.SetIP(hi, lo, addr.Port())
		}
	}
	n, err := c.s.SendMsg(&m)
	return n, sysError("sendmsg", err)
}

// sendTo sends to addr from a socket without a peer.
func (c *UDPConn) sendTo(b []byte, addr netip.AddrPort) (int, error) {
	if err := c.mayGoTo(addr); err != nil {
		return 0, err
	}
	if a := addr.Addr(); !a.Is4() && a.Zone() != "" {
		n, err := c.s.SendTo(b, 0, c.n.nameOf(addr))
		return n, sysError("sendto", err)
	}
	hi, lo := halves(addr.Addr())
	n, err := c.s.SendToIP(b, 0, hi, lo, addr.Port())
	if err != nil {
		return n, sysError("sendto", err)
	}
	return n, nil
}

// mayGoTo checks an address that is given to a call, as package net does.
func (c *UDPConn) mayGoTo(addr netip.AddrPort) error {
	a := addr.Addr()
	switch {
	case c.remote != nil:
		return net.ErrWriteToConnected
	case a.Is4(), a.Is4In6():
		return nil
	case !addr.IsValid():
		return errMissingAddress
	case c.s.Family == familyInet6:
		return nil
	}
	return foreign(a)
}

// foreign is the error for an address of another family.
func foreign(a netip.Addr) error {
	return &net.AddrError{Err: "non-IPv4 address", Addr: a.String()}
}

func (c *UDPConn) failTo(addr *net.UDPAddr, err error) error {
	e := &net.OpError{Op: "write", Net: c.network, Source: c.local, Err: err}
	if addr != nil { // a nil *net.UDPAddr is no address
		e.Addr = addr
	}
	return e
}

// portOf is addr as an AddrPort. Without an IP it is this host, as for package
// net; nil is the invalid one.
func portOf(addr *net.UDPAddr) netip.AddrPort {
	switch {
	case addr == nil:
		return netip.AddrPort{}
	case len(addr.IP) == 0:
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(addr.Port))
	}
	return addr.AddrPort()
}

// SetBroadcast allows sending to broadcast addresses (the default) or not.
func (c *UDPConn) SetBroadcast(on bool) error {
	return c.set(syscall.SOL_SOCKET, syscall.SO_BROADCAST, b2i(on))
}
