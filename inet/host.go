package inet

import (
	"log/slog"
	"sync/atomic"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Host is what the sockets of one plane share: its lcores' stacks, its routes
// and its port numbers. Any goroutine may use it.
type Host struct {
	Routes   atomic.Pointer[ip.Routes] // written by Change, and by who makes the plane
	Families sock.Families
	Groups   ip.Groups // what sockets have joined

	tcpPorts, udpPorts Ports
	litePorts          Ports
	pingIDs            Ports // identifiers of ping sockets

	stacks    []*Stack
	owner     func(local, remote [16]byte, lport, rport uint16) int
	flowGroup func(local, remote [16]byte, lport, rport uint16) int // nil: flows stay where they are
	owns      func(core int) int                                    // how many flow groups an lcore owns; with flowGroup
	next      atomic.Uint32                                         // round robin of lcores for outgoing connections; any goroutine
	ending    atomic.Bool                                           // written by End
	sw        switchTable
	protocols protocolTable
	changes   changes
	ways      [64]atomic.Pointer[way] // nil: none; written by streamSource
	auto      autos
	log       *slog.Logger // nil: silent
}

// NewHost returns a Host with AF_INET and AF_INET6 registered. owner tells which lcore
// a flow belongs to; nil: there is only one.
func NewHost(owner func(local, remote [16]byte, lport, rport uint16) int) *Host {
	h := &Host{owner: onWire(owner)}
	h.sw.init()
	h.Groups.Changed = h.groupChanged
	for _, n := range [2]int{syscall.AF_INET, syscall.AF_INET6} {
		if err := h.Families.Register(family{h, n}); err != nil {
			panic(err) // an empty registry has room
		}
	}
	return h
}

// onWire is owner, or a function like it, for inner names: links hash what stands in
// packets. nil: all is the first lcore's.
func onWire(owner func(local, remote [16]byte, lport, rport uint16) int) func(local, remote [16]byte, lport, rport uint16) int {
	if owner == nil {
		return func(_, _ [16]byte, _, _ uint16) int { return 0 }
	}
	return func(local, remote [16]byte, lport, rport uint16) int {
		return owner(ip.Addr(local).Wire(), ip.Addr(remote).Wire(), lport, rport)
	}
}

// AddStack makes s the stack of the next lcore. Before the first socket.
func (h *Host) AddStack(s *Stack) { h.stacks = append(h.stacks, s) }

// Stacks returns the stacks, one per lcore.
func (h *Host) Stacks() []*Stack { return h.stacks }

// End says that the plane is about to end: closing a socket with SO_LINGER does
// not wait any more.
func (h *Host) End() { h.ending.Store(true) }

// pickCore chooses the lcore of an outgoing connection, among those that own flows.
func (h *Host) pickCore() int {
	if len(h.stacks) == 1 {
		return 0
	}
	k := int(h.next.Add(1) % uint32(len(h.stacks)))
	for i := 0; h.owns != nil && i < len(h.stacks) && h.owns(k) == 0; i++ {
		k = (k + 1) % len(h.stacks)
	}
	return k
}

// source returns the address that packets to remote leave from, or why none
// can: the answer that a goroutine gets at once, before any lcore is asked.
func (h *Host) source(remote ip.Addr) (ip.Addr, syscall.Errno) {
	r := h.Routes.Load()
	if r == nil {
		return ip.Addr{}, syscall.ENETUNREACH
	}
	if remote.IsLoopback() || r.IsLocal(remote) {
		return ip.SelfOf(remote), 0
	}
	rt, ok := r.Lookup(remote)
	if !ok {
		return ip.Addr{}, syscall.ENETUNREACH
	}
	return rt.Src, 0
}

// way is where streams to an address come from while a snapshot of routes is in force.
type way struct {
	routes      *ip.Routes
	remote, src ip.Addr
}

// streamSource is source with a memory: connections go to the same few addresses again and
// again.
func (h *Host) streamSource(remote ip.Addr) (ip.Addr, syscall.Errno) {
	r, row := h.Routes.Load(), &h.ways[remote[15]%64]
	if w := row.Load(); w != nil && w.routes == r && w.remote == remote {
		return w.src, 0
	}
	src, errno := h.source(remote)
	if errno == 0 {
		row.Store(&way{r, remote, src})
	}
	return src, errno
}

// linkMTU returns how long a packet to remote may be on the first link.
func (h *Host) linkMTU(remote ip.Addr) int {
	if r := h.Routes.Load(); r != nil {
		return r.LinkMTU(remote)
	}
	return 0
}

// isLocal reports whether a socket may be bound to a.
func (h *Host) isLocal(a ip.Addr) bool {
	if a.IsZero() || a.IsLoopback() {
		return true
	}
	r := h.Routes.Load()
	return r != nil && (r.IsLocal(a) || r.IsBroadcast(a) || a.IsMulticast())
}
