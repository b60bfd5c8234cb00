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
	Ops     ProtoOps
	Private any  // of the family; fixed when the Socket is made
	Rd, Wr  Side // the two directions

	sk    atomic.Pointer[Sock]    // the only Sock, or the first of the group; written under Wr's lock
	group atomic.Pointer[[]*Sock] // one per lcore; nil: sk alone; written under Wr's lock
	names atomic.Pointer[names]   // nil: those of sk, if it is connected; written under Wr's lock

	next, prev *Socket // in the List it is in; under the List's lock

	Family, Type, Protocol int16
	listed                 bool          // in a List; under its lock
	closed                 atomic.Bool   // written once, by Close
	state                  atomic.Uint32 // written under Wr's lock
	shut                   atomic.Uint32 // or-ed by anyone
	last                   atomic.Uint32 // index of the Sock used last; written by readers
}

// names are the addresses of both ends; the zero Name is none.
type names struct{ local, remote Name }

// NewSocket returns an unconnected Socket without a Sock.
func NewSocket(family, typ, protocol int, ops ProtoOps) *Socket {
	s := new(Socket)
	s.Init(family, typ, protocol, ops)
	return s
}

// Init is NewSocket for a Socket that is part of something.
func (s *Socket) Init(family, typ, protocol int, ops ProtoOps) {
	s.Family, s.Type, s.Protocol, s.Ops = int16(family), int16(typ), int16(protocol), ops
}

// Attach gives s its Socks, one or one per lcore, which no lcore knows yet:
// their wake-ups reach the goroutines of s.
func (s *Socket) Attach(socks ...*Sock) {
	first := socks[0]
	if len(socks) == 1 && s.Type == TypeStream {
		s.Adopt(first)
		return
	}
	w := &[2]Waiter{{lane: first.Rd.lane, tasks: first.Rd.tasks}, {lane: first.Wr.lane, tasks: first.Wr.tasks}}
	s.Rd.w, s.Wr.w = &w[0], &w[1]
	for _, sk := range socks {
		sk.Rd, sk.Wr = s.Rd.w, s.Wr.w
		sk.writer.Store(&s.Wr)
	}
	s.Keep(socks...)
}

// Adopt makes sk, which its lcore may know already (an accepted connection), the
// only Sock of s, which no other goroutine knows yet.
func (s *Socket) Adopt(sk *Sock) {
	s.Rd.w, s.Wr.w = sk.Rd, sk.Wr
	sk.writer.Store(&s.Wr)
	s.Only(sk)
}

// Only makes sk, attached before, the Sock that s works with alone.
func (s *Socket) Only(sk *Sock) {
	s.group.Store(nil)
	s.sk.Store(sk)
}

// Keep makes socks, attached before, the Socks that s works with.
func (s *Socket) Keep(socks ...*Sock) {
	s.group.Store(&socks)
	s.sk.Store(socks[0])
}

// SK returns the only Sock of s, or the first of its group.
func (s *Socket) SK() *Sock { return s.sk.Load() }

// Group returns the Socks of s: listeners and datagram sockets have one per lcore,
// connections one. The caller must not change it. For a stream that does not listen
// it may allocate.
func (s *Socket) Group() []*Sock {
	if g := s.group.Load(); g != nil {
		return *g
	}
	return []*Sock{s.sk.Load()}
}

// SetNames records the addresses of both ends; the zero Name is none. A connected
// socket has those of its Sock without being told.
func (s *Socket) SetNames(local, remote Name) { s.names.Store(&names{local, remote}) }

// ForgetNames makes the names those of the Sock, which is connected.
func (s *Socket) ForgetNames() { s.names.Store(nil) }

// Names returns the addresses of both ends; the zero Name is none.
func (s *Socket) Names() (local, remote Name) {
	if p := s.names.Load(); p != nil {
		return p.local, p.remote
	}
	if s.State() == Connected {
		return s.SK().Names()
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
	s.Rd.close()
	s.Wr.close()
	err := s.Ops.Release(s)
	s.Rd.stop()
	s.Wr.stop()
	return err
}
