package api

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"

	"dataplane/inet"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// Dial connects to address: networks "tcp", "tcp4", "tcp6", "udp", "udp4" and "udp6",
// whose results are a *TCPConn or a *UDPConn, and "unix", "unixgram" and "unixpacket", a
// *UnixConn.
func (n *Net) Dial(network, address string) (net.Conn, error) {
	return n.DialContext(context.Background(), network, address)
}

// DialContext is Dial with a context, which bounds the time until the
// connection is established. Of a name with several addresses the best is tried first, and
// the next one beside it when a quarter of a second has passed (RFC 6724 6, RFC 8305).
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if t := n.targets.find(network, address); t != nil {
		return n.dial(ctx, network, t.typ, t.to)
	}
	if _, _, ok := ipNetwork(network); ok {
		return n.dialIP(ctx, network, address)
	}
	typ, err := typeOf(network)
	if err != nil {
		return nil, opError("dial", network, nil, nil, "", err)
	}
	if address == "" {
		return nil, opError("dial", network, nil, nil, "", errMissingAddress)
	}
	if _, ok := unixTypes[network]; ok {
		return n.dialUnix(ctx, network, address)
	}
	if to, ok := n.literal(network, address); ok {
		n.targets.keep(network, address, typ, to)
		return n.dial(ctx, network, typ, to)
	}
	names, err := n.resolve(ctx, network, address)
	if err != nil {
		return nil, opError("dial", network, nil, nil, "", err)
	}
	return n.dialAny(ctx, network, typ, n.order(names))
}

// dial connects to one address.
func (n *Net) dial(ctx context.Context, network string, typ int, to sock.Name) (net.Conn, error) {
	s, err := n.newSocket(network, typ, &to)
	if err != nil {
		return nil, opError("dial", network, nil, n.asked(typ, &to), "socket", err)
	}
	if err := connect(ctx, s, to); err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, opError("dial", network, nil, n.asked(typ, &to), "connect", err)
	}
	if typ == sock.TypeStream {
		return newTCPConn(n, s, network), nil
	}
	local, remote := s.Names()
	return newUDPConn(n, s, network, local, &remote), nil
}

// connect connects s; the end of ctx cuts the wait short, as in package net,
// by a write deadline in the past.
func connect(ctx context.Context, s *sock.Socket, to sock.Name) error {
	if err := ctx.Err(); err != nil {
		return ctxError(err)
	}
	if ctx.Done() == nil { // it never ends
		return s.Ops.Connect(s, to, 0)
	}
	stop := context.AfterFunc(ctx, func() { s.Wr.SetDeadline(longAgo) })
	err := s.Ops.Connect(s, to, 0)
	if !stop() { // ctx has ended: its own word goes first
		return ctxError(ctx.Err())
	}
	return err
}

// ctxError translates a context's end as package net does.
func ctxError(err error) error {
	if err == context.DeadlineExceeded {
		return errTimeout{}
	}
	return errCanceled{}
}

// errTimeout is the end of a dial by its context's deadline. For package net it
// is context.DeadlineExceeded only; here it is the deadline of package os, too.
type errTimeout struct{}

func (errTimeout) Error() string   { return "i/o timeout" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }
func (errTimeout) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// errCanceled is the end of a dial by its context.
type errCanceled struct{}

func (errCanceled) Error() string        { return "operation was canceled" }
func (errCanceled) Is(target error) bool { return target == context.Canceled }

// Keepalive of package net: after 15 s without a word, every 15 s, 9 times.
const (
	keepAliveSecs  = 15
	keepAliveCount = 9
)

// streamDefaults are the options that package net gives its own streams: no Nagle
// delay, and keepalive probes. What comes as urgent stays in its place, as RFC 6093 5
// wants it: who reads a net.Conn could not read it apart.
var streamDefaults = tcp.Defaults{
	NoDelay: true, KeepAlive: true, InPlace: true,
	KeepIdle: keepAliveSecs * perf.Second, KeepIntvl: keepAliveSecs * perf.Second, KeepCount: keepAliveCount,
}

// defaults gives a new socket the options that package net gives its own; for
// datagrams that is leave to send to all stations.
func defaults(s *sock.Socket) error {
	if s.Type == sock.TypeDgram {
		return s.SetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1)
	}
	inet.Begin(s, &streamDefaults)
	return nil
}
