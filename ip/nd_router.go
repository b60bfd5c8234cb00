package ip

import (
	"math/rand/v2"
	"slices"

	"dataplane/eth"
	"dataplane/perf"
)

// Options of routers' messages: RFC 4861 4.6, RFC 4191 2.3, RFC 8106 5.1.
const (
	optPrefix     = 3
	optMTU        = 5
	optRoute      = 24
	optRDNSS      = 25
	advertLen     = 16
	maxReachable  = 3600 * perf.Second // RFC 4861 6.2.1
	leastReply    = 10 * perf.Millisecond
	maxRetransmit = 60 * perf.Second
)

// routerAdvertised takes a router's word: RFC 4861 6.1.2, 6.3.4. Borrows b.
func (l *Layer) routerAdvertised(b []byte, p *Packet) perf.Verdict {
	if len(b) < advertLen || !p.Src.IsLinkLocal() || !ndOptions(b[advertLen:], func(uint8, []byte) {}) {
		return perf.DropNDBad
	}
	k := l.auto.link(p.Iface)
	if k == nil || !k.cfg.Routers {
		return perf.Delivered // another core listens, or nobody
	}
	if !l.auto.advert.take(l.now) {
		return perf.DropNDLimit
	}
	l.stat.Event(perf.EvRouterAdvert)
	k.heard = true
	l.cfg.Wheel.Cancel(&k.solicit)
	k.link(b)
	pref := preference(b[5])
	life := perf.Tick(be.Uint16(b[6:8])) * perf.Second
	if life == 0 {
		pref = 0
	}
	if pref == badPreference { // RFC 4191 2.2: the reserved value is medium
		pref = 0
	}
	k.routers = setRoute(k.routers, autoRoute{gateway: p.Src, pref: pref, until: l.now + life}, l.now, maxAutoRouters)
	ndOptions(b[advertLen:], func(kind uint8, opt []byte) { k.option(kind, opt, p) })
	k.tidy()
	return perf.Delivered
}

// link takes what an advertisement says of the link itself.
func (k *autoLink) link(b []byte) {
	if b[4] != 0 {
		k.hops = b[4]
	}
	if t := perf.Tick(be.Uint32(b[8:])) * perf.Millisecond; t > 0 && t <= maxReachable && (k.reachable == 0 || t < k.reachable/2 || t > k.reachable*3/2) {
		// RFC 4861 6.3.4: a random time around it, anew when it changes.
		k.reachable = t/2 + perf.Tick(rand.Int64N(int64(t)))
	}
	if t := perf.Tick(be.Uint32(b[12:])) * perf.Millisecond; t >= leastReply && t <= maxRetransmit {
		k.retrans = t
	}
}

// badPreference is the value of a preference that is reserved.
const badPreference = -2

// preference is bits 3 and 4 of flags: RFC 4191 2.1.
func preference(flags uint8) int8 { return int8(flags<<3) >> 6 }

// option takes one option of an advertisement.
func (k *autoLink) option(kind uint8, opt []byte, p *Packet) {
	now := k.l.now
	switch {
	case kind == optSource:
		if mac, ok := linkAddr(opt); ok {
			if n := k.l.cfg.Eth.Learn(k.ifc, eth.Addr(p.Src), mac); n != nil {
				k.l.cfg.Eth.SetRouter(n, true)
			}
		}
	case kind == optMTU && len(opt) == 8:
		if mtu := int(be.Uint32(opt[4:])); mtu >= MinMTU6 && mtu <= k.ifc.MTU {
			k.mtu = mtu
		}
	case kind == optPrefix && len(opt) == 32:
		k.prefix(opt)
	case kind == optRoute && opt[2] <= 128 && len(opt) >= 8+(int(opt[2])+63)/64*8:
		pref := preference(opt[3])
		if pref == badPreference { // RFC 4191 2.3: ignored
			return
		}
		var a Addr
		if copy(a[:], opt[8:]); a.Is4() { // nobody's in IPv6
			return
		}
		r := autoRoute{Prefix{a, opt[2]}.Masked(), p.Src, pref, lifetime(be.Uint32(opt[4:]), now)}
		if r.prefix.Bits == 0 { // RFC 4191 3.1: it stands for the default route
			k.routers = setRoute(k.routers, r, now, maxAutoRouters)
			return
		}
		if !r.prefix.Addr.IsLinkLocal() && !r.prefix.Addr.IsMulticast() {
			k.routes = setRoute(k.routes, r, now, maxAutoRoutes)
		}
	case kind == optRDNSS && len(opt) >= 24 && len(opt)%16 == 8:
		k.servers(opt)
	}
}

