package inet

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Protosw binds a type and a protocol to what serves the application (Ops)
// and what serves the wire (NewSock gives a Sock its Proto), as Linux's
// inet_protosw.
type Protosw struct {
	Type      int
	Protocol  int
	Ops       sock.ProtoOps
	NewSock   func(s *Stack) *sock.Sock  // an unbound Sock for one lcore
	Permanent bool                       // cannot be replaced or removed
	Made      func(s *sock.Socket) error // completes a Socket; nil: there is nothing to do

	// Create, if it is not nil, makes the whole Socket: of a protocol with operations of
	// its own, whose Sockets need not have a Sock. Ops and NewSock are not looked at.
	Create func(family int) (*sock.Socket, error)
}

// anyProtocol as an entry's protocol is any but 0, which no such type has a default for
// (Linux's IPPROTO_IP).
const anyProtocol = 0

// inetsw is what a plane starts with.
var inetsw = [...]Protosw{
	{Type: sock.TypeStream, Protocol: ip.ProtoTCP, Ops: stream, NewSock: newTCP, Permanent: true},
	{Type: sock.TypeDgram, Protocol: ip.ProtoUDP, Ops: dgram, NewSock: newUDP, Permanent: true},
	{Type: sock.TypeDgram, Protocol: ip.ProtoUDPLite, Ops: dgram, NewSock: newLite, Permanent: true},
	{Type: sock.TypeDgram, Protocol: ip.ProtoICMP, Ops: pingSocks, NewSock: newPing, Made: madeRaw},
	{Type: sock.TypeDgram, Protocol: ip.ProtoICMPv6, Ops: pingSocks, NewSock: newPing, Made: madeRaw},
	{Type: sock.TypeRaw, Protocol: anyProtocol, Ops: rawSocks, NewSock: newRaw, Made: madeRaw},
}

func newTCP(s *Stack) *sock.Sock { return &s.TCP.NewSock().Sock }
func newUDP(s *Stack) *sock.Sock { return &s.UDP.NewSock().Sock }

func newLite(s *Stack) *sock.Sock { return &s.Lite.NewSock().Sock }

// switchTable is one plane's inetsw.
type switchTable struct {
	mu   sync.Mutex                 // of those who write rows
	rows atomic.Pointer[[]*Protosw] // a new slice each time
}

func (t *switchTable) init() {
	var rows []*Protosw
	for i := range inetsw {
		rows = append(rows, &inetsw[i])
	}
	t.rows.Store(&rows)
}

// RegisterProtosw adds p (inet_register_protosw), before others of the same type and
// protocol. A permanent entry cannot be overridden (EPERM).
func (h *Host) RegisterProtosw(p *Protosw) error {
	t := &h.sw
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := *t.rows.Load()
	for _, r := range rows {
		if r.Permanent && r.Type == p.Type && r.Protocol == p.Protocol {
			return fmt.Errorf("inet: type %d protocol %d is permanent: %w", p.Type, p.Protocol, syscall.EPERM)
		}
	}
	at := 0 // behind the permanent ones of the type: protocol 0 stays what it is
	for i, r := range rows {
		if r.Permanent && r.Type == p.Type {
			at = i + 1
		}
	}
	rows = slices.Insert(slices.Clone(rows), at, p)
	t.rows.Store(&rows)
	return nil
}

// UnregisterProtosw removes p; permanent entries stay (EPERM). Sockets that
// exist go on.
func (h *Host) UnregisterProtosw(p *Protosw) error {
	if p.Permanent {
		return fmt.Errorf("inet: type %d protocol %d is permanent: %w", p.Type, p.Protocol, syscall.EPERM)
	}
	t := &h.sw
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := *t.rows.Load()
	for i, r := range rows {
		if r == p {
			rows = append(rows[:i:i], rows[i+1:]...)
			t.rows.Store(&rows)
			return nil
		}
	}
	return fmt.Errorf("inet: type %d protocol %d is not registered: %w", p.Type, p.Protocol, syscall.ENOENT)
}

// find returns the entry for a socket call. Protocol 0 is the type's first
// entry. ESOCKTNOSUPPORT: no entry of that type; EPROTONOSUPPORT: none of that
// protocol.
func (t *switchTable) find(typ, protocol int) (*Protosw, syscall.Errno) {
	errno := syscall.ESOCKTNOSUPPORT
	for _, r := range *t.rows.Load() {
		if r.Type != typ {
			continue
		}
		if protocol == 0 && r.Protocol != anyProtocol || protocol != 0 && (protocol == r.Protocol || r.Protocol == anyProtocol) {
			return r, 0
		}
		errno = syscall.EPROTONOSUPPORT
	}
	return nil, errno
}

