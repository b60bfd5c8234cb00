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

	own  atomic.Uint32 // the tag that our INIT or INIT ACK asked for; written by Write
	next atomic.Uint32 // the same, if the peer has restarted; written by Write
	peer atomic.Uint32 // the verification tag of what we send; written by Write. 0: the peer has not said
}

var _ net.Conn = (*conn)(nil)

// push gives c a packet, or loses it where too many wait, or it is not the association's.
// Takes h.
func (c *conn) push(h header) {
	if !c.accepts(h) {
		return
	}
	if h.hasAbort() {
		c.why.CompareAndSwap(0, uint32(syscall.ECONNRESET))
	}
	select {
	case c.in <- h:
	default:
	}
}

// noteTags remembers the tags of what we send. Answers to packets of others are not
// all the association's.
func (c *conn) noteTags(h header) {
	switch h.first() {
	case chunkAbort, chunkError, chunkShutdownComplete:
	case chunkInit, chunkInitAck:
		switch {
		case len(h) < initLen:
		case c.peer.Load() == 0:
			c.own.Store(h.initTag())
		default: // an answer to somebody who says that the peer begins anew
			c.next.Store(h.initTag())
		}
	default:
		if tag := h.tag(); tag != c.peer.Load() {
			c.peer.Store(tag)
		}
	}
}

// accepts reports whether the tag of a packet is the association's: RFC 9260 8.5. pion/sctp,
// which most often runs inside DTLS, does not look at it.
func (c *conn) accepts(h header) bool {
	tag := h.tag()
	switch first := h.first(); {
	case first == chunkInit: // alone in its packet, which pion/sctp does look at
		return tag == 0
	case tag == 0:
		return false
	case (first == chunkAbort || first == chunkShutdownComplete) && h[headerLen+1]&flagT != 0: // 8.5.1
		return tag == c.peer.Load()
	}
	return tag == c.own.Load() || tag == c.next.Load()
}

// sent reports whether we have sent the packet that begins with q, as somebody says in an
// ICMP message: RFC 9260 10, he knows a tag that only the two ends know.
func (c *conn) sent(q header) bool {
	if tag := q.tag(); tag != 0 {
		return tag == c.peer.Load()
	}
	return c.peer.Load() == 0 && len(q) >= initLen && q.first() == chunkInit && q.initTag() == c.own.Load()
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
	if len(b) < headerLen+chunkLen {
		return 0, syscall.EINVAL
	}
	p := append(header(nil), b...)
	c.noteTags(p)
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
