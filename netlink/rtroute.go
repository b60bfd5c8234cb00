package netlink

import (
	"fmt"
	"slices"
	"syscall"

	"dataplane/ip"
)

// Attributes of a route (RTA_*) and what else belongs to struct rtmsg.
const (
	rtaDst       = 1
	rtaOif       = 4
	rtaGateway   = 5
	rtaPriority  = 6
	rtaPrefSrc   = 7
	rtaMetrics   = 8
	rtaMultipath = 9
	rtaCacheInfo = 12
	rtaTable     = 15
	rtaMark      = 16
	rtaVia       = 18
	rtaPref      = 20
	rtaEncap     = 22
	rtaUID       = 25
	rtaxMTU      = 2

	rtmsgLen   = 12
	tableMain  = 254
	tableLocal = 255
	protKernel = 2
	protBoot   = 3
	protStatic = 4

	kindUnicast   = 1
	kindLocal     = 2
	kindBroadcast = 3
	kindMulticast = 5

	hopOnLink      = 4 // RTNH_F_ONLINK
	rtmCloned      = 0x200
	rtmLookupTable = 0x1000
	rtcfMulticast  = 0x20000000
	rtcfBroadcast  = 0x90000000 // and local
	rtcfLocal      = 0x80000000

	metric6 = 1024 // of IPv6 routes that name none
)

// entry is a route as it is shown.
type entry struct {
	dst      ip.Prefix
	gateway  ip.Addr
	src      ip.Addr
	index    uint16 // of package ip
	table    uint8
	protocol uint8
	scope    uint8
	kind     uint8
	metric   uint32
	mtu      int
	flags    uint32
}

// entries lists the routes of a snapshot: those that were added, those of addresses, and
// the local table; IPv4 first.
func entries(r *ip.Routes) (all []entry) {
	for _, rt := range r.Added() {
		all = append(all, added(&rt))
	}
	ifaces := r.Ifaces()
	for i := range ifaces {
		f := &ifaces[i]
		for _, p := range f.Prefixes {
			if e, ok := subnet(f, p); ok {
				all = append(all, e)
			}
		}
	}
	for i := range ifaces {
		for _, p := range ifaces[i].Prefixes {
			all = append(all, own(&ifaces[i], p)...)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return int(family(a.dst.Is4())) - int(family(b.dst.Is4())) })
	return all
}

// added is a route that was asked for.
func added(rt *ip.Route) entry {
	e := entry{
		dst: rt.Prefix, gateway: rt.Gateway, src: rt.Src, index: rt.Iface, table: tableMain, protocol: protStatic,
		kind: kindUnicast, metric: rt.Metric, mtu: rt.MTU,
	}
	if rt.Gateway.IsZero() && rt.Prefix.Is4() {
		e.scope = scopeLink
	}
	if rt.OnLink {
		e.flags = hopOnLink
	}
	return e
}

// subnet is the route that an address brings.
func subnet(f *ip.RouteIface, p ip.Prefix) (entry, bool) {
	if f.Down || f.Loopback || p.Is4() && p.Bits == 32 {
		return entry{}, false
	}
	e := entry{dst: p.Masked(), index: f.Index, table: tableMain, protocol: protKernel, kind: kindUnicast}
	if p.Is4() {
		e.src, e.scope = p.Addr, scopeLink
	} else {
		e.metric = 256
	}
	return e, true
}

// own are the routes of the local table that an address brings.
func own(f *ip.RouteIface, p ip.Prefix) (all []entry) {
	if f.Down {
		return nil
	}
	e := entry{index: f.Index, table: tableLocal, protocol: protKernel, kind: kindLocal}
	if !p.Is4() {
		e.dst = ip.Prefix{Addr: p.Addr, Bits: 128}
		return append(all, e)
	}
	e.src, e.scope = p.Addr, scopeHost
	e.dst = ip.Prefix{Addr: p.Addr, Bits: 32}
	all = append(all, e)
	if f.Loopback && p.Bits < 32 {
		e.dst = p.Masked()
		return append(all, e)
	}
	if b, ok := p.Broadcast(); ok {
		e.dst, e.kind, e.scope = ip.Prefix{Addr: b, Bits: 32}, kindBroadcast, scopeLink
		all = append(all, e)
	}
	return all
}