// family is AF_INET or AF_INET6: the types and protocols are the same.
type family struct {
	h      *Host
	number int
}

// Family returns its number.
func (f family) Family() int { return f.number }

// protocols is how many there may be, Linux's IPPROTO_MAX.
const protocols = 263

// Create makes a Socket with one Sock per lcore, of which Connect keeps one.
func (f family) Create(typ, protocol int) (*sock.Socket, error) {
	if protocol < 0 || protocol >= protocols {
		return nil, syscall.EINVAL
	}
	p, errno := f.h.sw.find(typ, protocol)
	if errno != 0 {
		return nil, errno
	}
	if p.Create != nil {
		return p.Create(f.number)
	}
	s := newSocket(f.number, typ, f.h, p, lingerOff)
	if len(f.h.stacks) == 1 {
		s.AttachOne(f.newSock(p, f.h.stacks[0]))
		return p.made(s, protocol)
	}
	socks := make([]*sock.Sock, len(f.h.stacks))
	for i, st := range f.h.stacks {
		socks[i] = f.newSock(p, st)
	}
	s.Attach(socks...)
	return p.made(s, protocol)
}

// newSock returns a Sock of the family that no lcore knows yet.
func (f family) newSock(p *Protosw, st *Stack) *sock.Sock {
	sk := p.NewSock(st)
	if f.number == syscall.AF_INET6 {
		sk.Opt.V6 = sock.V6Dual
	}
	return sk
}

