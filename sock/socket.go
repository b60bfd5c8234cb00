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
	names atomic.Pointer[names]   // nil: those in pair, once connected; written under Wr's lock
	extra atomic.Pointer[Extra]   // nil: none; written by More

	next, prev *Socket // in the List it is in; under the List's lock

	pair                   Pair         // written before the state becomes Connected, and not again
	users                  atomic.Int32 // calls under way that take no Side's lock (Use), and code on the lcore
	Family, Type, Protocol int16
	listed                 bool          // in a List; under its lock
	state                  atomic.Uint32 // written under Wr's lock
	shut                   atomic.Uint32 // or-ed by anyone
	last                   atomic.Uint32 // index of the Sock used last; written by readers
}

// names are the addresses of both ends; the zero Name is none.
type names struct{ local, remote Name }

// Pair is both ends of a connection by IP.
type Pair struct{ Local, Remote End }

// End is a Name without Path.
type End struct {
	Addr [16]byte
	Zone uint32
	Port uint16
}

// name is the end as a Name.
func (e *End) name() Name { return Name{Addr: e.Addr, Port: e.Port, Zone: e.Zone} }

// Paired is an Owner whose names are a Pair, so that nobody has to allocate for them.
type Paired interface {
	// Pair puts them into p.
	Pair(p *Pair)
}

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

// AttachOne is Attach for a single Sock.
func (s *Socket) AttachOne(sk *Sock) {
	if s.Type == TypeStream {
		s.Adopt(sk)
		return
	}
	s.Attach(sk)
}

// Attach gives s its Socks, one or one per lcore, which no lcore knows yet:
// their wake-ups reach the goroutines of s.
func (s *Socket) Attach(socks ...*Sock) {
	first := socks[0]
	w := new([2]Waiter)
	w[0].init(first.Rd.tasks(), first.Rd.lane, reader)
	w[1].init(first.Wr.tasks(), first.Wr.lane, writer)
	s.Rd.w, s.Wr.w = &w[0], &w[1]
	for _, sk := range socks {
		s.Join(sk)
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

// Join lets sk, which no lcore knows yet, be one that s may keep.
func (s *Socket) Join(sk *Sock) {
	sk.Rd, sk.Wr = s.Rd.w, s.Wr.w
	sk.writer.Store(&s.Wr)
}

// Only makes sk, attached before, the Sock that s works with alone.
func (s *Socket) Only(sk *Sock) {
	if s.group.Load() != nil {
		s.group.Store(nil)
	}
	s.sk.Store(sk)
}

// Keep makes socks, attached before, the Socks that s works with.
func (s *Socket) Keep(socks ...*Sock) {
	s.group.Store(&socks)
	s.sk.Store(socks[0])
}

// SK returns the only Sock of s, or the first of its group.
func (s *Socket) SK() *Sock { return s.sk.Load() }

// Single returns the only Sock of s, nil if it has one per lcore.
func (s *Socket) Single() *Sock {
	if s.group.Load() != nil {
		return nil
	}
	return s.sk.Load()
}

// Alone is Single for datagram sockets too, whose group may be of one.
func (s *Socket) Alone() *Sock {
	if g := s.group.Load(); g != nil && len(*g) > 1 {
		return nil
	}
	return s.sk.Load()
}

// Group returns the Socks of s: listeners and datagram sockets have one per lcore,
// connections one. The caller must not change it. For a stream that does not listen
// it may allocate.
func (s *Socket) Group() []*Sock {
	if g := s.group.Load(); g != nil {
		return *g
	}
	return []*Sock{s.sk.Load()}
}

// SetNames records the addresses of both ends; the zero Name is none.
func (s *Socket) SetNames(local, remote Name) { s.names.Store(&names{local, remote}) }

// Established says that the Sock is connected: its names do not change any more. Under
// Wr's lock, or before anybody knows s.
func (s *Socket) Established() {
	sk := s.SK()
	x, ok := sk.Owner.(Paired)
	if s.pair.Local.Port != 0 || !ok { // pair is written once: others may be reading it
		s.SetNames(sk.Names())
		s.SetState(Connected)
		return
	}
	x.Pair(&s.pair)
	s.SetState(Connected)
	if s.names.Load() != nil { // of Bind
		s.names.Store(nil)
	}
}

// Names returns the addresses of both ends; the zero Name is none.
func (s *Socket) Names() (local, remote Name) {
	if p := s.names.Load(); p != nil {
		return p.local, p.remote
	}
	if s.State() == Connected {
		return s.pair.Local.name(), s.pair.Remote.name()
	}
	return local, remote
}

// Unnamed reports whether s has no address yet. Under Wr's lock.
func (s *Socket) Unnamed() bool { return s.names.Load() == nil && s.State() != Connected }

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
	s.changed()
	return old
}

// Reopen undoes what Shut did. Under the locks of both Sides.
func (s *Socket) Reopen() { s.shut.Store(0) }

// IsShut reports whether the application shut the direction down.
func (s *Socket) IsShut(how uint32) bool { return s.shut.Load()&how != 0 }

// Closed reports whether Close was called.
func (s *Socket) Closed() bool { return s.Rd.closed.Load() == closed }

// Holds reports whether a datagram has come.
func (s *Socket) Holds() bool {
	for _, sk := range s.Group() {
		if sk.RX.Len() > 0 {
			return true
		}
	}
	return false
}

// Last returns the index in Group of the Sock that was read last.
func (s *Socket) Last() int { return int(s.last.Load()) }

// SetLast remembers the Sock that was read last.
func (s *Socket) SetLast(i int) {
	if int(s.last.Load()) != i {
		s.last.Store(uint32(i))
	}
}

// Use is for calls that work on the Sock without a Side's lock: until Done it stays
// that of s. False: s is closed. Code on the lcore that keeps the Sock never calls Done.
func (s *Socket) Use() bool {
	s.users.Add(1)
	if s.Closed() {
		s.users.Add(-1)
		return false
	}
	return true
}

// Done ends a Use.
func (s *Socket) Done() { s.users.Add(-1) }

// left is what a Socket has that gave up its Sock.
var left = func() *Sock {
	sk := new(Sock)
	sk.Init(nil, nil, nil)
	sk.flags.Store(FlagDead | FlagRcvShut | FlagSndShut)
	return sk
}()

// Leave gives the Sock of s, which is closed and connected, up, if nobody uses it: then
// nothing in s leads to it any more, and it may serve another Socket (ReqFree). Use and
// Close both write first and look second, so one sees the other; who works under a
// Side's lock is met at the lock. Under Wr's lock.
func (s *Socket) Leave() bool {
	if s.users.Load() != 0 || s.group.Load() != nil || s.Wr.lends() || !s.Rd.TryLock() {
		return false
	}
	free := !s.Rd.lends()
	if free {
		s.Rd.vacate() // before the Sock goes: a deadline wakes who waits in it
		s.Wr.vacate()
		s.sk.Store(left)
	}
	s.Rd.Unlock()
	return free
}

// Close wakes everybody who waits in s and releases it. The second call
// returns ErrClosed.
func (s *Socket) Close() error {
	if s.Rd.closed.Swap(closed) == closed {
		return ErrClosed
	}
	s.Wr.closed.Store(closed)
	s.forsake()
	s.Rd.Interrupt()
	s.Wr.Interrupt()
	err := s.Ops.Release(s)
	s.Rd.stop()
	s.Wr.stop()
	return err
}
