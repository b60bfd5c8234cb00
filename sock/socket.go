package sock

import (
	"sync/atomic"
	"syscall"
)

// Types of sockets, as Linux numbers them.
const (
	TypeStream    = syscall.SOCK_STREAM
	TypeDgram     = syscall.SOCK_DGRAM
	TypeRaw       = syscall.SOCK_RAW
	TypeSeqpacket = syscall.SOCK_SEQPACKET
)

// MaxType bounds the types that a family may define.
const MaxType = 11

// State is what the application has done with a Socket (socket_state).
type State uint32

// States of a Socket.
const (
	Unconnected State = iota
	Bound
	Connecting
	Connected
	Listening
)

// Directions that the application has shut down.
const (
	ShutRd uint32 = 1 << iota
	ShutWr
)

// Socket is the application's side of a socket, Linux's struct socket. An
// lcore never touches it. Any number of goroutines may use it.
type Socket struct {
	Family, Type, Protocol int
	Ops                    ProtoOps
	Rd, Wr                 Side // the two directions
	Private                any  // of the family; fixed when the Socket is made

	local, remote atomic.Pointer[Name]    // written under Wr's lock
	sk            atomic.Pointer[Sock]    // the only Sock, or the first of the group; written under Wr's lock
	group         atomic.Pointer[[]*Sock] // one per lcore, or one alone; written under Wr's lock
	state         atomic.Uint32           // written under Wr's lock
	shut          atomic.Uint32           // or-ed by anyone
	closed        atomic.Bool             // written once, by Close
	last          atomic.Uint32           // index of the Sock used last; written by readers
}

// NewSocket returns an unconnected Socket without a Sock.
func NewSocket(family, typ, protocol int, ops ProtoOps) *Socket {
	s := &Socket{Family: family, Type: typ, Protocol: protocol, Ops: ops}
	s.Rd.closed, s.Wr.closed = &s.closed, &s.closed
	s.Rd.w, s.Wr.w = new(Waiter), new(Waiter)
	return s
}

// Attach gives s its Socks, one or one per lcore, which no lcore knows yet:
// their wake-ups reach the goroutines of s.
func (s *Socket) Attach(socks ...*Sock) {
	s.Rd.w.lane, s.Wr.w.lane = socks[0].Rd.lane, socks[0].Wr.lane
	s.Rd.w.tasks, s.Wr.w.tasks = socks[0].Rd.tasks, socks[0].Wr.tasks
	for _, sk := range socks {
		sk.Rd, sk.Wr = s.Rd.w, s.Wr.w
	}
	s.Keep(socks...)
}

// Adopt makes sk, which its lcore knows already (an accepted connection), the
// Sock of s, which no other goroutine knows yet.
func (s *Socket) Adopt(sk *Sock) {
	s.Rd.w, s.Wr.w = sk.Rd, sk.Wr
	s.Keep(sk)
}

// Keep makes socks, attached before, the Socks that s works with.
func (s *Socket) Keep(socks ...*Sock) {
	s.group.Store(&socks)
	s.sk.Store(socks[0])
}

// SK returns the only Sock of s, or the first of its group.
func (s *Socket) SK() *Sock { return s.sk.Load() }

// Group returns the Socks of s: listeners and unconnected datagram sockets
// have one per lcore, connections one. The caller must not change it.
func (s *Socket) Group() []*Sock { return *s.group.Load() }

// SetNames records the addresses of both ends; the zero Name is none.
func (s *Socket) SetNames(local, remote Name) {
	s.local.Store(&local)
	s.remote.Store(&remote)
}

// Names returns the addresses of both ends; the zero Name is none.
func (s *Socket) Names() (local, remote Name) {
	if p := s.local.Load(); p != nil {
		local = *p
	}
	if p := s.remote.Load(); p != nil {
		remote = *p
	}
	return local, remote
}

// State returns what the application has done with s.
func (s *Socket) State() State { return State(s.state.Load()) }

// SetState records what the application has done with s. Under Wr's lock.
func (s *Socket) SetState(st State) { s.state.Store(uint32(st)) }

// Shut records that the application shut down directions, and returns those
// that were shut before. Those who wait look again.
func (s *Socket) Shut(how uint32) uint32 {
	old := s.shut.Or(how)
	if how&ShutRd != 0 {
		s.Rd.Interrupt()
	}
	if how&ShutWr != 0 {
		s.Wr.Interrupt()
	}
	return old
}

// IsShut reports whether the application shut the direction down.
func (s *Socket) IsShut(how uint32) bool { return s.shut.Load()&how != 0 }

// Closed reports whether Close was called.
func (s *Socket) Closed() bool { return s.closed.Load() }

// Last returns the index in Group of the Sock that was read last.
func (s *Socket) Last() int { return int(s.last.Load()) }

// SetLast remembers the Sock that was read last.
func (s *Socket) SetLast(i int) {
	if int(s.last.Load()) != i {
		s.last.Store(uint32(i))
	}
}

// Close wakes everybody who waits in s and releases it. The second call
// returns ErrClosed.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return ErrClosed
	}
	s.Rd.Interrupt()
	s.Wr.Interrupt()
	err := s.Ops.Release(s)
	s.Rd.dl.stop()
	s.Wr.dl.stop()
	return err
}
