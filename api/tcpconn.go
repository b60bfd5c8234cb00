package api

import (
	"net"
	"syscall"
	"time"

	"dataplane/sock"
)

// TCPConn is a TCP connection of a plane: a net.Conn with what users of
// *net.TCPConn rely on. Any number of goroutines may use it.
type TCPConn struct{ conn }

var _ net.Conn = (*TCPConn)(nil)

func newTCPConn(n *Net, s *sock.Socket, network string) *TCPConn {
	return &TCPConn{conn{n: n, s: s, kind: kindOf(network)}}
}

// CloseRead ends reading; data that still arrives is acknowledged and dropped.
func (c *TCPConn) CloseRead() error { return c.shutdown(syscall.SHUT_RD) }

// CloseWrite ends writing: the peer reads the end of the stream after what was
// written. Reading goes on.
func (c *TCPConn) CloseWrite() error { return c.shutdown(syscall.SHUT_WR) }

func (c *TCPConn) shutdown(how int) error {
	if c.s.Closed() {
		return c.fail("close", "", net.ErrClosed)
	}
	return c.fail("close", "shutdown", c.s.Ops.Shutdown(c.s, how))
}

// SetNoDelay switches Nagle's algorithm off (true, the default) or on.
func (c *TCPConn) SetNoDelay(on bool) error {
	return c.set(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, b2i(on))
}

// SetKeepAlive switches keepalive probes on or off.
func (c *TCPConn) SetKeepAlive(on bool) error {
	return c.set(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, b2i(on))
}

// SetKeepAlivePeriod sets the idle time before the first keepalive probe.
func (c *TCPConn) SetKeepAlivePeriod(d time.Duration) error {
	return c.setKeep(syscall.TCP_KEEPIDLE, seconds(d), keepAliveSecs)
}

// SetKeepAliveConfig sets all of keepalive, with the defaults of package net:
// 15 s, 15 s, 9 probes for zero fields, negative ones leave things as they are.
func (c *TCPConn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	if err := c.SetKeepAlive(k.Enable); err != nil || !k.Enable {
		return err
	}
	if err := c.setKeep(syscall.TCP_KEEPIDLE, seconds(k.Idle), keepAliveSecs); err != nil {
		return err
	}
	if err := c.setKeep(syscall.TCP_KEEPINTVL, seconds(k.Interval), keepAliveSecs); err != nil {
		return err
	}
	return c.setKeep(syscall.TCP_KEEPCNT, k.Count, keepAliveCount)
}

// setKeep sets one value of keepalive: 0 is the default, less changes nothing.
func (c *TCPConn) setKeep(name, value, def int) error {
	if value == 0 {
		value = def
	}
	if value < 0 {
		return nil
	}
	return c.set(syscall.IPPROTO_TCP, name, value)
}

// seconds rounds up, and keeps the sign.
func seconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}

// SetLinger says what Close does with data that is not acknowledged: sec < 0
// sends it in the background (default), 0 drops it and resets the connection,
// more waits for it so many seconds.
func (c *TCPConn) SetLinger(sec int) error {
	if c.s.Closed() {
		return c.fail("set", "setsockopt", net.ErrClosed)
	}
	return c.fail("set", "setsockopt", c.s.SetLinger(sec))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
