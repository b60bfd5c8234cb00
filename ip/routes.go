package ip

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"

	"dataplane/perf"
)

// RouteKind is what a destination is to this host.
type RouteKind uint8

// The kinds of destinations.
const (
	Unicast   RouteKind = iota // somebody else, on the link or behind a gateway
	Local                      // ourselves: by way of the loopback interface
	Broadcast                  // all stations of a link
	Multicast                  // a group
)

// AnyIface as a Route's Iface lets NewRoutes find it by the gateway.
const AnyIface = 0xffff

// Route says where packets to Prefix go.
type Route struct {
	Prefix  Prefix
	Gateway Addr   // zero: the destination is on the link
	Iface   uint16 // index; AnyIface only in what NewRoutes is given
	Src     Addr   // of packets that have none yet; zero only where we have no address
	MTU     int    // zero: the interface's
	Metric  uint32 // of several routes to one prefix the lowest is used first
	Kind    RouteKind
	OnLink  bool // Gateway is on the link of Iface, though in no subnet of ours
	pinned  bool // Src was asked for
}

// RouteIface is what Routes know of an interface.
type RouteIface struct {
	Index    uint16
	Name     string
	MTU      int
	Loopback bool
	Down     bool     // nothing of it counts: neither addresses nor routes
	Prefixes []Prefix // our addresses with the length of their subnets
	Brd      []Addr   // those that were given together with their broadcast address; it is only told
	Waiting  []Prefix // those of IPv6 that will be ours if nobody on the link has them

	// Of IPv6, by what routers say; zero: the defaults.
	Notes              []AddrNote // of addresses that are not like others
	MTU6               int
	Hops               uint8
	Reachable, Retrans perf.Tick
}

// Routes is a snapshot of addresses and routes. It never changes once made, so
// lcores and goroutines read it freely; a change of configuration makes a new
// one and swaps a pointer.
type Routes struct {
	ifaces []RouteIface
	added  []Route    // as NewRoutes was given them
	routes []Route    // longest prefix first, equal ones by metric
	keys   []wide     // the masked prefix of each route
	groups []bitGroup // runs of one prefix length
	loop   int        // index of the loopback interface, -1: none

	local4, bcast4 []uint32 // sorted
	local6         []Addr   // sorted
}

// bitGroup is routes[from:to], all with prefixes of bits bits (of 128).
type bitGroup struct {
	bits     uint8
	from, to int
}

// wide is an address as a number.
type wide struct{ hi, lo uint64 }

func wideOf(a Addr) wide { return wide{be.Uint64(a[:8]), be.Uint64(a[8:])} }

func (w wide) mask(bits uint8) wide {
	hi, lo := mask6(bits)
	return wide{w.hi & hi, w.lo & lo}
}

func (w wide) cmp(v wide) int {
	if c := cmp.Compare(w.hi, v.hi); c != 0 {
		return c
	}
	return cmp.Compare(w.lo, v.lo)
}

// NewRoutes makes a snapshot. Each address of an interface brings the route to
// its subnet; routes adds others. An error names the route that is wrong.
func NewRoutes(ifaces []RouteIface, routes ...Route) (*Routes, error) {
	r := &Routes{ifaces: slices.Clone(ifaces), loop: -1}
	for i := range r.ifaces {
		r.ifaces[i].scope()
		r.addIface(&r.ifaces[i])
	}
	for _, rt := range routes {
		given := rt
		if err := r.complete(&rt); err != nil {
			return nil, err
		}
		given.Prefix, given.Iface = rt.Prefix, rt.Iface
		r.added = append(r.added, given)
		r.routes = append(r.routes, rt)
	}
	slices.Sort(r.local4)
	slices.Sort(r.bcast4)
	r.local4, r.bcast4 = slices.Compact(r.local4), slices.Compact(r.bcast4)
	slices.SortFunc(r.local6, func(a, b Addr) int { return wideOf(a).cmp(wideOf(b)) })
	r.index()
	return r, nil
}

