package tcp

import (
	"math/bits"
	"math/rand/v2"
	"syscall"
)

// portOrder gives the ports of a range in an order that nobody else knows, each once
// before any comes again. RFC 6056 3.2 wants both: not to be guessed, and seldom the same.
// A name that has just ended is often in TIME-WAIT with the peer, to whom a connection
// that follows within a millisecond may look like the old one: its SYN is refused, and
// sent again after a second. Ports drawn by chance met that once in 28,000 connections.
//
// It is a Feistel network of four rounds over a count, with numbers drawn once as the
// rounds' functions; values beyond the range are passed over.
type portOrder struct {
	min, n uint32 // the range: its first, and how many
	at     uint32
	half   int // bits in each half of the count
	rounds [4][256]uint8
}

func (o *portOrder) init(first, last uint16, r *rand.ChaCha8) {
	o.min, o.n = uint32(first), uint32(last)-uint32(first)+1
	o.half = (bits.Len32(o.n-1) + 1) / 2
	o.at = uint32(r.Uint64())
	for i := range o.rounds {
		r.Read(o.rounds[i][:]) //nolint:errcheck // it cannot fail
	}
}

// next returns the port whose turn it is.
func (o *portOrder) next() uint16 {
	mask := uint8(1<<o.half - 1)
	for {
		a, b := uint8(o.at>>o.half)&mask, uint8(o.at)&mask
		o.at++
		a ^= o.rounds[0][b] & mask
		b ^= o.rounds[1][a] & mask
		a ^= o.rounds[2][b] & mask
		b ^= o.rounds[3][a] & mask
		if v := uint32(a)<<o.half | uint32(b); v < o.n {
			return uint16(o.min + v)
		}
	}
}

// claim gives s a local port if it has none, and makes sure that the flow is
// nobody else's. floor, if not zero, is what the ISN must lie above, since the
// name was in TIME-WAIT. ESTALE: the flow belongs to another lcore, by now.
func (l *Layer) claim(s *Sock) (floor uint32, errno syscall.Errno) {
	if s.LocalPort != 0 {
		if !l.cfg.Owner(s.Local, s.Remote, s.LocalPort, s.RemotePort) {
			return 0, syscall.ESTALE
		}
		if floor, ok := l.usable(s); ok {
			return floor, 0
		}
		return 0, syscall.EADDRNOTAVAIL
	}
	errno = syscall.ESTALE
	for range l.ports.n { // every port once
		p := l.ports.next()
		if !l.cfg.Owner(s.Local, s.Remote, p, s.RemotePort) {
			continue
		}
		if errno = syscall.EADDRNOTAVAIL; l.cfg.PortInUse(p) {
			continue
		}
		s.LocalPort = p
		if floor, ok := l.usable(s); ok {
			return floor, 0
		}
	}
	s.LocalPort = 0
	return 0, errno
}

// usable: no connection has the name of s, nor one that must rest still.
func (l *Layer) usable(s *Sock) (floor uint32, ok bool) {
	k := s.key()
	s.hash = l.conns.Hash(&k)
	if _, taken := l.conns.Find(s.hash, &k); taken {
		return 0, false
	}
	tw, rests := l.waits.Find(s.hash, &k)
	if !rests {
		return 0, true
	}
	if !tw.reusable(l.now) {
		return 0, false
	}
	floor = tw.above()
	l.waiting.drop(tw)
	return floor, true
}
