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
}

var (
	_ net.Conn       = (*UDPConn)(nil)
	_ net.PacketConn = (*UDPConn)(nil)
)

func newUDPConn(n *Net, s *sock.Socket, network string, local sock.Name, remote *sock.Name) *UDPConn {
	c := &UDPConn{conn: conn{n: n, s: s, kind: kindOf(network)}, network: network, local: udpAddr(local)}
	if remote != nil {
		c.remote = udpAddr(*remote)
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
	m := sock.Msg{Buf: b}
	n, err := c.s.RecvMsg(&m)
	if err != nil {
		return n, netip.AddrPort{}, c.fail("read", "recvfrom", err)
	}
	return n, m.Name.AddrPort(), nil
}

// ReadMsgUDP is ReadFromUDP that also returns flags (MSG_TRUNC: the datagram
// was longer than b). There is no control data yet: oobn is 0.
func (c *UDPConn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, oobn, flags, ap, err := c.ReadMsgUDPAddrPort(b, oob)
	if err == nil {
		addr = net.UDPAddrFromAddrPort(ap)
	}
	return n, oobn, flags, addr, err
}

// ReadMsgUDPAddrPort is ReadMsgUDP without allocation.
func (c *UDPConn) ReadMsgUDPAddrPort(b, _ []byte) (n, oobn, flags int, addr netip.AddrPort, err error) {
	m := sock.Msg{Buf: b}
	n, err = c.s.RecvMsg(&m)
	if err != nil {
		return n, 0, 0, netip.AddrPort{}, c.fail("read", "recvmsg", err)
	}
	return n, 0, m.Flags, m.Name.AddrPort(), nil
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
	n, err := c.sendTo(b, portOf(addr), "sendto")
	if err != nil {
		return n, c.failTo(addr, err)
	}
	return n, nil
}

// WriteToUDPAddrPort is WriteTo without allocation.
func (c *UDPConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	n, err := c.sendTo(b, addr, "sendto")
	if err != nil {
		return n, c.failTo(net.UDPAddrFromAddrPort(addr), err)
	}
	return n, nil
}

// WriteMsgUDP sends b to addr, or to the peer of a dialled socket when addr is
// nil. Control data is not supported: EINVAL if oob is not empty.
func (c *UDPConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if n, err = c.sendMsg(b, oob, portOf(addr)); err != nil {
		return n, 0, c.failTo(addr, err)
	}
	return n, 0, nil
}

// WriteMsgUDPAddrPort is WriteMsgUDP without allocation; the zero AddrPort is
// the peer of a dialled socket.
func (c *UDPConn) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	if n, err = c.sendMsg(b, oob, addr); err != nil {
		return n, 0, c.failTo(net.UDPAddrFromAddrPort(addr), err)
	}
	return n, 0, nil
}

// sendMsg sends to the peer of a dialled socket, or to addr from any other.
func (c *UDPConn) sendMsg(b, oob []byte, addr netip.AddrPort) (int, error) {
	if len(oob) > 0 {
		return 0, sysError("sendmsg", syscall.EINVAL)
	}
	if c.remote != nil && !addr.IsValid() {
		n, err := c.s.Send(b, 0)
		return n, sysError("sendmsg", err)
	}
	return c.sendTo(b, addr, "sendmsg")
}

// sendTo sends to addr from a socket without a peer.
func (c *UDPConn) sendTo(b []byte, addr netip.AddrPort, call string) (int, error) {
	if c.remote != nil {
		return 0, net.ErrWriteToConnected
	}
	if !addr.IsValid() {
		return 0, errMissingAddress
	}
	a := addr.Addr().Unmap()
	if !a.Is4() {
		return 0, &net.AddrError{Err: "non-IPv4 address", Addr: addr.Addr().String()}
	}
	n, err := c.s.SendTo(b, 0, sock.NameFrom(netip.AddrPortFrom(a, addr.Port())))
	return n, sysError(call, err)
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
