package api

import (
	"net"
	"syscall"

	"dataplane/sock"
)

// ReadFrom reads one message, or what a stream has. The address is a *net.UnixAddr, nil
// where the sender has no name.
func (c *UnixConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, a, err := c.ReadFromUnix(b)
	if a == nil {
		return n, nil, err
	}
	return n, a, err
}

// ReadFromUnix is ReadFrom with the concrete type.
func (c *UnixConn) ReadFromUnix(b []byte) (int, *net.UnixAddr, error) {
	m := sock.Msg{Buf: b}
	n, err := c.s.RecvMsg(&m)
	if err != nil {
		return n, nil, c.fail("read", "recvfrom", err)
	}
	return n, c.from(&m), nil
}

// from returns who sent m.
func (c *UnixConn) from(m *sock.Msg) *net.UnixAddr {
	if !m.Named || m.Name.Path == "" {
		return nil
	}
	return unixAddr(c.kind.String(), m.Name)
}

// ReadMsgUnix is ReadFromUnix that also returns flags (MSG_TRUNC, MSG_CTRUNC) and, in the
// first oobn bytes of oob, control messages: credentials and descriptors of the plane.
func (c *UnixConn) ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error) {
	m := sock.Msg{Buf: b, Control: oob}
	if n, err = c.s.RecvMsg(&m); err != nil {
		return n, 0, 0, nil, c.fail("read", "recvmsg", err)
	}
	return n, m.NControl, m.Flags, c.from(&m), nil
}

// WriteTo sends b as one message to addr, a *net.UnixAddr.
func (c *UnixConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	a, ok := addr.(*net.UnixAddr)
	if !ok {
		return 0, c.failTo(addr, "", syscall.EINVAL)
	}
	return c.WriteToUnix(b, a)
}

// WriteToUnix is WriteTo with the concrete type.
func (c *UnixConn) WriteToUnix(b []byte, addr *net.UnixAddr) (int, error) {
	if addr == nil {
		return 0, c.failTo(nil, "", errMissingAddress)
	}
	n, err := c.send(b, nil, addr)
	return n, c.failTo(addr, "sendto", err)
}

// WriteMsgUnix sends b, and the control messages of oob, to addr, or to the peer where
// addr is nil.
func (c *UnixConn) WriteMsgUnix(b, oob []byte, addr *net.UnixAddr) (n, oobn int, err error) {
	if n, err = c.send(b, oob, addr); err != nil {
		if addr == nil {
			return n, 0, c.failTo(nil, "sendmsg", err)
		}
		return n, 0, c.failTo(addr, "sendmsg", err)
	}
	return n, len(oob), nil
}

func (c *UnixConn) send(b, oob []byte, addr *net.UnixAddr) (int, error) {
	m := sock.Msg{Buf: b, Control: oob}
	if addr != nil {
		if c.s.Type == sock.TypeDgram && c.s.State() == sock.Connected {
			return 0, net.ErrWriteToConnected
		}
		if addr.Net != c.kind.String() {
			return 0, syscall.EAFNOSUPPORT
		}
		m.Name, m.Named = unixName(addr.Name), true
	}
	return c.s.SendMsg(&m)
}

func (c *UnixConn) failTo(addr net.Addr, call string, err error) error {
	return opError("write", c.kind.String(), c.addrs().local, addr, call, err)
}

// CloseRead ends reading: the peer's writes fail.
func (c *UnixConn) CloseRead() error { return c.shutdown(syscall.SHUT_RD) }

// CloseWrite ends writing: the peer reads the end after what was written.
func (c *UnixConn) CloseWrite() error { return c.shutdown(syscall.SHUT_WR) }

func (c *UnixConn) shutdown(how int) error {
	if c.s.Closed() {
		return c.fail("close", "", net.ErrClosed)
	}
	return c.fail("close", "shutdown", c.s.Ops.Shutdown(c.s, how))
}
