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
func (f *RouteIface) source6(dst Addr) (best Addr) {
	if f.Down {
		return best
	}
	for _, p := range f.Prefixes {
		if !p.Is4() && (best.IsZero() || f.better(p.Addr, best, dst)) {
			best = p.Addr
		}
	}
	return best
}

// choose6 gives a route to dst the source that suits dst best, unless one was asked for.
func (r *Routes) choose6(dst Addr, rt *Route) {
	if f := r.iface(rt.Iface); f != nil && !rt.pinned {
		if a := f.source6(dst); !a.IsZero() {
			rt.Src = a
		}
	}
}

// better reports whether a is a better source than b for packets to dst.
func (f *RouteIface) better(a, b, dst Addr) bool {
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
	if la, lb, ld := labelOf(a), labelOf(b), labelOf(dst); la != lb && (la == ld || lb == ld) {
		return la == ld // rule 6
	}
	if na.Temporary != nb.Temporary {
		return na.Temporary // rule 7
	}
	return min(common(a, dst), 64) > min(common(b, dst), 64) // rule 8
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

// labelOf is the label of the default policy table: RFC 6724 2.1.
func labelOf(a Addr) uint8 {
	switch {
	case a == Loopback6:
		return 0
	case a.Is4():
		return 4
	case be.Uint64(a[:8]) == 0 && be.Uint32(a[8:12]) == 0: // ::/96
		return 3
	case be.Uint16(a[:]) == 0x2002:
		return 2
	case be.Uint32(a[:]) == 0x20010000:
		return 5
	case a[0]&0xfe == 0xfc:
		return 13
	case a[0] == 0xfe && a[1]&0xc0 == 0xc0:
		return 11
	case be.Uint16(a[:]) == 0x3ffe:
		return 12
	}
	return 1
}

// common is how many bits two addresses have in common from the left.
func common(a, b Addr) int {
	x, y := wideOf(a), wideOf(b)
	if d := x.hi ^ y.hi; d != 0 {
		return bits.LeadingZeros64(d)
	}
	return 64 + bits.LeadingZeros64(x.lo^y.lo)
}
