package ip

import "slices"

// Lookup returns the route to dst: the one with the longest prefix, of several
// the one with the lowest metric.
func (r *Routes) Lookup(dst Addr) (Route, bool) {
	if dst.IsZero() {
		return Route{}, false
	}
	// RFC 1122 3.2.1.3 (g): packets to ourselves never reach a wire.
	if dst.IsLoopback() || r.IsLocal(dst) {
		return r.toSelf(dst)
	}
	if dst.IsBroadcast() {
		return r.toAll(dst)
	}
	if dst.IsMulticast() && !dst.Is4() {
		return r.toGroup(dst)
	}
	from, to := r.match(dst)
	if from == to {
		return Route{}, false
	}
	rt := r.routes[from]
	switch {
	case dst.IsMulticast():
		rt.Kind, rt.Gateway = Multicast, Addr{} // groups are on the link
	case r.IsBroadcast(dst):
		rt.Kind = Broadcast
	}
	if !dst.Is4() {
		r.choose6(dst, &rt)
	}
	return rt, true
}

// LinkMTU returns how long a packet to dst may be on its first link; 0: there is
// no route.
func (r *Routes) LinkMTU(dst Addr) int {
	rt, ok := r.Lookup(dst)
	f := r.iface(rt.Iface)
	if !ok || f == nil {
		return 0
	}
	mtu := min(f.MTU, MaxPacket)
	if rt.MTU > 0 {
		mtu = min(mtu, rt.MTU)
	}
	return mtu
}

// Gateways returns the routes to dst's longest prefix, best first, so that
// another one can be used when the first does not answer (RFC 1122 3.3.1.4).
// Borrows: the slice is the snapshot's own and must not be written.
func (r *Routes) Gateways(dst Addr) []Route {
	if dst.IsZero() || dst.IsLoopback() || r.IsLocal(dst) || dst.IsBroadcast() {
		return nil
	}
	from, to := r.match(dst)
	return r.routes[from:to:to]
}

// match returns the range of the routes with the longest prefix that has dst.
func (r *Routes) match(dst Addr) (from, to int) {
	w, v4 := wideOf(dst), dst.Is4()
	for _, g := range r.groups {
		if v4 && g.bits < 96 {
			break // ::/0 does not lead to IPv4
		}
		key := w.mask(g.bits)
		if i := r.search(g, key); i < g.to && r.keys[i] == key {
			n := i + 1
			for n < g.to && r.keys[n] == key {
				n++
			}
			return i, n
		}
	}
	return 0, 0
}

// search returns the first route of g that is not below key.
func (r *Routes) search(g bitGroup, key wide) int {
	lo, hi := g.from, g.to
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if r.keys[mid].cmp(key) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// toSelf is the way to one of our own addresses, from the same address; from 127.0.0.1 to
// all of 127/8.
func (r *Routes) toSelf(dst Addr) (Route, bool) {
	if r.loop < 0 {
		return Route{}, false
	}
	rt := Route{Prefix: Prefix{dst, 128}, Iface: uint16(r.loop), Src: dst, Kind: Local}
	if dst.Is4() {
		rt.Prefix.Bits = 32
		rt.Src = SelfOf(dst)
	}
	rt.MTU = r.iface(rt.Iface).MTU
	return rt, true
}

// SelfOf is where packets to dst, an address of ours, leave from.
func SelfOf(dst Addr) Addr {
	if dst.Is4() && dst.IsLoopback() {
		return From4([4]byte{127, 0, 0, 1})
	}
	return dst
}

// toAll is the way of the limited broadcast: the link of the default route, or
// the first one that is there.
func (r *Routes) toAll(dst Addr) (Route, bool) {
	rt := Route{Prefix: Prefix{dst, 32}, Kind: Broadcast}
	if from, to := r.match(FromV4(1 << 24)); from < to && r.routes[from].Prefix.Bits == 0 {
		d := &r.routes[from]
		rt.Iface, rt.Src, rt.MTU = d.Iface, d.Src, d.MTU
		return rt, true
	}
	for i := range r.ifaces {
		f := &r.ifaces[i]
		if a := f.first(true); !f.Loopback && a != (Addr{}) {
			rt.Iface, rt.Src, rt.MTU = f.Index, a, f.MTU
			return rt, true
		}
	}
	return Route{}, false
}

// toGroup is the way to an IPv6 group: on the link it names, else on that of the default
// route or the first one with an address of IPv6.
func (r *Routes) toGroup(dst Addr) (Route, bool) {
	rt := Route{Prefix: Prefix{dst, 128}, Kind: Multicast}
	zone := dst.Zone()
	if from, to := r.match(Addr{0x20}); zone == 0 && from < to && r.routes[from].Prefix.Bits == 0 {
		zone = uint32(r.routes[from].Iface) + 1
	}
	for i := range r.ifaces {
		f := &r.ifaces[i]
		a := f.source6(dst)
		if zone > 0 && uint32(f.Index) != zone-1 || a.IsZero() || zone == 0 && f.Loopback {
			continue
		}
		rt.Iface, rt.Src, rt.MTU = f.Index, a, f.mtu(false)
		return rt, true
	}
	return Route{}, false
}

// fewAddrs is how many addresses are compared one by one, faster than a search.
const fewAddrs = 8

// IsLocal reports whether a is an address of this host, 127/8 and ::1 included.
func (r *Routes) IsLocal(a Addr) bool {
	if a.Is4() {
		return a[12] == 127 || has(r.local4, a.V4())
	}
	if a.IsLoopback() {
		return true
	}
	_, ok := slices.BinarySearchFunc(r.local6, a, func(b, a Addr) int { return wideOf(b).cmp(wideOf(a)) })
	return ok
}

// IsBroadcast reports whether a is 255.255.255.255 or the directed broadcast
// address of a subnet we are in.
func (r *Routes) IsBroadcast(a Addr) bool {
	return a.Is4() && (a.V4() == 1<<32-1 || has(r.bcast4, a.V4()))
}

func has(set []uint32, v uint32) bool {
	if len(set) > fewAddrs {
		_, ok := slices.BinarySearch(set, v)
		return ok
	}
	for _, s := range set {
		if s == v {
			return true
		}
	}
	return false
}

// ifaceOf returns the number of the interface that has the address a of ours.
func (r *Routes) ifaceOf(a Addr) (uint16, bool) {
	for i := range r.ifaces {
		for _, p := range r.ifaces[i].Prefixes {
			if p.Addr == a {
				return r.ifaces[i].Index, true
			}
		}
	}
	return 0, false
}

// Ifaces returns the interfaces. Borrows: not to be written.
func (r *Routes) Ifaces() []RouteIface { return r.ifaces }

// FirstOf returns our first address of a family on a link; the zero Addr: none.
func (r *Routes) FirstOf(index uint16, v4 bool) Addr {
	if f := r.iface(index); f != nil {
		return f.first(v4)
	}
	return Addr{}
}

// iface returns the interface with a number, nil if there is none.
func (r *Routes) iface(index uint16) *RouteIface {
	for i := range r.ifaces {
		if r.ifaces[i].Index == index {
			return &r.ifaces[i]
		}
	}
	return nil
}
