package inet

import (
	"sync"
	"sync/atomic"

	"dataplane/sock"
)

// extra is what few Sockets have: options beyond the usual ones. Any goroutine may set
// them; who is at work looks when it gets there.
type extra struct {
	cookie   atomic.Uint64                    // SO_COOKIE; 0: nobody has asked yet
	peekAt   atomic.Uint64                    // SO_PEEK_OFF: one more than the position in RX where MSG_PEEK goes on; 0: off
	stamping atomic.Uint32                    // SO_TIMESTAMPING
	filter   atomic.Pointer[sock.Filter]      // as SO_GET_FILTER has it
	locked   atomic.Bool                      // SO_LOCK_FILTER
	freeBind atomic.Bool                      // IP_FREEBIND
	noPort   atomic.Bool                      // IP_BIND_ADDRESS_NO_PORT
	ports    atomic.Uint32                    // IP_LOCAL_PORT_RANGE, the lower one in the lower half; 0: any
	inq      atomic.Bool                      // TCP_INQ
	errs     atomic.Pointer[[]*sock.ErrQueue] // of the Socks

	mu   sync.Mutex     // of kept
	kept map[option]int // options that are remembered and no more
}

// more returns the extra of p, which it now has.
func (p *private) more() *extra {
	if p.extra.Load() == nil {
		p.extra.CompareAndSwap(nil, new(extra))
	}
	return p.extra.Load()
}

// inherit gives the connection c what its listener s has beyond the usual.
func inherit(c, s *sock.Socket) {
	c.Rd.Inherit(&s.Rd)
	c.Wr.Inherit(&s.Wr)
	if x := of(s).extra.Load(); x != nil && x.inq.Load() {
		of(c).more().inq.Store(true)
	}
}

// cookie is SO_COOKIE: a number that no other socket of the plane has or had.
func (p *private) cookie() uint64 {
	x := p.more()
	if x.cookie.Load() == 0 {
		x.cookie.CompareAndSwap(0, p.host.cookies.Add(1))
	}
	return x.cookie.Load()
}

// peekFrom is where a MSG_PEEK of a stream that has got some goes on: where the last one
// ended if SO_PEEK_OFF says so, but never before what has been read.
func peekFrom(s *sock.Socket, sk *sock.Sock, got int) uint64 {
	if x := of(s).extra.Load(); x != nil && x.peekAt.Load() != 0 {
		return max(sk.RX.Tail(), x.peekAt.Load()-1)
	}
	return sk.RX.Tail() + uint64(got)
}

// peeked notes how far a MSG_PEEK has got.
func peeked(s *sock.Socket, at uint64) {
	if x := of(s).extra.Load(); x != nil && x.peekAt.Load() != 0 {
		x.peekAt.Store(at + 1)
	}
}
