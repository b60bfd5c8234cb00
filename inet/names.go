package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Two forms of a name. Applications see an address as it stands in packets, with a zone
// beside it, and one wildcard; the transports work with what ip.Addr makes of it: the
// zone is inside (ip.FromName), and 0.0.0.0 is a wildcard of its own (ip.Any4), while
// the zero Addr is that of both families, or of IPv6 alone (sock.V6Only).

// six reports whether s is a socket of AF_INET6.
func six(s *sock.Socket) bool { return s.Family == syscall.AF_INET6 }

// innerLocal makes the inner form of n, a name that s is bound to.
func innerLocal(s *sock.Socket, n sock.Name) sock.Name {
	a := ip.FromName(n.Addr, n.Zone)
	if !six(s) && a.IsZero() {
		a = ip.Any4
	}
	return sock.Name{Addr: a, Port: n.Port}
}

// outer is the name of an inner one.
func outer(n sock.Name) sock.Name {
	a := ip.Addr(n.Addr)
	return sock.Name{Addr: a.Wire(), Port: n.Port, Zone: a.Zone()}
}

// checkLocal reports why s cannot be bound to n. As Linux: a socket of IPv6 alone has no
// IPv4 address, and a link-local one needs its link.
func checkLocal(s *sock.Socket, n *sock.Name) syscall.Errno {
	a := ip.Addr(n.Addr)
	if !six(s) {
		if n.Zone = 0; !a.Is4() && !a.IsZero() {
			return syscall.EAFNOSUPPORT
		}
		if a == ip.Any4 {
			n.Addr = ip.Addr{}
		}
		return 0
	}
	if a.Is4() && of(s).only6.Load() {
		return syscall.EINVAL
	}
	if !a.NeedsZone() {
		n.Zone = 0
		return 0
	}
	return of(s).host.zone(n.Zone)
}

// zone reports what is wrong with the zone of a link-local address.
func (h *Host) zone(zone uint32) syscall.Errno {
	if zone == 0 {
		return syscall.EINVAL
	}
	for _, f := range h.Routes.Load().Ifaces() {
		if uint32(f.Index)+1 == zone {
			return 0
		}
	}
	return syscall.ENODEV
}

// innerPeer makes n, the destination of a packet of s, an inner name, and reports why
// there can be none. The wildcard is this host.
func innerPeer(s *sock.Socket, n *sock.Name) syscall.Errno {
	a := ip.FromName(n.Addr, n.Zone)
	switch {
	case a.IsZero():
		local, _ := s.Names()
		switch mapped := a == ip.Any4; {
		case six(s) && mapped && of(s).only6.Load():
			return syscall.ENETUNREACH
		case six(s) && !mapped && !ip.Addr(local.Addr).Is4():
			a = ip.Loopback6
		default:
			a = ip.From4([4]byte{127, 0, 0, 1})
		}
	case a.Is4():
		if six(s) && of(s).only6.Load() {
			return syscall.ENETUNREACH
		}
	case !six(s):
		return syscall.EAFNOSUPPORT
	case a.NeedsZone() && n.Zone == 0:
		a = of(s).zoneOf(s, a)
	}
	if six(s) {
		if errno := otherFamily(s, a); errno != 0 {
			return errno
		}
	}
	n.Addr, n.Zone = a, 0
	return 0
}

// ordinary reports whether n is an inner name already, which s may send to for all that
// can be said without asking anybody: as nearly always.
func ordinary(s *sock.Socket, n *sock.Name) bool {
	a := (*ip.Addr)(&n.Addr)
	if a.Is4() {
		return !of(s).only6.Load() && *a != ip.Any4
	}
	return six(s) && a[0]-1 < 0xfd && n.Zone == 0 // neither 0::/8 nor link-local nor a group
}

// otherFamily reports why s, of AF_INET6, cannot send to a from the address that it is
// bound to. (Linux finds an IPv4 source for an IPv6 one: 127.0.0.6.)
func otherFamily(s *sock.Socket, a ip.Addr) syscall.Errno {
	local, _ := s.Names()
	switch own := ip.Addr(local.Addr); {
	case own == (ip.Addr{}) || own.Is4() == a.Is4():
		return 0
	case a.Is4():
		return syscall.ENETUNREACH
	}
	return syscall.EAFNOSUPPORT
}

// connectNames makes inner names of both ends of a connection, and completes them: the
// source is chosen by the route. EINVAL: a link-local address, and nobody said of which
// link.
func connectNames(s *sock.Socket, to *sock.Name) (local sock.Name, errno syscall.Errno) {
	if of(s).dgramPart == nil && ordinary(s, to) && s.Unnamed() && s.Extra() == nil { // as most often: nothing is said but where to
		local.Addr, errno = of(s).host.streamSource(ip.Addr(to.Addr))
		to.Zone = 0
		return local, errno
	}
	local, _ = s.Names()
	if ip.Addr(to.Addr).NeedsZone() && to.Zone == 0 && local.Zone == 0 {
		return local, syscall.EINVAL
	}
	if errno := innerPeer(s, to); errno != 0 {
		return local, errno
	}
	src, errno := sourceOf(s, ip.Addr(to.Addr))
	if errno != 0 {
		return local, errno
	}
	if local = innerLocal(s, local); ip.Addr(local.Addr).IsZero() {
		local.Addr = src
	}
	return local, 0
}

// zoneOf is a with the zone of the address that s is bound to, or of the first link.
func (p *private) zoneOf(s *sock.Socket, a ip.Addr) ip.Addr {
	if local, _ := s.Names(); local.Zone != 0 {
		return ip.FromName(a, local.Zone)
	}
	if r := p.host.Routes.Load(); r != nil {
		for _, f := range r.Ifaces() {
			if !f.Loopback {
				return a.Scoped(f.Index)
			}
		}
	}
	return a
}

// any6 is the wildcard of IPv6 alone among reserved ports: no address is like it (RFC
// 4291 2.7).
var any6 = ip.Addr{0xff}

// reserved is how Ports knows the address of the inner name n of s.
func reserved(s *sock.Socket, n sock.Name) ip.Addr {
	if a := ip.Addr(n.Addr); a != (ip.Addr{}) || !of(s).only6.Load() {
		return a
	}
	return any6
}

// overlap reports whether two addresses of Ports have one in common: the zero Addr is
// both families' wildcard.
func overlap(a, b ip.Addr) bool {
	if a == b || a == (ip.Addr{}) || b == (ip.Addr{}) {
		return true
	}
	wild := a == ip.Any4 || a == any6 || b == ip.Any4 || b == any6
	return wild && a.Is4() == b.Is4()
}

// setOnly6 is IPV6_V6ONLY. As Linux: before the Socket has a port (EINVAL).
func setOnly6(s *sock.Socket, on bool) syscall.Errno {
	if local, _ := s.Names(); local.Port != 0 {
		return syscall.EINVAL
	}
	of(s).only6.Store(on)
	v := sock.V6Dual
	if on {
		v = sock.V6Only
	}
	err := visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		sk.Opt.V6 = v
		return 0
	})
	if err != nil {
		return syscall.ENETDOWN
	}
	return 0
}