// scope gives the link-local addresses of f their zone.
func (f *RouteIface) scope() {
	f.Prefixes, f.Waiting = slices.Clone(f.Prefixes), slices.Clone(f.Waiting)
	for _, list := range [][]Prefix{f.Prefixes, f.Waiting} {
		for i := range list {
			if p := &list[i]; p.Bits >= 64 { // a shorter one would be of all links
				p.Addr = p.Addr.Scoped(f.Index)
			}
		}
	}
}

// addIface notes our addresses on f and the subnets they are in.
func (r *Routes) addIface(f *RouteIface) {
	if f.Loopback {
		r.loop = int(f.Index)
	}
	if f.Down {
		return
	}
	for _, p := range f.Prefixes {
		if !p.Is4() {
			r.local6 = append(r.local6, p.Addr)
		} else if !p.Addr.IsLoopback() {
			r.local4 = append(r.local4, p.Addr.V4())
		}
		if f.Loopback {
			continue // an address, but no subnet to be reached
		}
		if b, ok := p.Broadcast(); ok {
			r.bcast4 = append(r.bcast4, b.V4())
		}
		r.routes = append(r.routes, Route{Prefix: p.Masked(), Iface: f.Index, Src: p.Addr, MTU: f.mtu(p.Is4())})
	}
}

// complete checks a route that was asked for and fills in what it leaves open.
func (r *Routes) complete(rt *Route) error {
	rt.Prefix = rt.Prefix.Masked()
	if rt.Iface == AnyIface {
		for i := range r.ifaces {
			if f := &r.ifaces[i]; !f.Loopback && !rt.Gateway.IsZero() && f.onLink(rt.Gateway) {
				rt.Iface = f.Index
				break
			}
		}
		if rt.Iface == AnyIface {
			return fmt.Errorf("ip: route to %s: gateway %s is on no link of ours: %w", rt.Prefix, rt.Gateway, syscall.ENETUNREACH)
		}
	}
	f := r.iface(rt.Iface)
	if f == nil {
		return fmt.Errorf("ip: route to %s: there is no interface %d: %w", rt.Prefix, rt.Iface, syscall.ENODEV)
	}
	if f.Down {
		return fmt.Errorf("ip: route to %s: %s is down: %w", rt.Prefix, f.Name, syscall.ENETDOWN)
	}
	rt.Gateway, rt.Prefix.Addr = rt.Gateway.Scoped(rt.Iface), rt.Prefix.Addr.Scoped(rt.Iface)
	if !rt.Gateway.IsZero() {
		if rt.Gateway.Is4() != rt.Prefix.Is4() {
			return fmt.Errorf("ip: route to %s: gateway %s is of another family: %w", rt.Prefix, rt.Gateway, syscall.EINVAL)
		}
		// RFC 1122 3.3.1.1: a gateway is on a network we are connected to.
		switch {
		case rt.OnLink && (rt.Gateway.IsMulticast() || rt.Gateway.IsBroadcast() || rt.Gateway.IsLoopback() || r.owns(rt.Gateway)):
			return fmt.Errorf("ip: route to %s: %s is nobody's gateway: %w", rt.Prefix, rt.Gateway, syscall.EINVAL)
		case !rt.OnLink && !f.onLink(rt.Gateway) && !rt.Gateway.IsLinkLocal():
			return fmt.Errorf("ip: route to %s: gateway %s is not on the link of %s: %w", rt.Prefix, rt.Gateway, f.Name, syscall.ENETUNREACH)
		}
	}
	if rt.pinned = !rt.Src.IsZero(); !rt.pinned {
		rt.Src = r.source(f, rt)
	} else if !r.IsLocal(rt.Src) && !r.owns(rt.Src) {
		return fmt.Errorf("ip: route to %s: source %s is no address of ours: %w", rt.Prefix, rt.Src, syscall.EINVAL)
	}
	if mtu := f.mtu(rt.Prefix.Is4()); rt.MTU == 0 || rt.MTU > mtu {
		rt.MTU = mtu
	}
	return nil
}

