package inet

import (
	"io"
	"syscall"

	"dataplane/sock"
	"dataplane/udp"
)

// Inside is a socket of code inside the plane (sock_create_kern): who uses it
// runs on the lcore of SK, so that nothing is locked, nothing is waited for, and
// no goroutine is woken. What it asks for is done in the same turn. The errors
// are bare: EAGAIN, where a goroutine would wait, must cost nothing.
type Inside struct {
	S   *sock.Socket
	SK  *sock.Sock
	udp *udp.Layer // of a datagram socket
}

// Enter makes the Sock sk of s the socket of code inside the plane: cb hears of
// everything from now on, and first of what is there already. Runs on the lcore of
// sk; no goroutine may use s any more, but to close it.
func (c *Inside) Enter(s *sock.Socket, sk *sock.Sock, cb sock.Callbacks) {
	if p := of(s); p.linger.Load() > 0 {
		p.linger.Store(LingerOff) // an lcore waits for nobody
	}
	c.S, c.SK, sk.CB = s, sk, cb
	if sk.RX.Len() > 0 || sk.PeekError() != 0 || sk.Has(sock.FlagRcvShut|sock.FlagDead) {
		cb.DataReady(sk)
	}
}

// Recv reads what a stream holds. EAGAIN: nothing yet. io.EOF: the end.
func (c *Inside) Recv(b []byte) (int, error) {
	end := c.SK.Has(sock.FlagRcvShut | sock.FlagDead)
	n := c.SK.RX.Read(b)
	if n > 0 {
		c.SK.Consumed()
		return n, nil
	}
	return 0, c.nothing(end)
}

// Peek borrows what a stream holds, in two pieces if the ring wraps, until Discard
// or Recv.
func (c *Inside) Peek() (x, y []byte, err error) {
	end := c.SK.Has(sock.FlagRcvShut | sock.FlagDead)
	n := c.SK.RX.Len()
	if n == 0 {
		return nil, nil, c.nothing(end)
	}
	x, y = c.SK.RX.Slices(c.SK.RX.Tail(), n)
	return x, y, nil
}

// Discard gives back the first n bytes of what Peek showed.
func (c *Inside) Discard(n int) {
	c.SK.RX.Release(c.SK.RX.Tail() + uint64(min(max(n, 0), c.SK.RX.Len())))
	c.SK.Consumed()
}

// nothing says why there is nothing to read.
func (c *Inside) nothing(end bool) error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if e := c.SK.TakeError(); e != 0 {
		return e
	}
	if end {
		return io.EOF
	}
	return syscall.EAGAIN
}

// Send writes as much of b as the send ring has room for. EAGAIN: not all of it;
// WriteSpace will be called.
func (c *Inside) Send(b []byte) (int, error) {
	if err := c.cannotSend(); err != nil {
		return 0, err
	}
	applySndBuf(c.S)
	n := c.SK.TX.Write(b)
	if n > 0 {
		c.SK.Ask(sock.ReqSend)
	}
	if n < len(b) {
		return n, syscall.EAGAIN
	}
	return n, nil
}

func (c *Inside) cannotSend() error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if e := c.SK.TakeError(); e != 0 {
		return e
	}
	if c.S.IsShut(sock.ShutWr) || c.SK.Has(sock.FlagSndShut|sock.FlagDead) {
		return syscall.EPIPE
	}
	return nil
}

// Receive is Enter for a datagram socket: r gets its datagrams, cb hears of errors.
func (c *Inside) Receive(s *sock.Socket, sk *sock.Sock, cb sock.Callbacks, r udp.Receiver) {
	c.S, c.SK, sk.CB = s, sk, cb
	c.udp, _ = sk.Proto.(*udp.Layer)
	if c.udp != nil {
		c.udp.Receive(sk, r)
	}
}

// SendDatagram sends b to d.Peer, from d.Local if it is given; the zero Peer is the
// peer of a connected socket. It leaves in this turn. EAGAIN: too many frames wait for
// the port.
func (c *Inside) SendDatagram(d *sock.Datagram, b []byte) error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if d.Peer == (sock.Name{}) {
		if c.S.State() != sock.Connected {
			return syscall.EDESTADDRREQ
		}
		_, d.Peer = c.S.Names()
	} else if d.Peer.Port == 0 {
		return syscall.EINVAL
	}
	if d.Len = len(b); d.Len > maxDatagram {
		return syscall.EMSGSIZE
	}
	if errno := c.udp.SendNow(c.SK, d, b, c.SK.Core().Now); errno != 0 {
		return errno
	}
	return nil
}
