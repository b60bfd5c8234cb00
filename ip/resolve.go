package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/perf"
)

// Resolve sees to it that e.Dst leads to e.Remote, and gives e a source address
// if it has none. It costs a few comparisons while nothing has changed.
//
// ENETUNREACH: no route. EADDRNOTAVAIL: e.Local is not ours, or we have no
// address there. EACCES: a broadcast address, and e.Broadcast is not set.
// EINVAL: from 127/8 to somebody else. EAFNOSUPPORT: from one family to the other.
func (l *Layer) Resolve(e *Endpoint) syscall.Errno {
	l.snapshot()
	d := &e.Dst
	if d.gen == l.gen && d.to == e.Remote && d.Src == e.Local && !d.Neigh.Dead() &&
		(d.kind < Broadcast || d.fits(e)) {
		return 0
	}
	c := &l.dsts[dstRow(e.Remote)]
	if e.device() == 0 && c.gen == l.gen && c.to == e.Remote && (c.Src == e.Local || c.auto && e.Local.IsZero()) && !c.Neigh.Dead() {
		e.Dst = c.Dst
		e.setLocal(c.Src)
		return 0
	}
	auto := e.Local.IsZero()
	errno := l.resolve(e)
	// What a broadcast needs depends on more than its addresses, as does what leaves by
	// a link that the program has chosen.
	if errno == 0 && (d.kind == Unicast || d.kind == Local) && e.device() == 0 {
		c.Dst, c.auto = *d, auto
	}
	return errno
}

// Holds reports whether e, which was resolved before and has not changed since, would be
// resolved in the same way again.
func (l *Layer) Holds(e *Endpoint) bool {
	l.snapshot()
	d := &e.Dst
	return d.gen == l.gen && d.kind < Broadcast && !d.Neigh.Dead()
}

// dstRows is how many destinations a core remembers the way to, for sockets that
// talk to many and for answers.
const dstRows = 256

// known is a way that is remembered.
type known struct {
	Dst
	auto bool // Src was chosen for an endpoint that had none
}

// dstRow is where a destination is remembered. Whoever makes many collide only
// makes them be looked up.
func dstRow(a Addr) uint32 {
	return (be.Uint32(a[12:]) ^ be.Uint32(a[8:])) * 0x9e3779b1 >> 24
}

// resolve fills e.Dst anew.
func (l *Layer) resolve(e *Endpoint) syscall.Errno {
	e.Dst.gen = 0
	r := l.routes
	if !e.Local.IsZero() && !r.IsLocal(e.Local) {
		return syscall.EADDRNOTAVAIL
	}
	if e.Local.Is4() && !e.Remote.Is4() || e.Remote.Is4() && !e.Local.Is4() && !e.Local.IsZero() {
		return syscall.EAFNOSUPPORT
	}
	rt, ok := l.route(e)
	if !ok {
		return syscall.ENETUNREACH
	}
	ifc := l.iface(rt.Iface)
	if ifc == nil {
		return syscall.ENETUNREACH // this core has no queue of the port
	}
	if rt.Kind == Broadcast && !e.Broadcast {
		return syscall.EACCES
	}
	src := e.Local
	if src.IsZero() {
		src = rt.Src
	}
	switch {
	case src.IsZero():
		return syscall.EADDRNOTAVAIL
	case !ifc.Loopback && (src.IsLoopback() || e.Remote.IsLoopback()):
		return syscall.EINVAL // RFC 1122 3.2.1.3 (g): 127/8 never leaves the host
	}
	hop := e.Remote
	switch {
	case rt.Kind == Broadcast:
		hop = broadcast4
	case !rt.Gateway.IsZero():
		hop = rt.Gateway
	}
	d := Dst{Iface: ifc, Src: src, to: e.Remote, kind: rt.Kind, gen: l.gen, Hdr: HdrLen4, group: e.Group}
	d.ttl = l.ttl
	if !e.Remote.Is4() {
		d.Hdr = HdrLen6
		if f := l.routes.iface(rt.Iface); f != nil && f.Hops != 0 {
			d.ttl = f.Hops
		}
	}
	d.Neigh = l.cfg.Eth.Neighbor(ifc, eth.Addr(hop))
	d.MTU, d.cut = l.narrow(e.Remote, l.linkMTU(&rt, ifc))
	d.idRow, d.idAdd = l.idOf(src, e.Remote)
	d.pair = pairSum(src, e.Remote)
	e.Dst = d
	e.setLocal(src)
	return 0
}

// route finds the way to e.Remote. A broadcast or a group is on every link: an
// endpoint that has an address sends on that address's link.
func (l *Layer) route(e *Endpoint) (Route, bool) {
	if rt, ok := l.groupRoute(e); ok {
		return rt, true
	}
	if dev := e.device(); dev != 0 {
		return l.routes.LookupBy(e.Remote, dev-1)
	}
	if !e.Remote.Is4() {
		return l.route6(e)
	}
	rt, ok := l.routes.Lookup(e.Remote)
	if group := e.Remote.IsMulticast(); (group || e.Remote.IsBroadcast()) && !e.Local.IsZero() && !e.Local.IsLoopback() {
		for _, ifc := range l.ifaces {
			if ifc == nil || ifc.Loopback || !ifc.Owns4(e.Local.As4()) {
				continue
			}
			rt = Route{Iface: ifc.Index, Src: e.Local, Kind: Broadcast}
			if group {
				rt.Kind = Multicast
			}
			return rt, true
		}
	}
	if ok && !rt.Gateway.IsZero() {
		rt = l.gateway(e.Remote, rt)
	}
	return rt, ok
}

