package api

import (
	"context"
	"net"
	"slices"
	"syscall"
	"time"

	"dataplane/sock"
)

// unixTypes are the types of sockets of package net's networks of AF_UNIX.
var unixTypes = map[string]int{"unix": sock.TypeStream, "unixgram": sock.TypeDgram, "unixpacket": sock.TypeSeqpacket}

// Unlink removes a path of AF_UNIX, which a socket was bound to. The paths are those of
// the plane, not of a file system. syscall.ENOENT: there is none.
func (n *Net) Unlink(path string) error { return n.unix.Unlink(path) }

// UnixConn is a socket of AF_UNIX, between two goroutines or tasks that use the same
// plane: a net.Conn, and a net.PacketConn, with what users of *net.UnixConn rely on. Any
// number of goroutines may use it.
type UnixConn struct{ conn }

var (
	_ net.Conn       = (*UnixConn)(nil)
	_ net.PacketConn = (*UnixConn)(nil)
)

func newUnixConn(n *Net, s *sock.Socket, network string) *UnixConn {
	c := &UnixConn{conn{n: n, s: s, kind: kindOf(network)}}
	local, _ := s.Ops.GetName(s, false)
	e := &ends{local: unixAddr(network, local)}
	if remote, err := s.Ops.GetName(s, true); err == nil {
		e.remote = unixAddr(network, remote)
	}
	c.ends.Store(e)
	return c
}

// unixAddr is a name as package net shows it: "@" for the zero byte of an abstract one.
func unixAddr(network string, n sock.Name) *net.UnixAddr {
	path := n.Path
	if path == "" || path[0] == 0 {
		path = "@" + path[min(1, len(path)):]
	}
	return &net.UnixAddr{Name: path, Net: network}
}

// unixName is the reverse of unixAddr.
func unixName(path string) sock.Name {
	if path != "" && path[0] == '@' {
		path = "\x00" + path[1:]
	}
	return sock.Name{Path: path}
}

// dialUnix connects to a path, or to an abstract name that begins with "@".
func (n *Net) dialUnix(ctx context.Context, network, address string) (net.Conn, error) {
	to := &net.UnixAddr{Name: address, Net: network}
	s, err := n.create(syscall.AF_UNIX, unixTypes[network], 0)
	if err != nil {
		return nil, opError("dial", network, nil, to, "socket", err)
	}
	if err := connect(ctx, s, unixName(address)); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, opError("dial", network, nil, to, "connect", err)
	}
	return newUnixConn(n, s, network), nil
}

// boundUnix returns a socket that has a name.
func (n *Net) boundUnix(network, address string, types ...int) (*sock.Socket, error) {
	at, typ := &net.UnixAddr{Name: address, Net: network}, unixTypes[network]
	if !slices.Contains(types, typ) {
		return nil, opError("listen", network, nil, at, "", &net.AddrError{Err: "unexpected address type", Addr: address})
	}
	s, err := n.create(syscall.AF_UNIX, typ, 0)
	if err != nil {
		return nil, opError("listen", network, nil, at, "socket", err)
	}
	if err := s.Ops.Bind(s, unixName(address)); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, opError("listen", network, nil, at, "bind", err)
	}
	return s, nil
}

// listenUnix opens a name for connections.
func (n *Net) listenUnix(network, address string) (net.Listener, error) {
	s, err := n.boundUnix(network, address, sock.TypeStream, sock.TypeSeqpacket)
	if err != nil {
		return nil, err
	}
	local, _ := s.Ops.GetName(s, false)
	l := &UnixListener{n: n, s: s, network: network, addr: unixAddr(network, local), unlink: true}
	if err := s.Ops.Listen(s, ListenBacklog); err != nil {
		l.Close() //nolint:errcheck // the reason is err
		return nil, opError("listen", network, nil, l.addr, "listen", err)
	}
	return l, nil
}

// UnixListener is a net.Listener of AF_UNIX.
type UnixListener struct {
	n       *Net
	s       *sock.Socket
	network string
	addr    *net.UnixAddr
	unlink  bool
}

var _ net.Listener = (*UnixListener)(nil)

// Accept waits for the next connection, a *UnixConn. After Close the error is
// net.ErrClosed.
func (l *UnixListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptUnix is Accept with the concrete type.
func (l *UnixListener) AcceptUnix() (*UnixConn, error) {
	s, err := l.s.Ops.Accept(l.s, 0)
	if err == nil && !l.n.track(s) {
		err = net.ErrClosed
	}
	if err != nil {
		return nil, opError("accept", l.network, nil, l.addr, "accept4", err)
	}
	return newUnixConn(l.n, s, l.network), nil
}

// Addr returns the name listened on, a *net.UnixAddr.
func (l *UnixListener) Addr() net.Addr { return l.addr }

// SetUnlinkOnClose says whether Close removes the path, as it does unless told otherwise.
// Before anybody else uses l.
func (l *UnixListener) SetUnlinkOnClose(unlink bool) { l.unlink = unlink }

// SetDeadline bounds Accept.
func (l *UnixListener) SetDeadline(t time.Time) error {
	if l.s.Closed() {
		return opError("set", l.network, nil, l.addr, "", net.ErrClosed)
	}
	l.s.Rd.SetDeadline(t)
	return nil
}

// Close stops listening, and resets connections that nobody accepted.
func (l *UnixListener) Close() error {
	if l.unlink && !l.s.Closed() && l.addr.Name[0] != '@' {
		l.n.Unlink(l.addr.Name) //nolint:errcheck // somebody else may have
	}
	return opError("close", l.network, nil, l.addr, "close", l.n.close(l.s))
}
