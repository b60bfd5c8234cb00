package ip

// LookupBy returns the route to dst by a link that the program has chosen
// (SO_BINDTODEVICE, IP_UNICAST_IF): of those that lead there by it the one with the longest
// prefix. As in Linux a destination without one is taken to be on the link.
func (r *Routes) LookupBy(dst Addr, iface uint16) (Route, bool) {
	f := r.iface(iface)
	if dst.IsZero() || f == nil || f.Down {
		return Route{}, false
	}
	if dst.IsLoopback() || r.IsLocal(dst) {
		if i, own := r.ifaceOf(dst); f.Loopback || own && i == iface {
			return r.toSelf(dst)
		}
	}
	rt := Route{Iface: iface, Src: f.first(dst.Is4()), MTU: f.mtu(dst.Is4()), Kind: Unicast}
	switch {
	case dst.IsMulticast():
		rt.Kind = Multicast
	case dst.IsBroadcast(), r.IsBroadcast(dst):
		rt.Kind = Broadcast
	default:
		if to, ok := r.matchBy(dst, iface); ok {
			rt = to
		}
	}
	if !dst.Is4() {
		r.choose6(dst, &rt)
	}
	return rt, true
}

// matchBy returns the best of the routes to dst by a link.
func (r *Routes) matchBy(dst Addr, iface uint16) (Route, bool) {
	w, v4 := wideOf(dst), dst.Is4()
	for _, g := range r.groups {
		if v4 && g.bits < 96 {
			break // ::/0 does not lead to IPv4
		}
		key := w.mask(g.bits)
		for i := r.search(g, key); i < g.to && r.keys[i] == key; i++ {
			if r.routes[i].Iface == iface {
				return r.routes[i], true
			}
		}
	}
	return Route{}, false
}