// route6 is route of IPv6: a group without a zone is on the link of the address that
// the endpoint has.
func (l *Layer) route6(e *Endpoint) (Route, bool) {
	rt, ok := l.routes.Lookup(e.Remote)
	switch {
	case e.Remote.IsMulticast():
		if i, own := l.routes.ifaceOf(e.Local); own && !e.Remote.NeedsZone() {
			rt, ok = Route{Iface: i, Src: e.Local, Kind: Multicast}, true
		}
	case ok && !rt.Gateway.IsZero():
		rt = l.gateway(e.Remote, rt)
		l.routes.choose6(e.Remote, &rt)
	}
	if ok && len(l.redirects.list) > 0 {
		l.redirects.apply(e.Remote, &rt)
	}
	if f := l.iface(rt.Iface); ok && f != nil && f.MTU < MinMTU6 {
		return Route{}, false // RFC 8200 5: no link for IPv6
	}
	return rt, ok
}

// iface returns this core's interface with a number, nil if it has none.
func (l *Layer) iface(index uint16) *eth.Iface {
	if int(index) < len(l.ifaces) {
		return l.ifaces[index]
	}
	return nil
}

// linkMTU is what the first link of a route carries.
func (l *Layer) linkMTU(rt *Route, ifc *eth.Iface) int {
	mtu := min(ifc.MTU, MaxPacket)
	if rt.MTU > 0 {
		mtu = min(mtu, rt.MTU)
	}
	return max(mtu, 68) // RFC 791 3.2: every link carries that
}

// narrow is what the whole path to dst carries, and whether packets on it may be
// cut even if they ask not to be.
func (l *Layer) narrow(dst Addr, mtu int) (int, bool) {
	if p := l.paths.find(dst); p != nil && p.mtu <= mtu {
		return p.mtu, p.cut
	}
	return mtu, false
}

// PathMTU returns how large a packet to dst may be: what the link carries, or
// less if a router said so. 0: there is no route.
func (l *Layer) PathMTU(dst Addr) int {
	rt, ok := l.snapshot().Lookup(dst)
	if !ok {
		return 0
	}
	ifc := l.iface(rt.Iface)
	if ifc == nil {
		return 0
	}
	mtu, _ := l.narrow(dst, l.linkMTU(&rt, ifc))
	return mtu
}

// deadGateways is how many gateways are remembered to be dead, and for how long.
const (
	deadGateways = 8
	deadTime     = 5 * perf.Minute
)

// deadGateway is a gateway that did not answer.
type deadGateway struct {
	hop   Addr
	until perf.Tick
}

// gateway chooses among the routes to dst the first whose gateway is not known
// to be dead. RFC 1122 3.3.1.4.
func (l *Layer) gateway(dst Addr, rt Route) Route {
	all := l.routes.Gateways(dst)
	if len(all) < 2 {
		return rt
	}
	for _, g := range all {
		if ifc := l.iface(g.Iface); ifc != nil && l.alive(ifc, g.Gateway) {
			return g
		}
	}
	return rt
}

// alive reports whether a gateway may be tried: it has a link address, or
// nothing bad is known of it.
func (l *Layer) alive(ifc *eth.Iface, hop Addr) bool {
	if hop.IsZero() {
		return true
	}
	n := l.cfg.Eth.Lookup(ifc, eth.Addr(hop))
	if n != nil && n.Failed() {
		return false
	}
	if n != nil && n.State(l.now) != eth.Incomplete {
		return true
	}
	for i := range l.deadGates {
		if g := &l.deadGates[i]; g.hop == hop && l.now < g.until {
			return false
		}
	}
	return true
}

// otherGateway makes the next packets to dst try another gateway, if there are
// several: those that failed are remembered, the oldest memory giving way.
func (l *Layer) otherGateway(dst Addr) {
	all := l.snapshot().Gateways(dst)
	if len(all) < 2 {
		return
	}
	l.now = max(l.now, l.cfg.Eth.Now())
	for _, g := range all {
		ifc := l.iface(g.Iface)
		if ifc == nil || g.Gateway.IsZero() {
			continue
		}
		if n := l.cfg.Eth.Lookup(ifc, eth.Addr(g.Gateway)); n == nil || !n.Failed() {
			continue
		}
		slot := &l.deadGates[0]
		for i := range l.deadGates {
			if s := &l.deadGates[i]; s.hop == g.Gateway {
				slot = s
				break
			} else if s.until < slot.until {
				slot = s
			}
		}
		if slot.hop != g.Gateway || slot.until < l.now {
			l.cfg.Log.Warn("gateway does not answer, trying another one", "gateway", g.Gateway, "dst", dst)
		}
		*slot = deadGateway{g.Gateway, l.now + deadTime}
	}
	l.stale()
}

// setLocal sets the source. One that stands already is not written again: who is told
// the names of a connection may be reading it.
func (e *Endpoint) setLocal(a Addr) {
	if e.Local != a {
		e.Local = a
	}
}
