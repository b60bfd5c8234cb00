package api

import (
	"context"
	"net"
	"time"

	"dataplane/sock"
)

// ListenBacklog is how many established connections may wait for Accept on
// each lcore.
const ListenBacklog = 4096

// Listen opens address for connections: networks "tcp", "tcp4", "tcp6", "unix" and
// "unixpacket". Without a host "tcp" takes connections of both families. Port 0 takes a
// free port, which the listener's Addr tells.
func (n *Net) Listen(network, address string) (net.Listener, error) {
	if _, ok := unixTypes[network]; ok {
		return n.listenUnix(network, address)
	}
	s, local, err := n.bound(network, address, sock.TypeStream)
	if err != nil {
		return nil, err
	}
	if err := s.Ops.Listen(s, ListenBacklog); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, opError("listen", network, nil, n.addrOf(s, &local), "listen", err)
	}
	return &TCPListener{n: n, s: s, network: network, addr: n.addrOf(s, &local)}, nil
}

// ListenPacket opens address for datagrams: networks "udp", "udp4" and "udp6", a
// *UDPConn, and "unixgram", a *UnixConn.
func (n *Net) ListenPacket(network, address string) (net.PacketConn, error) {
	if _, ok := unixTypes[network]; ok {
		s, err := n.boundUnix(network, address, sock.TypeDgram)
		if err != nil {
			return nil, err
		}
		return newUnixConn(n, s, network), nil
	}
	if _, _, ok := ipNetwork(network); ok {
		return n.listenIP(network, address)
	}
	s, local, err := n.bound(network, address, sock.TypeDgram)
	if err != nil {
		return nil, err
	}
	return newUDPConn(n, s, network, local, nil), nil
}

// bound returns a socket bound to address.
func (n *Net) bound(network, address string, want int) (*sock.Socket, sock.Name, error) {
	var none sock.Name
	typ, err := typeOf(network)
	if err != nil {
		return nil, none, opError("listen", network, nil, nil, "", err)
	}
	names, err := n.resolve(context.Background(), network, address)
	if err != nil {
		return nil, none, opError("listen", network, nil, nil, "", err)
	}
	at := n.asked(typ, &names[0])
	if typ != want {
		return nil, none, opError("listen", network, nil, at, "", &net.AddrError{Err: "unexpected address type", Addr: address})
	}
	s, err := n.newSocket(network, typ, &names[0])
	if err != nil {
		return nil, none, opError("listen", network, nil, at, "socket", err)
	}
	if err := s.Ops.Bind(s, names[0]); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, none, opError("listen", network, nil, at, "bind", err)
	}
	local, _ := s.Names()
	return s, local, nil
}

// TCPListener is a net.Listener of a plane.
type TCPListener struct {
	n       *Net
	s       *sock.Socket
	network string
	addr    net.Addr
}

var _ net.Listener = (*TCPListener)(nil)

// Accept waits for the next connection, a *TCPConn. After Close the error is
// net.ErrClosed.
func (l *TCPListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP is Accept with the concrete type.
func (l *TCPListener) AcceptTCP() (*TCPConn, error) {
	s, err := l.s.Ops.Accept(l.s, 0)
	if err == nil && !l.n.track(s) {
		err = net.ErrClosed
	}
	if err != nil {
		return nil, opError("accept", l.network, nil, l.addr, "accept4", err)
	}
	return newTCPConn(l.n, s, l.network), nil
}

// Addr returns the address listened on, a *net.TCPAddr.
func (l *TCPListener) Addr() net.Addr { return l.addr }

// SetDeadline bounds Accept.
func (l *TCPListener) SetDeadline(t time.Time) error {
	if l.s.Closed() {
		return net.ErrClosed // bare, as package net does it
	}
	l.s.Rd.SetDeadline(t)
	return nil
}

// Close stops listening and resets connections that nobody accepted.
func (l *TCPListener) Close() error {
	return opError("close", l.network, nil, l.addr, "close", l.n.close(l.s))
}