// made completes s, which was asked for by protocol.
func (p *Protosw) made(s *sock.Socket, protocol int) (*sock.Socket, error) {
	if p.Protocol == anyProtocol {
		s.Protocol = int16(protocol)
	}
	if p.Made != nil {
		if err := p.Made(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// private is what inet keeps in a Socket.
type private struct {
	host       *Host
	sw         *Protosw
	broadcast  atomic.Bool   // SO_BROADCAST as SendMsg sees it; written by SetOption
	only6      atomic.Bool   // IPV6_V6ONLY; written by SetOption, before the Socket is bound
	lingers    atomic.Int32  // SO_LINGER as Release sees it, seconds from lingerOff on; written by SetOption
	sndbuf     atomic.Int32  // SO_SNDBUF not yet applied, 0: none; written by SetOption, emptied under Wr's lock
	group      *[]*sock.Sock // all Socks, while Connect works with one of several; under Wr's lock
	bound      *sock.Name    // what was reserved, as Ports knows it, and is given back on release; nil: nothing; under Wr's lock
	*dgramPart               // nil for a stream

	mu     sync.Mutex // held while a goroutine works on Socks that no lcore knows
	stage  uint32     // whose the Socks are; atomic: by publish, under mu by visit and who makes new ones
	fixed  uint8      // what of the name was bound to (dissolve.go); under Wr's lock
	untold bool       // connected by a Connect that did not wait, and not said so yet; under Wr\'s lock
}

// dgramPart is what only datagrams need.
type dgramPart struct {
	segment atomic.Uint32 // UDP_SEGMENT, and corked; written by SetOption, and under Wr's lock
	head    sock.Record   // of a datagram to the peer, but for its length, while connected; under Wr's lock
	to      ip.Addr       // a destination that was found in order by routes; under Wr's lock
	routes  *ip.Routes    // nil: none
	groups  groupPart
}

// newSocket makes a Socket with its private part in one piece.
func newSocket(family, typ int, h *Host, sw *Protosw, linger int32) *sock.Socket {
	s, p := pieces(typ)
	s.Init(family, typ, sw.Protocol, sw.Ops)
	p.host, p.sw = h, sw
	if linger != lingerOff {
		p.setLinger(linger)
	}
	s.Private = p
	return s
}

func pieces(typ int) (*sock.Socket, *private) {
	if typ == sock.TypeStream {
		x := new(struct {
			sock.Socket
			private
		})
		return &x.Socket, &x.private
	}
	x := new(struct {
		sock.Socket
		private
		dgramPart
	})
	x.private.dgramPart = &x.dgramPart
	return &x.Socket, &x.private
}

func of(s *sock.Socket) *private { return s.Private.(*private) }

// publish hands the Socks to their lcores, before they hear of them; false: they are
// theirs already.
func (p *private) publish() bool {
	if atomic.CompareAndSwapUint32(&p.stage, theirs, known) {
		return true
	}
	if atomic.LoadUint32(&p.stage) == known {
		return false
	}
	p.mu.Lock() // somebody is visiting
	defer p.mu.Unlock()
	return atomic.SwapUint32(&p.stage, known) != known
}

// Whose the Socks of a Socket are.
const (
	theirs  = iota // the goroutines'
	visited        // one goroutine's, which holds mu
	known          // the lcores'
)

// setLinger notes SO_LINGER, of which nothing said is that it is off.
func (p *private) setLinger(secs int32) { p.lingers.Store(secs - lingerOff) }

func (p *private) linger() int32 { return p.lingers.Load() + lingerOff }

// ports returns the port numbers of the Socket's protocol.
func (p *private) ports() *Ports {
	if p.sw.Protocol == ip.ProtoTCP {
		return &p.host.tcpPorts
	}
	if p.sw.Protocol == ip.ProtoUDPLite {
		return &p.host.litePorts
	}
	return &p.host.udpPorts
}

// bind reserves a port and gives the Socket its local name. Under Wr's lock.
func (p *private) bind(s *sock.Socket, local sock.Name) error {
	if s.Closed() { // nobody would give the port back
		return sock.ErrClosed
	}
	if was, _ := s.Names(); p.bound != nil || was.Port != 0 {
		return syscall.EINVAL
	}
	if errno := checkLocal(s, &local); errno != 0 {
		return errno
	}
	inner := innerLocal(s, local)
	if !p.host.isLocal(inner.Addr) && !freeBind(s) {
		return syscall.EADDRNOTAVAIL
	}
	p.fixed = fixedOf(&local)
	if a := ip.Addr(local.Addr); six(s) && !a.IsZero() && !a.Is4() {
		p.only6.Store(true) // as Linux: it has nothing to do with IPv4 any more
	}
	if local.Port == 0 && portLater(s) {
		s.SetNames(local, sock.Name{})
		s.SetState(sock.Bound)
		return nil
	}
	return p.reserve(s, local)
}

// reserve is bind once the address is known to be good. Under Wr's lock.
func (p *private) reserve(s *sock.Socket, local sock.Name) error {
	addr := reserved(s, innerLocal(s, local))
	opt := &s.SK().Opt
	share := opt.ReusePort || ((p.sw.Protocol == ip.ProtoUDP || p.sw.Protocol == ip.ProtoUDPLite) && opt.ReuseAddr)
	low, high := portRange(s)
	port, errno := local.Port, syscall.Errno(0)
	if port == 0 {
		port, errno = p.ports().ReserveIn(addr, share, low, high)
	} else {
		port, errno = p.ports().Reserve(addr, port, share)
	}
	if errno != 0 {
		return errno
	}
	local.Port = port
	p.bound = &sock.Name{Addr: addr, Port: port}
	s.SetNames(local, sock.Name{})
	s.SetState(sock.Bound)
	return nil
}

// unbind gives the port back. Under Wr's lock.
func (p *private) unbind() {
	if p.bound != nil {
		p.ports().Release(ip.Addr(p.bound.Addr), p.bound.Port)
		p.bound = nil
	}
}

// visit runs f for each Sock where it may be touched, and stops at the first error:
// on the calling goroutine while no lcore knows them, else on their lcores.
func visit(s *sock.Socket, socks []*sock.Sock, f func(sk *sock.Sock) syscall.Errno) error {
	p := of(s)
	p.mu.Lock()
	if !atomic.CompareAndSwapUint32(&p.stage, theirs, visited) {
		p.mu.Unlock()
		return onAll(socks, f)
	}
	defer p.mu.Unlock()
	defer atomic.StoreUint32(&p.stage, theirs)
	for _, sk := range socks {
		if errno := f(sk); errno != 0 {
			return errno
		}
	}
	return nil
}

// onAll runs f on the lcore of each Sock, and stops at the first error.
func onAll(socks []*sock.Sock, f func(sk *sock.Sock) syscall.Errno) error {
	for _, sk := range socks {
		errno := syscall.ENETDOWN
		sk.Call(func() { errno = f(sk) })
		if errno != 0 {
			return errno
		}
	}
	return nil
}
