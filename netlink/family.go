package netlink

import (
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Family is AF_NETLINK of one plane.
type Family struct {
	plane Plane
	tasks *sock.Tasks

	mu      sync.Mutex         // of what follows
	ports   map[address]*port  // that have one
	members map[*port]struct{} // of any group
	wish    [maxGroup + 1]int  // members of each group of NETLINK_ROUTE
	neigh   neighbors
	any     atomic.Bool            // there are members; written under mu
	ask     atomic.Pointer[origin] // who makes the change under way; written under the lock of Plane.Change
}

// address is what a port is found by.
type address struct {
	protocol int
	id       uint32
}

// origin is the request that a change comes of.
type origin struct{ seq, id uint32 }

var _ sock.NetProtoFamily = (*Family)(nil)

// New returns the family, to be registered. Tasks are those of the plane.
func New(p Plane, ts *sock.Tasks) *Family {
	return &Family{plane: p, tasks: ts, ports: make(map[address]*port), members: make(map[*port]struct{})}
}

// Family is AF_NETLINK.
func (f *Family) Family() int { return syscall.AF_NETLINK }

// Create makes a socket of type SOCK_RAW or SOCK_DGRAM, between which nothing differs.
func (f *Family) Create(typ, protocol int) (*sock.Socket, error) {
	if typ != sock.TypeRaw && typ != sock.TypeDgram {
		return nil, syscall.ESOCKTNOSUPPORT
	}
	if protocol != protoRoute && protocol != protoSockDiag {
		return nil, syscall.EPROTONOSUPPORT
	}
	p := &port{family: f}
	p.Socket.Init(syscall.AF_NETLINK, typ, protocol, ops{})
	p.Localize(f.tasks)
	p.queue.Init(&p.Socket, defaultBuffer, maxMessages)
	p.rcvBuf.Store(defaultBuffer)
	p.sndBuf.Store(defaultBuffer)
	p.Private = p
	return &p.Socket, nil
}

// enter gives p the port id, or one that is free if it is 0. Errors: EADDRINUSE, and
// EINVAL if p has one.
func (f *Family) enter(p *port, id uint32) error {
	f.tasks.Lock(&f.mu)
	defer f.mu.Unlock()
	protocol := int(p.Protocol)
	switch {
	case p.id.Load() != 0:
		return syscall.EINVAL
	case p.Closed():
		return sock.ErrClosed
	case id != 0:
		if f.ports[address{protocol, id}] != nil {
			return syscall.EADDRINUSE
		}
	default: // as Linux: the process's own number, then negative ones
		for id = uint32(os.Getpid()); id == 0 || f.ports[address{protocol, id}] != nil; {
			id = uint32(-4096 - rand.Int32N(1<<31-4097))
		}
	}
	f.ports[address{protocol, id}] = p
	p.id.Store(id)
	return nil
}

// leave takes p out.
func (f *Family) leave(p *port) {
	f.tasks.Lock(&f.mu)
	defer f.mu.Unlock()
	f.join(p, 0)
	if id := p.id.Load(); id != 0 {
		delete(f.ports, address{int(p.Protocol), id})
	}
}

// join makes p a member of these groups, and of no other. One that is closed joins none:
// nobody would take it out again. Under mu.
func (f *Family) join(p *port, groups uint64) {
	sum := 0
	if p.Closed() {
		groups = 0
	}
	for g := 1; g <= maxGroup; g++ {
		bit := uint64(1) << (g - 1)
		switch {
		case p.Protocol != protoRoute:
		case groups&bit != 0 && p.groups&bit == 0:
			f.wish[g]++
		case groups&bit == 0 && p.groups&bit != 0:
			f.wish[g]--
		}
		sum += f.wish[g]
	}
	if p.groups = groups; groups != 0 {
		f.members[p] = struct{}{}
	} else {
		delete(f.members, p)
	}
	f.any.Store(sum > 0)
	f.listenNeighbors()
}

// find returns who has a port, nil if nobody.
func (f *Family) find(protocol int, id uint32) *port {
	f.tasks.Lock(&f.mu)
	defer f.mu.Unlock()
	return f.ports[address{protocol, id}]
}

// wanted reports whether a group has members.
func (f *Family) wanted(group int) bool {
	if !f.any.Load() {
		return false
	}
	f.tasks.Lock(&f.mu)
	defer f.mu.Unlock()
	return f.wish[group] > 0
}

// multicast gives all members of a group but one a message, from whom it is.
func (f *Family) multicast(protocol, group int, from uint32, but *port, b []byte) {
	f.tasks.Lock(&f.mu)
	defer f.mu.Unlock()
	bit := uint64(1) << (group - 1)
	for p := range f.members {
		if int(p.Protocol) == protocol && p != but && p.groups&bit != 0 {
			p.put(from, group, b)
		}
	}
}

// Watch tells the members of groups what has changed. It hears of every change, in
// order (inet's Host.OnChange).
func (f *Family) Watch(old, now *ip.Routes) {
	from := f.ask.Swap(nil)
	if !f.any.Load() {
		return
	}
	if from == nil {
		from = new(origin)
	}
	f.compare(old, now, from)
}
