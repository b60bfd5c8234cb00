package api

import (
	"syscall"

	"dataplane/inet"
	"dataplane/sock"
)

// DatagramHandler is the Handler of a datagram socket.
type DatagramHandler interface {
	// Datagram: b has come, from c.From() to c.To(). b is borrowed: it lies in the
	// packet.
	Datagram(c *Inside, b []byte)
	// ErrorReport: what was sent before did not arrive.
	ErrorReport(c *Inside, err syscall.Errno)
	// OnTimer: the time that SetTimer was told has passed.
	OnTimer(c *Inside)
}

// NoDatagrams is NoHandler for a DatagramHandler.
type NoDatagrams struct{}

var _ DatagramHandler = NoDatagrams{}

// Datagram does nothing.
func (NoDatagrams) Datagram(*Inside, []byte) {}

// ErrorReport does nothing.
func (NoDatagrams) ErrorReport(*Inside, syscall.Errno) {}

// OnTimer does nothing.
func (NoDatagrams) OnTimer(*Inside) {}

// datagrams is an Inside as its UDP socket calls it.
type datagrams Inside

var _ inet.Callbacks = (*datagrams)(nil)

// Datagram passes on what has come.
func (c *datagrams) Datagram(_ *sock.Sock, d *sock.Datagram, b []byte) {
	if c.closed {
		return
	}
	c.d = d
	defer c.returned()
	c.dh.Datagram((*Inside)(c), b)
	c.d = nil
}

// returned ends a panic of the handler, if it has not returned.
func (c *datagrams) returned() {
	if c.d == nil { // most often
		return
	}
	c.d = nil
	if v := recover(); v != nil {
		(*callbacks)(c).ended(v)
	}
}

// ErrorReport takes the error and passes it on.
func (c *datagrams) ErrorReport(sk *sock.Sock) {
	if e := sk.TakeError(); e != 0 && !c.closed {
		defer (*callbacks)(c).contain()
		c.dh.ErrorReport((*Inside)(c), e)
	}
}

// Expire passes on that the timer has run out.
func (c *datagrams) Expire(uint8, int64) {
	if !c.closed && !c.in.S.Closed() {
		defer (*callbacks)(c).contain()
		c.dh.OnTimer((*Inside)(c))
	}
}

// DataReady does nothing: datagrams do not pass the ring.
func (c *datagrams) DataReady(*sock.Sock) {}

// WriteSpace does nothing, as DataReady.
func (c *datagrams) WriteSpace(*sock.Sock) {}

// StateChange does nothing: a datagram socket has no states of its own.
func (c *datagrams) StateChange(*sock.Sock) {}

// Handle gives the socket to handlers: f is called on each lcore that the socket is
// open on, once, and returns the handler for the datagrams that arrive there. After
// that c is good for Close only.
func (c *UDPConn) Handle(f func(*Inside) DatagramHandler) error { return c.handleDatagrams(f) }

// Handle gives a raw socket to handlers, as UDPConn.Handle does. They get packets without
// their IP headers, and the ports of addresses are 0.
func (c *IPConn) Handle(f func(*Inside) DatagramHandler) error { return c.handleDatagrams(f) }

// handleDatagrams is Handle.
func (c *conn) handleDatagrams(f func(*Inside) DatagramHandler) error {
	return c.handle(func(sk *sock.Sock) {
		in := &Inside{n: c.n}
		in.in.Init(c.s, sk, c.n.stackOf(sk), (*datagrams)(in))
		defer (*callbacks)(in).contain()
		if in.dh = f(in); in.dh == nil {
			in.Close()
			return
		}
		in.in.Receive((*datagrams)(in)) //nolint:errcheck // both protocols can
	})
}
