package api

import (
	"net"
	"runtime/debug"

	"dataplane/inet"
	"dataplane/sock"
)

// Handler is code inside the plane: it is called on the lcore that its socket
// lives on, in the middle of the turn that received the packet (Linux:
// sk_data_ready and its like). It must not block, and not compute for long: its
// lcore does nothing else meanwhile. Calls of other sockets may block, and so may Close
// of a listener, of a UDPConn and of the plane: a Handler that wants such a thing starts
// a goroutine for it. What it sends leaves in the same turn. Where
// several lcores share a Handler, each calls it for sockets of its own. A panic
// closes the socket and is logged.
type Handler interface {
	// DataReady: there is something to Recv, or the end of the stream, or an error.
	DataReady(c *Inside)
	// WriteSpace: there is room again after Send returned EAGAIN, and at other times.
	WriteSpace(c *Inside)
	// StateChange: the peer has finished, or the connection has ended, or a goroutine
	// or Net.Close has closed it. DataReady follows, to which Recv says which it was.
	StateChange(c *Inside)
	// ErrorReport: Recv or Send will return an error.
	ErrorReport(c *Inside)
	// OnTimer: the time that SetTimer was told has passed. What it sends on a stream
	// leaves in the next turn, which follows at once.
	OnTimer(c *Inside)
}

// NoHandler ignores what a Handler that embeds it does not want to hear of.
type NoHandler struct{}

var _ Handler = NoHandler{}

// DataReady does nothing.
func (NoHandler) DataReady(*Inside) {}

// WriteSpace does nothing.
func (NoHandler) WriteSpace(*Inside) {}

// StateChange does nothing.
func (NoHandler) StateChange(*Inside) {}

// ErrorReport does nothing.
func (NoHandler) ErrorReport(*Inside) {}

// OnTimer does nothing.
func (NoHandler) OnTimer(*Inside) {}

// callbacks is an Inside as its Sock calls it.
type callbacks Inside

var _ inet.Callbacks = (*callbacks)(nil)

// DataReady, WriteSpace, StateChange and ErrorReport pass on what happened.
func (c *callbacks) DataReady(*sock.Sock) {
	if !c.closed {
		defer c.contain()
		c.h.DataReady((*Inside)(c))
	}
}

// WriteSpace passes on that there is room.
func (c *callbacks) WriteSpace(*sock.Sock) {
	if !c.closed {
		defer c.contain()
		c.h.WriteSpace((*Inside)(c))
	}
}

// StateChange passes on that a flag changed. The end of a stream is something to
// read, too.
func (c *callbacks) StateChange(sk *sock.Sock) {
	defer c.contain()
	if !c.closed {
		c.h.StateChange((*Inside)(c))
	}
	if !c.closed && (sk.Has(sock.FlagRcvShut|sock.FlagDead) || c.in.S.Closed()) {
		c.h.DataReady((*Inside)(c))
	}
}

// ErrorReport passes on that there is an error.
func (c *callbacks) ErrorReport(*sock.Sock) {
	if !c.closed {
		defer c.contain()
		c.h.ErrorReport((*Inside)(c))
	}
}

// Expire passes on that the timer has run out.
func (c *callbacks) Expire(uint8, int64) {
	if !c.closed && !c.in.S.Closed() {
		defer c.contain()
		c.h.OnTimer((*Inside)(c))
	}
}

// contain ends a panic of the Handler: its socket is closed, the plane goes on.
func (c *callbacks) contain() {
	if v := recover(); v != nil {
		c.ended(v)
	}
}

// ended is what follows from a panic with v.
func (c *callbacks) ended(v any) {
	c.n.fault("a handler panicked", v, debug.Stack())
	(*Inside)(c).Close()
}

// stackOf returns the layers of the lcore that sk lives on.
func (n *Net) stackOf(sk *sock.Sock) *inet.Stack { return n.host.Stacks()[sk.Core().ID] }

// enter gives the Sock sk of s to the Handler that f chooses. Runs on the lcore of
// sk.
func (n *Net) enter(s *sock.Socket, sk *sock.Sock, f func(*Inside) Handler) {
	c := &Inside{n: n, h: NoHandler{}}
	c.in.Init(s, sk, n.stackOf(sk), (*callbacks)(c))
	defer (*callbacks)(c).contain()
	if h := f(c); h != nil && !c.closed {
		c.h = h
		c.in.Enter()
		return
	}
	c.Close()
}

// ServeHandler accepts connections and gives each to the Handler that f returns
// for it; nil closes it. f runs on the lcore that the connection lives on, as all
// the rest will. ServeHandler returns when l is closed, with net.ErrClosed;
// connections that are open then go on until Net.Close.
func (l *TCPListener) ServeHandler(f func(*Inside) Handler) error {
	n := l.n
	err := inet.Meet(l.s, func(_ *sock.Core, s *sock.Socket) {
		if n.track(s) && s.Use() { // for ever: the Handler has the Sock
			n.enter(s, s.SK(), f)
		}
	})
	return opError("accept", l.network, nil, l.addr, "accept4", err)
}

// Handle gives the connection to the Handler that f returns for it, on its lcore;
// nil closes it. After that c is good for Close only. It is how a Handler gets an
// outgoing connection: Dial, then Handle.
func (c *TCPConn) Handle(f func(*Inside) Handler) error {
	return c.handle(func(sk *sock.Sock) { c.n.enter(c.s, sk, f) })
}

// handle gives the connection away.
func (c *conn) handle(give func(sk *sock.Sock)) error {
	return c.fail("handle", "", giveAway(c.s, give))
}

// giveAway waits until calls that are under way have returned, and gives each Sock of s
// away on its lcore.
func giveAway(s *sock.Socket, give func(sk *sock.Sock)) error {
	if !s.Use() { // for ever: the handler has the Sock
		return net.ErrClosed
	}
	if !s.Rd.Give() || !s.Wr.Give() {
		s.Done()
		return net.ErrClosed
	}
	for _, sk := range s.Group() {
		if !sk.Call(func() { give(sk) }) {
			return net.ErrClosed
		}
	}
	return nil
}