// putRoute appends a message about a route.
func putRoute(w *writer, typ, flags uint16, e *entry, o *origin) {
	v4 := e.dst.Is4()
	w.begin(typ, flags, o.seq, o.id)
	w.u8(family(v4), e.dst.Bits, 0, 0, e.table, e.protocol, e.scope, e.kind)
	w.u32(e.flags)
	w.attr32(rtaTable, uint32(e.table))
	if e.dst.Bits > 0 {
		w.attrAddr(rtaDst, e.dst.Addr)
	}
	if e.metric != 0 || !v4 {
		w.attr32(rtaPriority, e.metric)
	}
	if !e.gateway.IsZero() {
		w.attrAddr(rtaGateway, e.gateway)
	}
	if !e.src.IsZero() {
		w.attrAddr(rtaPrefSrc, e.src)
	}
	if e.mtu != 0 {
		at := w.nest(rtaMetrics)
		w.attr32(rtaxMTU, uint32(e.mtu))
		w.close(at)
	}
	w.attr32(rtaOif, uint32(e.index)+1)
	if !v4 {
		at := w.nest(rtaCacheInfo)
		w.bytes(make([]byte, 32))
		w.close(at)
		w.attr8(rtaPref, 0)
	}
	w.end()
}

// getRoutes answers RTM_GETROUTE for all.
func (r *request) getRoutes(v4, v6 bool) func(*writer) bool {
	all, o := entries(r.f.plane.Routes()), r.origin()
	return func(w *writer) bool {
		for len(all) > 0 {
			e := &all[0]
			all = all[1:]
			if e.dst.Is4() && v4 || !e.dst.Is4() && v6 {
				putRoute(w, rtmNewRoute, flagMulti, e, &o)
				return true
			}
		}
		return false
	}
}

// getRoute answers RTM_GETROUTE for one destination: the route that a packet would take.
func (r *request) getRoute() error {
	if len(r.data) < rtmsgLen {
		return syscall.EINVAL
	}
	v4, err := inetFamily(r.data[0])
	if err != nil {
		return err
	}
	var a attrs
	a.parse(r.data[rtmsgLen:])
	dst, ok := a.addr(rtaDst, v4)
	if !ok {
		return syscall.EINVAL
	}
	oif, set := a.u32(rtaOif)
	if set = set && oif != 0; set && oif <= ip.AnyIface {
		dst = dst.Scoped(uint16(oif - 1))
	}
	routes := r.f.plane.Routes()
	if v4 && set && !slices.ContainsFunc(routes.Ifaces(), func(f ip.RouteIface) bool { return uint32(f.Index)+1 == oif }) {
		return syscall.ENODEV
	}
	rt, ok := routes.Lookup(dst)
	if !ok || set && oif != uint32(rt.Iface)+1 {
		return syscall.ENETUNREACH
	}
	e := entry{
		dst: ip.Prefix{Addr: dst, Bits: 32}, gateway: rt.Gateway, src: rt.Src, index: rt.Iface, table: tableMain, kind: kindUnicast,
		metric: rt.Metric,
	}
	if !v4 {
		e.dst.Bits = 128
	}
	flags := uint32(rtmCloned)
	switch rt.Kind {
	case ip.Local:
		e.kind, e.table, flags = kindLocal, tableLocal, flags|rtcfLocal
	case ip.Broadcast:
		e.kind, e.table, flags = kindBroadcast, tableLocal, flags|rtcfBroadcast
	case ip.Multicast:
		e.kind, flags = kindMulticast, flags|rtcfMulticast
	}
	if v4 {
		e.metric = 0 // of its own, as Linux's answer
		if native.Uint32(r.data[8:])&rtmLookupTable == 0 {
			e.table = tableMain
		}
	} else {
		flags = rtmCloned
	}
	var w writer
	o := r.origin()
	putRoute(&w, rtmNewRoute, 0, &e, &o)
	native.PutUint32(w.b[headerLen+8:], flags)
	r.reply(&w)
	return nil
}

// asked is a route of a request.
type asked struct {
	route  ip.Route
	oif    bool // Iface was given
	metric bool // Metric was given
	attrs  attrs
}

