package sctp

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// conn carries the packets of one association: what pion/sctp calls its net.Conn.
type conn struct {
	l    *layer
	k    key
	in   chan []byte   // packets that have come
	done chan struct{} // closed by stop
	once sync.Once
	why  atomic.Uint32 // the errno that ended it
}

var _ net.Conn = (*conn)(nil)

// push gives c a packet, or loses it where too many wait. Takes h.
func (c *conn) push(h header) {
	if h.hasAbort() {
		c.why.CompareAndSwap(0, uint32(syscall.ECONNRESET))
	}
	select {
	case c.in <- h:
	default:
	}
}

// fail ends c: the network says that the peer is not there.
func (c *conn) fail(e syscall.Errno) {
	c.why.CompareAndSwap(0, uint32(e))
	c.stop()
}

func (c *conn) stop() { c.once.Do(func() { close(c.done) }) }

// pionPort is what pion/sctp takes the ports of both ends for.
const pionPort = 5000

// Read waits for a packet, and shows it with the ports that pion/sctp expects.
func (c *conn) Read(b []byte) (int, error) {
	select {
	case p := <-c.in:
		header(p).setPorts(pionPort, pionPort)
		return copy(b, p), nil
	case <-c.done:
		return 0, io.EOF
	}
}

// Write sends a packet, with the association's ports.
func (c *conn) Write(b []byte) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	if len(b) < headerLen {
		return 0, syscall.EINVAL
	}
	p := append(header(nil), b...)
	p.setPorts(c.k.lport, c.k.rport)
	c.l.output(&c.k, p)
	return len(b), nil
}

// Close lets the plane forget the association: what comes for it is refused.
func (c *conn) Close() error {
	c.stop()
	c.l.mu.Lock()
	if c.l.conns[c.k] == c {
		delete(c.l.conns, c.k)
	}
	c.l.mu.Unlock()
	return nil
}

// LocalAddr returns our address.
func (c *conn) LocalAddr() net.Addr { return addr(c.k.local, c.k.lport) }

// RemoteAddr returns the peer's address.
func (c *conn) RemoteAddr() net.Addr { return addr(c.k.remote, c.k.rport) }

// SetDeadline does nothing: pion/sctp sets none.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, as SetDeadline.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, as SetDeadline.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

func addr(a [16]byte, port uint16) net.Addr {
	return &net.UDPAddr{IP: a[:], Port: int(port)}
}
