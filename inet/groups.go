package inet

import (
	"encoding/binary"
	"sync"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Options of groups that package syscall does not name. Those with MCAST in their name
// are for both families (RFC 3678 5).
const (
	ipUnblockSource        = 37
	ipBlockSource          = 38
	ipAddSourceMembership  = 39
	ipDropSourceMembership = 40
	ipMsfilter             = 41
	mcastJoinGroup         = 42
	mcastBlockSource       = 43
	mcastUnblockSource     = 44
	mcastLeaveGroup        = 45
	mcastJoinSource        = 46
	mcastLeaveSource       = 47
	mcastMsfilter          = 48
)

// groupPart is what a datagram socket has joined, and how it sends to groups.
type groupPart struct {
	joined ip.Memberships // under the lock of Host.Groups

	mu    sync.Mutex
	order sync.Mutex // of changes, until the lcores know them
	iface uint16     // the link to send by, plus 1; 0: as routes say; under mu
	src   ip.Addr    // as it was asked for; under mu
}

// groupProto is a transport whose sockets talk to groups. Both run on the lcore.
type groupProto interface {
	// Joined tells what sk has joined.
	Joined(sk *sock.Sock, h ip.Heard)
	// Speak tells by which link sk sends to groups (its number plus 1; 0: by the
	// routes), and from which address (zero: the link's first).
	Speak(sk *sock.Sock, iface uint16, src ip.Addr)
}

// groupChanged tells the lcore that speaks for all what is wanted of a group now.
func (h *Host) groupChanged(k ip.GroupKey, f ip.Filter) {
	if len(h.stacks) == 0 {
		return
	}
	st := h.stacks[0]
	st.Core.Post(func() { st.IP.SetGroup(k, f, st.Core.Now) })
}

// groupAsk is what a setsockopt asks for.
type groupAsk struct {
	op     ip.MemberOp
	group  ip.Addr
	source ip.Addr
	iface  uint32  // by number; 0: not named
	addr   ip.Addr // by address
	mcast  bool    // by an option of both families
}

// setGroupOption serves the options of groups that take structs; done: it was one.
func setGroupOption(s *sock.Socket, level, name int, v []byte) (done bool, errno syscall.Errno) {
	switch level {
	case syscall.IPPROTO_IP:
		if name == syscall.IP_MULTICAST_IF {
			return true, setGroupIface(s, v)
		}
	case syscall.IPPROTO_IPV6:
	default:
		return false, 0
	}
	if isGroupFilter(level, name) {
		return true, setGroupFilter(s, level, name, v)
	}
	ask, done, errno := parseGroup(level, name, v)
	if !done || errno != 0 {
		return done, errno
	}
	return true, changeGroup(s, &ask)
}

// changeGroup does what ask says, and tells the lcores.
func changeGroup(s *sock.Socket, ask *groupAsk) syscall.Errno {
	if !ask.group.IsMulticast() {
		if ask.op == ip.LeaveGroup && ask.group.Is4() {
			return syscall.EADDRNOTAVAIL
		}
		return syscall.EINVAL
	}
	p := of(s)
	iface, errno := p.host.groupLink(ask)
	if errno != 0 {
		if ask.mcast && ask.op == ip.LeaveGroup {
			return syscall.EADDRNOTAVAIL
		}
		return errno
	}
	p.groups.order.Lock()
	defer p.groups.order.Unlock()
	k := ip.GroupKey{Group: ask.group, Iface: iface}
	heard, errno := p.host.Groups.Do(&p.groups.joined, ask.op, k, ask.source)
	if errno != 0 {
		return errno
	}
	return tellHeard(s, heard)
}

// tellHeard tells every part of s what it has joined.
func tellHeard(s *sock.Socket, heard ip.Heard) syscall.Errno {
	return errnoOf(visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		if g, ok := sk.Proto.(groupProto); ok {
			g.Joined(sk, heard)
		}
		return 0
	}))
}

// errnoOf is err, which visit returned, as the errno it is.
func errnoOf(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}

// groupLink finds the link that ask names, as Linux's ip_mc_find_dev: by number, else by
// one of our addresses, else by the route to the group.
func (h *Host) groupLink(ask *groupAsk) (uint16, syscall.Errno) {
	r := h.Routes.Load()
	if r == nil {
		return 0, syscall.ENODEV
	}
	if ask.iface != 0 {
		for _, f := range r.Ifaces() {
			if uint32(f.Index)+1 == ask.iface {
				return f.Index, 0
			}
		}
		return 0, syscall.ENODEV
	}
	if !ask.addr.IsZero() {
		if i, ok := ifaceWith(r, ask.addr); ok {
			return i, 0
		}
		return 0, syscall.ENODEV
	}
	if rt, ok := r.Lookup(ask.group); ok {
		return rt.Iface, 0
	}
	return 0, syscall.ENODEV
}

// ifaceWith returns the link that has address a.
func ifaceWith(r *ip.Routes, a ip.Addr) (uint16, bool) {
	for _, f := range r.Ifaces() {
		for _, p := range f.Prefixes {
			if p.Addr == a {
				return f.Index, true
			}
		}
	}
	return 0, false
}

// setGroupIface is IP_MULTICAST_IF: a struct ip_mreqn, ip_mreq or in_addr.
func setGroupIface(s *sock.Socket, v []byte) syscall.Errno {
	var addr ip.Addr
	index := uint32(0)
	switch {
	case len(v) >= 12:
		addr, index = in4(v[4:]), native.Uint32(v[8:])
	case len(v) >= 8:
		addr = in4(v[4:])
	case len(v) >= 4:
		addr = in4(v)
	default:
		return syscall.EINVAL
	}
	iface := uint16(0)
	if index != 0 || !addr.IsZero() {
		i, errno := of(s).host.groupLink(&groupAsk{iface: index, addr: addr})
		if errno != 0 {
			return syscall.EADDRNOTAVAIL
		}
		iface = i + 1
	}
	return speak(s, iface, addr)
}

// speak lets s send to groups by a link (its number plus 1; 0: by the routes).
func speak(s *sock.Socket, iface uint16, src ip.Addr) syscall.Errno {
	g := &of(s).groups
	g.order.Lock()
	defer g.order.Unlock()
	g.mu.Lock()
	g.iface, g.src = iface, src
	g.mu.Unlock()
	if src.IsZero() {
		src = ip.Addr{}
	}
	return errnoOf(visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		if p, ok := sk.Proto.(groupProto); ok {
			p.Speak(sk, iface, src)
		}
		return 0
	}))
}

// sourceOf returns the address from which s reaches to, or why it cannot.
func sourceOf(s *sock.Socket, to ip.Addr) (ip.Addr, syscall.Errno) {
	p := of(s)
	if src, bound, errno := sourceBy(s, to); bound {
		return src, errno
	}
	if p.dgramPart != nil && to.IsMulticast() {
		p.groups.mu.Lock()
		iface, src := p.groups.iface, p.groups.src
		p.groups.mu.Unlock()
		if r := p.host.Routes.Load(); iface != 0 && r != nil {
			if src.IsZero() {
				src = r.FirstOf(iface-1, to.Is4())
			}
			if src.IsZero() {
				return src, syscall.EADDRNOTAVAIL
			}
			return src, 0
		}
	}
	if p.dgramPart == nil {
		return p.host.streamSource(to)
	}
	return p.host.source(to)
}

// in4 is an address in a struct; 0.0.0.0 is none.
func in4(b []byte) ip.Addr {
	if binary.BigEndian.Uint32(b) == 0 {
		return ip.Addr{}
	}
	return ip.From4([4]byte(b[:4]))
}