// source is the address packets on rt leave from: the one in the gateway's
// subnet, else the interface's first, else the first of any interface.
func (r *Routes) source(f *RouteIface, rt *Route) Addr {
	if a := f.sourceFor(rt.Gateway); a != (Addr{}) && !a.NeedsZone() {
		return a
	}
	if a := f.first(rt.Prefix.Is4()); a != (Addr{}) {
		return a
	}
	for i := range r.ifaces {
		if a := r.ifaces[i].first(rt.Prefix.Is4()); a != (Addr{}) && !a.IsLoopback() {
			return a
		}
	}
	return Addr{}
}

// mtu is the largest packet of a family on f.
func (f *RouteIface) mtu(v4 bool) int {
	if !v4 && f.MTU6 >= MinMTU6 && f.MTU6 < f.MTU {
		return f.MTU6
	}
	return f.MTU
}

// owns is IsLocal while the tables are not sorted yet.
func (r *Routes) owns(a Addr) bool {
	for i := range r.ifaces {
		for _, p := range r.ifaces[i].Prefixes {
			if p.Addr == a {
				return true
			}
		}
	}
	return false
}

// sourceFor is our address in the subnet of a, the zero Addr if a is not on
// the link.
func (f *RouteIface) sourceFor(a Addr) Addr {
	if f.Down {
		return Addr{}
	}
	for _, p := range f.Prefixes {
		if p.Contains(a) {
			return p.Addr
		}
	}
	return Addr{}
}

// onLink reports whether a is in a subnet of f, also of an address that is not ours yet.
func (f *RouteIface) onLink(a Addr) bool {
	return f.sourceFor(a) != (Addr{}) ||
		!f.Down && slices.ContainsFunc(f.Waiting, func(p Prefix) bool { return p.Contains(a) })
}

// checks reports whether addresses of IPv6 are checked on f before they are used.
func (f *RouteIface) checks() bool {
	return !f.Loopback && slices.ContainsFunc(f.Prefixes, func(p Prefix) bool { return !p.Is4() && p.Addr.IsLinkLocal() })
}

// first is our first address of a family; of IPv6 rather one that is not link-local.
func (f *RouteIface) first(v4 bool) Addr {
	if f.Down {
		return Addr{}
	}
	var local Addr
	for _, p := range f.Prefixes {
		if p.Is4() != v4 {
			continue
		}
		if v4 || !p.Addr.IsLinkLocal() {
			return p.Addr
		}
		if local.IsZero() {
			local = p.Addr
		}
	}
	return local
}

// index sorts the routes and notes where each prefix length begins.
func (r *Routes) index() {
	slices.SortStableFunc(r.routes, func(a, b Route) int {
		if c := cmp.Compare(b.Prefix.wideBits(), a.Prefix.wideBits()); c != 0 {
			return c
		}
		if c := wideOf(a.Prefix.Addr).cmp(wideOf(b.Prefix.Addr)); c != 0 {
			return c
		}
		return cmp.Compare(a.Metric, b.Metric)
	})
	for i := range r.routes {
		p := r.routes[i].Prefix
		r.keys = append(r.keys, wideOf(p.Addr))
		if n := len(r.groups); n > 0 && r.groups[n-1].bits == p.wideBits() {
			r.groups[n-1].to = i + 1
		} else {
			r.groups = append(r.groups, bitGroup{p.wideBits(), i, i + 1})
		}
	}
}

// wideBits is the prefix length as of 128 bits: IPv4 is ::ffff:0:0/96.
func (p Prefix) wideBits() uint8 {
	if p.Is4() {
		return 96 + p.Bits
	}
	return p.Bits
}