// servers takes name servers: RFC 8106 5.1, 6.
func (k *autoLink) servers(opt []byte) {
	now := k.l.now
	until := lifetime(be.Uint32(opt[4:]), now)
	for b := opt[8:]; len(b) >= 16; b = b[16:] {
		a := Addr(b[:16])
		if a.IsMulticast() || a.IsZero() || a.IsLoopback() || a.Is4() || a.IsLinkLocal() {
			continue
		}
		k.dns = slices.DeleteFunc(k.dns, func(d autoDNS) bool { return d.addr == a })
		if until > now && len(k.dns) < maxAutoDNS {
			k.dns = append(k.dns, autoDNS{a, until})
		}
	}
}

// prefix takes a prefix: whether it is on the link (RFC 4861 6.3.4), and an address in it
// (RFC 4862 5.5.3).
func (k *autoLink) prefix(opt []byte) {
	now := k.l.now
	p := Prefix{Addr(opt[16:32]), opt[2]}
	validSecs, preferredSecs := be.Uint32(opt[4:]), be.Uint32(opt[8:])
	if p.Bits > 128 || p.Addr.IsLinkLocal() || p.Addr.IsMulticast() || p.Addr.IsZero() || p.Addr.Is4() || p.Addr.IsLoopback() {
		return
	}
	p = p.Masked()
	valid, preferred := lifetime(validSecs, now), lifetime(preferredSecs, now)
	if opt[3]&0x80 != 0 {
		k.routes = setRoute(k.routes, autoRoute{prefix: p, until: valid}, now, maxAutoRoutes)
	}
	if opt[3]&0x40 == 0 || preferred > valid || p.Bits != 64 {
		return
	}
	known := false
	for _, a := range k.addrs {
		if a.given || !p.Contains(a.Addr) {
			continue
		}
		known = known || !a.temp
		a.extend(preferred, valid, now)
	}
	if !known && valid > now {
		if k.full() {
			k.l.stat.Event(perf.EvAutoRefused)
			return
		}
		k.makeAddr(p.Addr, false, 0, preferred, valid)
	}
}

// extend gives an address the lifetimes of an advertisement. RFC 4862 5.5.3 (e): nobody
// may cut what is left below two hours. RFC 8981 3.4: a temporary one lasts no longer
// than was meant when it was made.
func (a *autoAddr) extend(preferred, valid, now perf.Tick) {
	switch {
	case valid == forever || valid-now > twoHours || valid > a.valid:
	case a.valid-now <= twoHours:
		valid = a.valid
	default:
		valid = now + twoHours
	}
	if a.temp {
		valid, preferred = min(valid, a.made+tempValid), min(preferred, a.made+tempPreferred)
	}
	a.valid, a.preferred = valid, min(preferred, valid)
}

// renewTemporary sees to it that each announced prefix has a temporary address that is
// preferred for a while: RFC 8981 3.4, 3.5.
func (k *autoLink) renewTemporary() {
	if !k.cfg.Temporary {
		return
	}
	now := k.l.now
	for _, a := range slices.Clone(k.addrs) {
		if a.given || a.temp || a.preferred <= now+tempAdvance {
			continue
		}
		p := Prefix{a.Addr, 64}.Masked()
		fresh := slices.ContainsFunc(k.addrs, func(t *autoAddr) bool {
			return t.temp && p.Contains(t.Addr) && t.preferred > now+tempAdvance
		})
		if !fresh {
			desync := perf.Tick(rand.Int64N(int64(tempPreferred * 4 / 10)))
			k.makeAddr(p.Addr, true, 0, min(a.preferred, now+tempPreferred-desync), min(a.valid, now+tempValid))
		}
	}
}

// noRouter: RFC 4861 7.2.5, a neighbour says that it is no router any more.
func (l *Layer) noRouter(n *eth.Neighbor) {
	k := l.auto.link(n.Iface())
	if k == nil {
		return
	}
	gone := func(r autoRoute) bool { return r.gateway == Addr(n.Addr()) }
	k.routers, k.routes = slices.DeleteFunc(k.routers, gone), slices.DeleteFunc(k.routes, gone)
	k.tidy()
}
