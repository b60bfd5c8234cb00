package ip

import "math/bits"

// Source address selection of IPv6: RFC 6724 5. IPv4 takes the address of the route.

// AddrNote is what is known of an address of ours beyond its subnet.
type AddrNote struct {
	Addr       Addr
	Deprecated bool // RFC 4862 2: not for what begins now
	Temporary  bool // RFC 8981
}

// note returns what is known of an address.
func (f *RouteIface) note(a Addr) (n AddrNote) {
	for i := range f.Notes {
		if f.Notes[i].Addr == a {
			return f.Notes[i]
		}
	}
	return n
}

// source6 chooses the address of f that packets to dst leave from. RFC 6724 5, rules 1,
// 2, 3, 6, 7 and 8; all candidates are of the link that is sent on, which is rule 5. The
// zero Addr: f has none.
func (f *RouteIface) source6(dst Addr) Addr {
	if f.Down {
		return Addr{}
	}
	var of Prefix
	for _, p := range f.Prefixes {
		if !p.Is4() && (of.Addr.IsZero() || f.better(p, of, dst)) {
			of = p
		}
	}
	return of.Addr
}

// choose6 gives a route to dst the source that suits dst best, unless one was asked for.
func (r *Routes) choose6(dst Addr, rt *Route) {
	if f := r.iface(rt.Iface); f != nil && !rt.pinned {
		if a := f.source6(dst); !a.IsZero() {
			rt.Src = a
		}
	}
}

// better reports whether p's address is a better source than q's for packets to dst.
func (f *RouteIface) better(p, q Prefix, dst Addr) bool {
	a, b := p.Addr, q.Addr
	if a == dst || b == dst {
		return a == dst // rule 1
	}
	if sa, sb, sd := scopeOf(a), scopeOf(b), scopeOf(dst); sa != sb {
		if sa < sb {
			return sa >= sd // rule 2
		}
		return sb < sd
	}
	na, nb := f.note(a), f.note(b)
	if na.Deprecated != nb.Deprecated {
		return nb.Deprecated // rule 3
	}
	if la, lb, ld := policyOf(a).label, policyOf(b).label, policyOf(dst).label; la != lb && (la == ld || lb == ld) {
		return la == ld // rule 6
	}
	if na.Temporary != nb.Temporary {
		return na.Temporary // rule 7
	}
	return p.shares(dst) > q.shares(dst) // rule 8
}

// scopeOf is the scope of an address: RFC 4291 2.7, RFC 6724 3.1.
func scopeOf(a Addr) uint8 {
	switch {
	case a.IsMulticast():
		return a[1] & 15
	case a.IsLinkLocal(), a.IsLoopback():
		return 2
	case a[0] == 0xfe && a[1]&0xc0 == 0xc0: // fec0::/10
		return 5
	}
	return 14
}

// policy is a row of the default policy table: RFC 6724 2.1.
type policy struct{ precedence, label uint8 }

// policyOf is the row for an address.
func policyOf(a Addr) policy {
	switch {
	case a == Loopback6:
		return policy{50, 0}
	case a.Is4():
		return policy{35, 4}
	case be.Uint64(a[:8]) == 0 && be.Uint32(a[8:12]) == 0: // ::/96
		return policy{1, 3}
	case be.Uint16(a[:]) == 0x2002:
		return policy{30, 2}
	case be.Uint32(a[:]) == 0x20010000:
		return policy{5, 5}
	case a[0]&0xfe == 0xfc:
		return policy{3, 13}
	case a[0] == 0xfe && a[1]&0xc0 == 0xc0:
		return policy{1, 11}
	case be.Uint16(a[:]) == 0x3ffe:
		return policy{1, 12}
	}
	return policy{40, 1}
}

// common is how many bits two addresses have in common from the left.
func common(a, b Addr) int {
	x, y := wideOf(a), wideOf(b)
	if d := x.hi ^ y.hi; d != 0 {
		return bits.LeadingZeros64(d)
	}
	return 64 + bits.LeadingZeros64(x.lo^y.lo)
}

// shares is how many bits p's address has in common with dst, those aside that say which
// station of its subnet it is. RFC 6724 2.2.
func (p Prefix) shares(dst Addr) int { return min(common(p.Addr, dst), int(p.Bits), 64) }