// asks reads the route that a message of rtmsg is about.
func (r *request) asks() (*asked, error) {
	if len(r.data) < rtmsgLen {
		return nil, syscall.EINVAL
	}
	v4, err := inetFamily(r.data[0])
	if err != nil {
		return nil, err
	}
	q := new(asked)
	a := &q.attrs
	a.parse(r.data[rtmsgLen:])
	table := uint32(r.data[4])
	if t, ok := a.u32(rtaTable); ok {
		table = t
	}
	switch bits := r.data[1]; {
	case v4 && bits > 32 || bits > 128:
		return nil, syscall.EINVAL
	case table != 0 && table != tableMain:
		return nil, fmt.Errorf("netlink: there is no table %d to change: %w", table, syscall.EOPNOTSUPP)
	case r.data[2] != 0 || r.data[3] != 0 || a[rtaMultipath] != nil || a[rtaVia] != nil || a[rtaEncap] != nil:
		return nil, fmt.Errorf("netlink: routes by source, TOS, several ways or tunnels are not offered: %w", syscall.EOPNOTSUPP)
	default:
		q.route.Prefix.Bits = bits
	}
	if v4 {
		q.route.Prefix.Addr = ip.FromV4(0)
	}
	if dst, ok := a.addr(rtaDst, v4); ok {
		q.route.Prefix.Addr = dst
	} else if q.route.Prefix.Bits != 0 {
		return nil, syscall.EINVAL
	}
	if whole := q.route.Prefix; v4 && whole != whole.Masked() {
		if r.Type == rtmDelRoute {
			return nil, syscall.ESRCH
		}
		return nil, syscall.EINVAL
	}
	q.route.Prefix = q.route.Prefix.Masked()
	q.route.Gateway, _ = a.addr(rtaGateway, v4)
	q.route.OnLink = native.Uint32(r.data[8:])&hopOnLink != 0 && !q.route.Gateway.IsZero()
	q.route.Src, _ = a.addr(rtaPrefSrc, v4)
	q.route.Metric, q.metric = a.u32(rtaPriority)
	q.route.Iface = ip.AnyIface
	if oif, ok := a.u32(rtaOif); ok && oif != 0 {
		q.route.Iface, q.oif = uint16(min(oif-1, ip.AnyIface)), true // which there is none of
	}
	var m attrs
	m.parse(a[rtaMetrics])
	if mtu, ok := m.u32(rtaxMTU); ok {
		q.route.MTU = int(min(mtu, 65535))
	}
	return q, nil
}

// newRoute serves RTM_NEWROUTE.
func (r *request) newRoute() error {
	q, err := r.asks()
	switch kind := r.data; {
	case err != nil:
		return err
	case kind[7] != kindUnicast:
		return fmt.Errorf("netlink: routes of type %d are not offered: %w", kind[7], syscall.EOPNOTSUPP)
	case (q.route.Gateway.IsZero() || q.route.OnLink) && !q.oif:
		return syscall.ENODEV
	}
	rt := &q.route
	if !rt.Prefix.Is4() && !q.metric {
		rt.Metric = metric6
	}
	return r.change(func(d *ip.Draft) error {
		if q.oif && d.Iface(rt.Iface) == nil {
			if rt.Prefix.Is4() && !rt.Gateway.IsZero() && !rt.OnLink { // Linux looks for the gateway first
				return syscall.ENETUNREACH
			}
			return syscall.ENODEV
		}
		exists := false
		for _, o := range d.Routes {
			exists = exists || o.Prefix == rt.Prefix && o.Metric == rt.Metric
		}
		switch {
		case exists && r.Flags&flagReplace != 0 && r.Flags&flagExcl == 0:
			d.ReplaceRoute(*rt)
			return nil
		case !exists && r.Flags&flagCreate == 0:
			return syscall.ENOENT
		}
		return d.AddRoute(*rt)
	})
}

// wired is p as it stands in messages.
func wired(p ip.Prefix) ip.Prefix {
	p.Addr = p.Addr.Wire()
	return p
}

// delRoute serves RTM_DELROUTE: the first route that is as was said.
func (r *request) delRoute() error {
	q, err := r.asks()
	if err != nil {
		return err
	}
	return r.change(func(d *ip.Draft) error {
		err := d.DelRoute(func(rt *ip.Route) bool {
			return wired(rt.Prefix) == q.route.Prefix && (!q.metric || rt.Metric == q.route.Metric) &&
				(q.route.Gateway.IsZero() || rt.Gateway.Wire() == q.route.Gateway) &&
				(q.route.Src.IsZero() || rt.Src == q.route.Src) && (!q.oif || rt.Iface == q.route.Iface)
		})
		for _, f := range d.Ifaces {
			for _, p := range f.Prefixes {
				if err != nil && wired(p.Masked()) == q.route.Prefix {
					return fmt.Errorf("netlink: this route goes with the address %s: %w", p, syscall.EOPNOTSUPP)
				}
			}
		}
		return err
	})
}
