package api

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"dataplane/sock"
)

const soBusyPoll = 46 // SO_BUSY_POLL of Linux

// conn is what TCPConn and UDPConn share. Programs hold many: it is small.
type conn struct {
	n    *Net
	s    *sock.Socket
	ends atomic.Pointer[ends] // made when they are asked for
	kind networkKind
}

// ends are the addresses of a conn.
type ends struct{ local, remote net.Addr } // remote is nil where there is no peer

// addrs returns the addresses.
func (c *conn) addrs() *ends {
	if e := c.ends.Load(); e != nil {
		return e
	}
	local, remote := c.s.Names()
	e := &ends{local: c.n.addrOf(c.s, &local)}
	if remote != (sock.Name{}) {
		e.remote = c.n.addrOf(c.s, &remote)
	}
	c.ends.CompareAndSwap(nil, e)
	return c.ends.Load()
}

// fail wraps the error of a call that package net would have made.
func (c *conn) fail(op, call string, err error) error {
	if err == nil {
		return nil
	}
	e := c.addrs()
	return opError(op, c.kind.String(), e.local, e.remote, call, err)
}

// Read reads what has come, or waits. At the end of a stream it returns io.EOF.
func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 0 && !c.s.Closed() {
		return 0, nil // as in package net, and no datagram is lost
	}
	s := c.s
	s.Rd.Lock() // as in Recv, with one call less behind the wait (sock.Side.Wait)
	s.Rd.EndLoan()
	n, err := s.Ops.Recv(s, b, 0)
	s.Rd.Unlock()
	if err != nil {
		return n, c.fail("read", "read", err)
	}
	if n == 0 && (c.s.Type == sock.TypeStream || c.s.Type == sock.TypeSeqpacket) {
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of b, waiting for room as long as it takes. A deadline or
// an error cuts it short.
func (c *conn) Write(b []byte) (int, error) {
	s := c.s
	s.Wr.Lock() // as in Send
	s.Wr.EndLoan()
	n, err := s.Ops.Send(s, b, 0)
	s.Wr.Unlock()
	if err != nil {
		return n, c.fail("write", "write", err)
	}
	return n, nil
}

// Close lets go of the connection; what was written is still sent. Waiting
// calls return net.ErrClosed, and so does a second Close.
func (c *conn) Close() error { return c.fail("close", "close", c.n.close(c.s)) }

// LocalAddr returns our address, a *net.TCPAddr or *net.UDPAddr.
func (c *conn) LocalAddr() net.Addr { return c.addrs().local }

// RemoteAddr returns the peer's address, or nil.
func (c *conn) RemoteAddr() net.Addr { return c.addrs().remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error { return c.deadline(t, &c.s.Rd, &c.s.Wr) }

// SetReadDeadline bounds Read, also one that waits already. The zero time
// lifts the bound.
func (c *conn) SetReadDeadline(t time.Time) error { return c.deadline(t, &c.s.Rd) }

// SetWriteDeadline bounds Write, also one that waits already.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.deadline(t, &c.s.Wr) }

func (c *conn) deadline(t time.Time, sides ...*sock.Side) error {
	if c.s.Closed() {
		return opError("set", c.kind.String(), nil, c.addrs().local, "", net.ErrClosed)
	}
	for _, d := range sides {
		d.SetDeadline(t)
	}
	return nil
}

// SetReadBuffer bounds the bytes that may wait to be read, and so the receive
// window of a stream.
func (c *conn) SetReadBuffer(bytes int) error {
	return c.setBuffer(syscall.SO_RCVBUF, bytes)
}

// SetWriteBuffer bounds the bytes that may wait to be sent or acknowledged.
func (c *conn) SetWriteBuffer(bytes int) error {
	return c.setBuffer(syscall.SO_SNDBUF, bytes)
}

func (c *conn) setBuffer(name, bytes int) error {
	err := c.option(syscall.SOL_SOCKET, name, bytes)
	return opError("set", c.kind.String(), nil, c.addrs().local, "setsockopt", err)
}

// SetBusyPoll lets a goroutine that waits in Read look on for d before it parks, in
// whole microseconds: with the lcore on another CPU it sees data when it comes, and
// nobody has to wake it. Its P is busy meanwhile. 0, the default: it parks at once.
// It is SO_BUSY_POLL.
func (c *conn) SetBusyPoll(d time.Duration) error {
	return c.set(syscall.SOL_SOCKET, soBusyPoll, int(d/time.Microsecond))
}

func (c *conn) set(level, name, value int) error {
	return c.fail("set", "setsockopt", c.option(level, name, value))
}

func (c *conn) option(level, name, value int) error {
	if c.s.Closed() {
		return net.ErrClosed
	}
	return c.s.SetInt(level, name, value)
}
