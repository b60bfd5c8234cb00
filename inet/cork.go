package inet

import (
	"bytes"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// A datagram that is put together by several calls: MSG_MORE and UDP_CORK.

var _ sock.CorkOps = dgram

const (
	udpCork = 1 // UDP_CORK, which package syscall does not name

	// corked in private.segment sends every message the long way: the option is set, or a
	// datagram has begun. Sizes of segments lie below it.
	corked = 1 << 16
)

// cork is the datagram that has begun. All of it is under Wr's lock.
type cork struct {
	on    bool     // UDP_CORK
	begun bool     // there is a datagram, maybe an empty one
	head  sock.Msg // of the call that began it: where to, with which control messages
	data  []byte
}

// errCorked is what describe says of a socket that is corked.
const errCorked = syscall.EINPROGRESS

// corkOf returns the cork of s, which it now has.
func corkOf(s *sock.Socket) *cork {
	x := more(s)
	if x.cork == nil {
		x.cork = new(cork)
	}
	return x.cork
}

// SendMore appends m to the datagram that has begun, or begins one with it, and sends
// that unless more is to come. What the first call said of the destination counts.
// EMSGSIZE: it would be too long, and is lost.
func (o *dgramOps) SendMore(s *sock.Socket, m *sock.Msg) (int, error) {
	if err := s.Wr.Err(); err != nil {
		return 0, err
	}
	c := corkOf(s)
	if !c.begun {
		if s.IsShut(sock.ShutWr) {
			return 0, syscall.EPIPE
		}
		if e := sender(s).TakeError(); e != 0 {
			return 0, e
		}
		var d sock.Datagram
		c.uncork(s)
		err := describe(s, m, len(m.Buf), &d)
		c.mark(s)
		if err != nil {
			return 0, err
		}
		c.begun = true
		c.head = sock.Msg{Name: m.Name, Named: m.Named, Control: bytes.Clone(m.Control)}
	}
	if len(c.data)+len(m.Buf) > mostOf(s, &c.head) {
		c.drop(s)
		return 0, syscall.EMSGSIZE
	}
	c.data = append(c.data, m.Buf...)
	c.mark(s)
	if c.on || m.Flags&sock.MsgMore != 0 {
		return len(m.Buf), nil
	}
	if err := c.push(s, m.Flags); err != nil {
		return 0, err
	}
	return len(m.Buf), nil
}

// mostOf is how long a datagram like m may be.
func mostOf(s *sock.Socket, m *sock.Msg) int {
	to := m.Name
	if !m.Named {
		_, to = s.Names()
	}
	if ip.Addr(to.Addr).Is4() || !six(s) {
		return maxDatagram
	}
	return maxDatagram6
}

// push sends the datagram that has begun.
func (c *cork) push(s *sock.Socket, flags int) error {
	m := c.head
	m.Buf, m.Flags = c.data, flags&^sock.MsgMore
	c.uncork(s)
	var d sock.Datagram
	err := describe(s, &m, len(m.Buf), &d)
	if err == nil {
		_, err = queue(s, &m, &d)
	}
	c.drop(s)
	return err
}

// drop forgets the datagram that has begun.
func (c *cork) drop(s *sock.Socket) {
	c.begun, c.head, c.data = false, sock.Msg{}, c.data[:0]
	c.mark(s)
}

// mark says whether messages go the long way.
func (c *cork) mark(s *sock.Socket) {
	if c.on || c.begun {
		of(s).segment.Or(corked)
	} else {
		c.uncork(s)
	}
}

func (c *cork) uncork(s *sock.Socket) { of(s).segment.And(corked - 1) }

// setCork is UDP_CORK: taking it away sends what is there.
func setCork(s *sock.Socket, on bool) syscall.Errno {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	if s.Closed() {
		return syscall.EBADF
	}
	c := corkOf(s)
	c.on = on
	if !on && c.begun {
		return errnoOf(c.push(s, sock.MsgDontwait))
	}
	c.mark(s)
	return 0
}

// isCorked is UDP_CORK.
func isCorked(s *sock.Socket) bool {
	s.Wr.Lock()
	defer s.Wr.Unlock()
	x := extraOf(s)
	return x != nil && x.cork != nil && x.cork.on
}
