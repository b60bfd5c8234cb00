package api

import (
	"net"
	"net/netip"
	"syscall"
	"time"

	"dataplane/inet"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Inside is a socket of code inside the plane (Linux: sock_create_kern): the
// lcore it belongs to calls its Handler, and only the Handler may use it. No call
// waits; where a goroutine would, the error is syscall.EAGAIN. Errors are bare
// syscall.Errno, io.EOF or net.ErrClosed: they cost nothing.
type Inside struct {
	n      *Net
	in     inet.Inside
	h      Handler
	dh     DatagramHandler
	d      *sock.Datagram // the one that is being handled; nil: none is
	out    sock.Datagram  // the one that is being sent
	closed bool           // by Close; the lcore's
}

// Lcore returns the number of the lcore that the socket belongs to.
func (c *Inside) Lcore() int { return c.in.Core.ID }

// LocalAddr returns our address.
func (c *Inside) LocalAddr() netip.AddrPort { local, _ := c.in.S.Names(); return c.n.addrPort(&local) }

// RemoteAddr returns the peer's address, the invalid one where there is no peer.
func (c *Inside) RemoteAddr() netip.AddrPort {
	_, remote := c.in.S.Names()
	if remote == (sock.Name{}) {
		return netip.AddrPort{}
	}
	return c.n.addrPort(&remote)
}

// Recv reads what the stream holds. syscall.EAGAIN: nothing, until DataReady.
// io.EOF: the peer has finished.
func (c *Inside) Recv(b []byte) (int, error) { return c.in.Recv(b) }

// ReadBuffers is TCPConn.ReadBuffers, which lends what the stream holds, in two pieces
// where the ring wraps, until Release or Recv. syscall.EAGAIN: not so many bytes yet.
func (c *Inside) ReadBuffers(least int) (x, y []byte, err error) { return c.in.Borrow(least) }

// Release is TCPConn.Release: the first n bytes of what was lent are read.
func (c *Inside) Release(n int) error { return c.in.GiveBack(n) }

// Send writes to the stream what there is room for. syscall.EAGAIN: less than all
// of it; WriteSpace tells when there is room again.
func (c *Inside) Send(b []byte) (int, error) { return c.in.Send(b) }

// Reserve is TCPConn.Reserve, which lends room for n bytes in the send buffer, until
// Commit or Send. syscall.EAGAIN: not so much room yet; WriteSpace tells.
func (c *Inside) Reserve(n int) (x, y []byte, err error) { return c.in.Reserve(n) }

// Commit is TCPConn.Commit: it sends the first n bytes of what was reserved.
func (c *Inside) Commit(n int) error { return c.in.Commit(n) }

// SetTimer lets OnTimer be called once, d after the beginning of this turn or a little
// later. There is one timer: what was set before is forgotten, and setting it again for
// later, as for each request of a connection, costs next to nothing. A socket that is
// closed has none.
func (c *Inside) SetTimer(d time.Duration) { c.in.SetTimer(perf.Tick(d)) }

// StopTimer lets OnTimer not be called.
func (c *Inside) StopTimer() { c.in.StopTimer() }

// Post runs f on the lcore, where it may use c, some time later and after what was
// posted before; not if the socket is closed then. It is the one call that any goroutine
// may make. It does not wait, and allocates.
func (c *Inside) Post(f func(c *Inside)) {
	c.in.Core.Post(func() {
		if !c.closed && !c.in.S.Closed() {
			defer (*callbacks)(c).contain()
			f(c)
		}
	})
}

// From returns who sent the datagram that is being handled.
func (c *Inside) From() netip.AddrPort {
	if c.d == nil {
		return netip.AddrPort{}
	}
	return c.n.addrPort(&c.d.Peer)
}

// To returns the address that the datagram that is being handled was sent to.
func (c *Inside) To() netip.AddrPort {
	if c.d == nil {
		return netip.AddrPort{}
	}
	return c.n.addrPort(&c.d.Local)
}

// Reply sends b to who sent the datagram that is being handled, from the address that
// it was sent to. It leaves in this turn. syscall.EAGAIN: too many frames wait for the
// port; the datagram was not sent.
func (c *Inside) Reply(b []byte) error {
	if c.d == nil {
		return syscall.EDESTADDRREQ
	}
	err := c.in.Reply(c.d, &c.out, b)
	if err == syscall.EADDRNOTAVAIL { // a group's or broadcast address
		c.out.Peer, c.out.Local = c.d.Peer, sock.Name{}
		err = c.in.SendDatagram(&c.out, b)
	}
	return err
}

// SendTo sends b as one datagram to to; the zero AddrPort is the peer of a connected
// socket. Errors as of Reply.
func (c *Inside) SendTo(b []byte, to netip.AddrPort) error {
	d := &c.out
	d.Peer, d.Local = sock.Name{}, sock.Name{}
	if to.IsValid() {
		a := to.Addr().Unmap()
		if d.Peer = c.n.nameOf(netip.AddrPortFrom(a, to.Port())); a == netip.IPv4Unspecified() {
			d.Peer.Addr = ip.From4([4]byte{127, 0, 0, 1}) // this host, as for package net
		}
	}
	return c.in.SendDatagram(d, b)
}

// CloseWrite ends writing: the peer reads the end of the stream after what was
// sent. Reading goes on.
func (c *Inside) CloseWrite() error {
	if c.closed {
		return net.ErrClosed
	}
	return c.in.S.Ops.Shutdown(c.in.S, syscall.SHUT_WR)
}

// Close lets go of the socket; what was sent still leaves. The Handler is not
// called any more. A datagram socket is closed on all lcores, a little later.
func (c *Inside) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.in.StopTimer()
	if c.in.S.Type == sock.TypeStream {
		c.n.close(c.in.S) //nolint:errcheck // Net.Close may have been faster
		return
	}
	go c.n.close(c.in.S) // it asks the other lcores, which this one must not wait for
}
