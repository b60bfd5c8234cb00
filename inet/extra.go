package inet

import (
	"sync/atomic"

	"dataplane/sock"
)

// extra is what few Sockets have: options of the family beyond the usual ones. Any
// goroutine may set them; who is at work looks when it gets there.
type extra struct {
	peekAt    atomic.Uint64                    // SO_PEEK_OFF: one more than the position in RX where MSG_PEEK goes on; 0: off
	freeBind  atomic.Bool                      // IP_FREEBIND
	noPort    atomic.Bool                      // IP_BIND_ADDRESS_NO_PORT
	ports     atomic.Uint32                    // IP_LOCAL_PORT_RANGE, the lower one in the lower half; 0: any
	device    atomic.Uint32                    // SO_BINDTOIFINDEX
	unicast   atomic.Uint32                    // IP_UNICAST_IF
	selectErr atomic.Bool                      // SO_SELECT_ERR_QUEUE
	inq       atomic.Bool                      // TCP_INQ
	whole     atomic.Bool                      // IP_HDRINCL as SendMsg sees it
	sumEnd    atomic.Int32                     // how long a packet must be for IPV6_CHECKSUM; 0: there is none
	errs      atomic.Pointer[[]*sock.ErrQueue] // of the Socks
	cork      *cork                            // under Wr's lock
}

// extraOf returns the extra of s, nil if it has none.
func extraOf(s *sock.Socket) *extra { return sock.OwnOf[extra](s.Extra()) }

// more returns the extra of s, which it now has.
func more(s *sock.Socket) *extra { return sock.OwnMore[extra](s) }

// inherit gives the connection c what its listener s has beyond the usual.
func inherit(c, s *sock.Socket) {
	c.Rd.Inherit(&s.Rd)
	c.Wr.Inherit(&s.Wr)
	if x := extraOf(s); x != nil && (x.inq.Load() || x.device.Load()|x.unicast.Load() != 0) {
		y := more(c)
		y.inq.Store(x.inq.Load())
		y.device.Store(x.device.Load())
		y.unicast.Store(x.unicast.Load())
	}
}

// peekFrom is where a MSG_PEEK of a stream that has got some goes on: where the last one
// ended if SO_PEEK_OFF says so, but never before what has been read.
func peekFrom(s *sock.Socket, sk *sock.Sock, got int) uint64 {
	if x := extraOf(s); x != nil && x.peekAt.Load() != 0 {
		return max(sk.RX.Tail(), x.peekAt.Load()-1)
	}
	return sk.RX.Tail() + uint64(got) + skipped(sk)
}

// peeked notes how far a MSG_PEEK has got.
func peeked(s *sock.Socket, at uint64) {
	if x := extraOf(s); x != nil && x.peekAt.Load() != 0 {
		x.peekAt.Store(at + 1)
	}
}
