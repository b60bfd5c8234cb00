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
type UDPConn struct{ conn }

var (
	_ net.Conn       = (*UDPConn)(nil)
	_ net.PacketConn = (*UDPConn)(nil)
)

func newUDPConn(n *Net, s *sock.Socket, network string, local sock.Name, remote *sock.Name) *UDPConn {
	c := &UDPConn{conn{n: n, s: s, network: network, local: udpAddr(local)}}
	if remote != nil {
		c.remote = udpAddr(*remote)
	}
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
		return n, netip.AddrPort{}, c.fail("read", err)
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
		return n, 0, 0, netip.AddrPort{}, c.fail("read", err)
	}
	return n, 0, m.Flags, m.Name.AddrPort(), nil
}

// WriteTo sends b as one datagram to addr, a *net.UDPAddr.
func (c *UDPConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	a, ok := addr.(*net.UDPAddr)
	if !ok || a == nil {
		return 0, opError("write", c.network, c.local, addr, syscall.EINVAL)
	}
	return c.WriteToUDPAddrPort(b, a.AddrPort())
}

// WriteToUDP is WriteTo with the concrete type.
func (c *UDPConn) WriteToUDP(b []byte, addr *net.UDPAddr) (int, error) { return c.WriteTo(b, addr) }

// WriteToUDPAddrPort is WriteTo without allocation.
func (c *UDPConn) WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	if c.remote != nil {
		return 0, opError("write", c.network, c.local, net.UDPAddrFromAddrPort(addr), net.ErrWriteToConnected)
	}
	a := addr.Addr().Unmap()
	if a.IsValid() && !a.Is4() {
		return 0, opError("write", c.network, c.local, net.UDPAddrFromAddrPort(addr), syscall.EAFNOSUPPORT)
	}
	n, err := c.s.SendTo(b, 0, sock.NameFrom(netip.AddrPortFrom(a, addr.Port())))
	if err != nil {
		return n, opError("write", c.network, c.local, net.UDPAddrFromAddrPort(addr), err)
	}
	return n, nil
}

// WriteMsgUDP sends b to addr, or to the peer of a dialled socket when addr is
// nil. Control data is not supported: EINVAL if oob is not empty.
func (c *UDPConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	var ap netip.AddrPort
	if addr != nil {
		ap = addr.AddrPort()
	}
	return c.WriteMsgUDPAddrPort(b, oob, ap)
}

// WriteMsgUDPAddrPort is WriteMsgUDP without allocation; the zero AddrPort is
// the peer of a dialled socket.
func (c *UDPConn) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error) {
	if len(oob) > 0 {
		return 0, 0, c.fail("write", syscall.EINVAL)
	}
	if addr.IsValid() {
		n, err = c.WriteToUDPAddrPort(b, addr)
		return n, 0, err
	}
	n, err = c.Write(b)
	return n, 0, err
}

// SetBroadcast allows sending to broadcast addresses.
func (c *UDPConn) SetBroadcast(on bool) error {
	return c.set(syscall.SOL_SOCKET, syscall.SO_BROADCAST, b2i(on))
}
