package ip

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/perf"
)

// Addresses and routes of IPv6 that nobody configures: RFC 4861 6.3, 4862, 4191, 8106,
// 8981. One core of a plane, the speaker, does it for all. What it finds it tells by
// Config.OnAuto; a goroutine makes the next snapshot of routes of it. Times are the wheel's.

// Auto says what a link does by itself. Its link-local address it checks always.
type Auto struct {
	Routers   bool   // believe routers: addresses, routes, name servers
	Temporary bool   // RFC 8981: use addresses that change
	Secret    []byte // RFC 7217: makes stable addresses that do not tell the link address
}

// AutoState is what a link has found: all of it, each time.
type AutoState struct {
	Iface              uint16
	Addrs              []AutoAddr
	Routes             []Route
	Free               []Prefix // configured addresses that nobody else has
	Gone               []Addr   // ... and those that somebody has
	DNS                []netip.Addr
	MTU                int   // of IPv6 on the link; 0: the link's own
	Hops               uint8 // hop limit of what does not choose one; 0: the default
	Reachable, Retrans perf.Tick
}

// AutoAddr is an address that may be used.
type AutoAddr struct {
	Prefix
	AddrNote
}

// Bounds of one link, so that a flood of advertisements costs little.
const (
	maxAutoAddrs   = 32
	maxAutoRouters = 16
	maxAutoRoutes  = 16
	maxAutoDNS     = 8
	advertRate     = 50 // advertisements of all routers that are read in a second
	advertBurst    = 100
)

// Times. RFC 4861 10, RFC 7559 2, RFC 8981 3.8.
const (
	forever         = perf.Tick(math.MaxInt64)
	solicitInterval = 4 * perf.Second
	solicitMax      = 3600 * perf.Second
	twoHours        = 7200 * perf.Second
	tempValid       = 2 * 24 * 3600 * perf.Second
	tempPreferred   = 24 * 3600 * perf.Second
	tempAdvance     = 5 * perf.Second // before the old one is deprecated a new one is made
)

// The kinds of a link's timers.
const (
	autoExpire  uint8 = iota // something's lifetime has ended
	autoSolicit              // ask routers again
)

// autos is what the speaker knows of all links.
type autos struct {
	links  []*autoLink
	advert bucket
}

// autoLink is one link.
type autoLink struct {
	l       *Layer
	ifc     *eth.Iface
	cfg     Auto
	addrs   []*autoAddr
	routers []autoRoute // default routes
	routes  []autoRoute // more specific ones, and prefixes that are on the link
	dns     []autoDNS
	gone    []Addr
	mtu     int
	hops    uint8

	reachable, retrans perf.Tick
	expire, solicit    timer.Timer
	wait               perf.Tick // before routers are asked again
	heard              bool      // a router has answered
}

// autoRoute is a route with an end. The zero gateway: its prefix is on the link.
type autoRoute struct {
	prefix  Prefix
	gateway Addr
	pref    int8 // RFC 4191 2.1: 1, 0, -1
	until   perf.Tick
}

// autoDNS is a name server with an end.
type autoDNS struct {
	addr  Addr
	until perf.Tick
}

// autoLink returns what is known of a link; nil: another core knows, or nobody.
func (s *autos) link(ifc *eth.Iface) *autoLink {
	for _, k := range s.links {
		if k.ifc == ifc {
			return k
		}
	}
	return nil
}

// autoAddr returns an address of ours that is looked after, nil if a is none.
func (l *Layer) autoAddr(ifc *eth.Iface, a Addr) *autoAddr {
	if k := l.auto.link(ifc); k != nil {
		return k.addr(a)
	}
	return nil
}

func (k *autoLink) addr(a Addr) *autoAddr {
	for _, x := range k.addrs {
		if x.Addr == a {
			return x
		}
	}
	return nil
}

// wants reports whether group is that of an address that is being checked.
func (s *autos) wants(ifc *eth.Iface, group Addr) bool {
	k := s.link(ifc)
	return k != nil && slices.ContainsFunc(k.addrs, func(a *autoAddr) bool { return SolicitedNode(a.Addr) == group })
}

// StartAuto makes the speaker look after the addresses of every link, and ask for
// routers where they are believed. links goes by Index.
func (l *Layer) StartAuto(links []Auto, now perf.Tick) {
	l.now = max(l.now, now)
	l.auto.advert = newBucket(advertRate, advertBurst)
	for _, ifc := range l.ifaces {
		if ifc == nil || ifc.Loopback || ifc.NoARP || ifc.MTU < MinMTU6 {
			continue
		}
		k := &autoLink{l: l, ifc: ifc, wait: solicitInterval}
		if int(ifc.Index) < len(links) {
			k.cfg = links[ifc.Index]
		}
		k.expire.Init(k, autoExpire)
		k.solicit.Init(k, autoSolicit)
		l.auto.links = append(l.auto.links, k)
	}
	l.FollowAddrs(now)
	for _, k := range l.auto.links {
		if k.cfg.Routers {
			k.askRouters()
		}
	}
}

// closeAuto stops the timers.
func (l *Layer) closeAuto() {
	for _, k := range l.auto.links {
		l.cfg.Wheel.Cancel(&k.expire)
		l.cfg.Wheel.Cancel(&k.solicit)
		for _, a := range k.addrs {
			l.cfg.Wheel.Cancel(&a.timer)
		}
	}
	l.auto.links = nil
}

// Expire is the timer of a link.
func (k *autoLink) Expire(kind uint8, at int64) {
	k.l.now = max(k.l.now, perf.Tick(at))
	if kind == autoSolicit {
		if !k.heard {
			k.askRouters()
		}
		return
	}
	k.tidy()
}

// askRouters sends a solicitation, and another one later unless a router answers: RFC
// 4861 6.3.7, and for as long as it takes, ever more seldom (RFC 7559 2).
func (k *autoLink) askRouters() {
	m := k.l.cfg.Pool.Alloc()
	if m != nil {
		src := k.l.linkLocal(k.ifc)
		if a := k.addr(src); a != nil && a.probing() {
			src = Addr{}
		}
		b := m.Append(8 + optUnit)
		clear(b)
		b[0] = ICMP6RouterSolicit
		b[8], b[9] = optSource, 1
		copy(b[10:], k.ifc.MAC[:])
		if src.IsZero() {
			m.Trim(optUnit) // RFC 4861 4.1
		}
		k.l.stat.Event(perf.EvRouterSolicitSent)
		k.l.sendLink6(m, &link6{ifc: k.ifc, src: src, dst: AllRouters, hops: ndHopLimit})
	}
	k.l.cfg.Wheel.Arm(&k.solicit, int64(k.l.now+k.wait*9/10+perf.Tick(rand.Int64N(int64(k.wait/5)))))
	k.wait = min(2*k.wait, solicitMax)
}

// tidy drops what has ended, tells what is left, and waits for the next end.
func (k *autoLink) tidy() {
	now := k.l.now
	over := func(r autoRoute) bool { return r.until <= now }
	k.routers = slices.DeleteFunc(k.routers, over)
	k.routes = slices.DeleteFunc(k.routes, over)
	k.dns = slices.DeleteFunc(k.dns, func(d autoDNS) bool { return d.until <= now })
	for _, a := range slices.Clone(k.addrs) {
		if a.valid <= now && !a.given {
			k.drop(a)
		}
	}
	k.renewTemporary()
	k.publish()
	next := forever
	for _, list := range [][]autoRoute{k.routers, k.routes} {
		for i := range list {
			next = min(next, list[i].until)
		}
	}
	for _, d := range k.dns {
		next = min(next, d.until)
	}
	for _, a := range k.addrs {
		next = min(next, a.next(now))
	}
	k.l.cfg.Wheel.Cancel(&k.expire)
	if next < forever {
		k.l.cfg.Wheel.Arm(&k.expire, int64(next))
	}
}

// publish tells what the link has found.
func (k *autoLink) publish() {
	if k.l.cfg.OnAuto == nil {
		return
	}
	st := AutoState{
		Iface: k.ifc.Index, MTU: k.mtu, Hops: k.hops, Gone: slices.Clone(k.gone),
		Reachable: k.reachable, Retrans: k.retrans,
	}
	for _, a := range k.addrs {
		if a.given && a.waits && !a.probing() {
			st.Free = append(st.Free, Prefix{a.Addr, a.bits})
		}
		if a.given || a.probing() {
			continue
		}
		st.Addrs = append(st.Addrs, AutoAddr{
			Prefix{a.Addr, k.bits(a.Addr)},
			AddrNote{a.Addr, a.preferred <= k.l.now, a.temp},
		})
	}
	used := map[uint32]bool{}
	for _, list := range [][]autoRoute{k.routers, k.routes} {
		for _, r := range list {
			if r.gateway.IsZero() && slices.ContainsFunc(st.Addrs, func(a AutoAddr) bool { return a.Prefix.Masked() == r.prefix }) {
				continue // the address brings it
			}
			m := uint32(1024 - 256*int(r.pref))
			for used[m] {
				m++
			}
			used[m] = true
			st.Routes = append(st.Routes, Route{Prefix: r.prefix, Gateway: r.gateway, Iface: k.ifc.Index, Metric: m})
		}
	}
	for _, d := range k.dns {
		st.DNS = append(st.DNS, netip.AddrFrom16(d.addr.Wire()))
	}
	k.l.cfg.OnAuto(st)
}

// bits is the length of the prefix that a is in, if that is on the link; else 128.
func (k *autoLink) bits(a Addr) uint8 {
	if a.IsLinkLocal() {
		return 64
	}
	for _, r := range k.routes {
		if r.gateway.IsZero() && r.prefix.Contains(a) {
			return r.prefix.Bits
		}
	}
	return 128
}

// lifetime is when something ends that lasts secs from now on; all ones: never.
func lifetime(secs uint32, now perf.Tick) perf.Tick {
	if secs == math.MaxUint32 {
		return forever
	}
	return now + perf.Tick(secs)*perf.Second
}

// setRoute makes a route last until a moment; now: it ends. Those beyond the bound are not taken.
func setRoute(list []autoRoute, r autoRoute, now perf.Tick, bound int) []autoRoute {
	i := slices.IndexFunc(list, func(o autoRoute) bool { return o.prefix == r.prefix && o.gateway == r.gateway })
	switch {
	case r.until <= now && i >= 0:
		return slices.Delete(list, i, i+1)
	case r.until <= now:
	case i >= 0:
		list[i] = r
	case len(list) < bound:
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b autoRoute) int { return cmp.Compare(b.pref, a.pref) })
	return list
}
