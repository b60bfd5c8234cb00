package api

import (
	"net/netip"

	"dataplane/ip"
	"dataplane/pmd"
)

// The routes of everything.
var all4, all6 = ip.FromPrefix(netip.MustParsePrefix("0.0.0.0/0")), ip.Prefix{}

// makeRoutes makes the plane's addresses and routes.
func (n *Net) makeRoutes() error {
	var ifaces []ip.RouteIface
	var routes []ip.Route
	for i, p := range n.ports {
		f := routeIface(i, p.Info())
		if !f.Loopback {
			c := &n.cfg.Ports[i]
			if len(f.Prefixes) > 0 && len(c.Secret) > 0 {
				ids := ip.IIDs{MAC: p.Info().MAC, Name: f.Name, Secret: c.Secret}
				if a, ok := ids.In(ip.LinkLocal([6]byte{}), 0); ok {
					f.Prefixes[0].Addr = a
				}
			}
			checked := len(f.Prefixes) > 0 && !p.Info().NoARP && !c.Optimistic
			for _, a := range c.Addrs {
				if a.Addr().Is6() && checked {
					f.Waiting = append(f.Waiting, ip.FromPrefix(a))
				} else {
					f.Prefixes = append(f.Prefixes, ip.FromPrefix(a))
				}
				f.Brd = append(f.Brd, ip.FromPrefix(a).Addr)
			}
			if c.Gateway.IsValid() {
				routes = append(routes, ip.Route{Prefix: all4, Gateway: ip.FromNetip(c.Gateway), Iface: f.Index, Metric: uint32(i)})
			}
			if c.Gateway6.IsValid() {
				routes = append(routes, ip.Route{Prefix: all6, Gateway: ip.FromNetip(c.Gateway6), Iface: f.Index, Metric: uint32(i)})
			}
		}
		ifaces = append(ifaces, f)
	}
	for _, r := range n.cfg.Routes {
		routes = append(routes, ip.Route{
			Prefix: ip.FromPrefix(r.Dst), Gateway: ip.FromNetip(r.Via), Iface: zoneIface(ifaces, r.Via.Zone()), Metric: uint32(r.Metric),
		})
	}
	rt, err := ip.NewRoutes(ifaces, routes...)
	if err != nil {
		return err
	}
	n.host.Routes.Store(rt)
	return nil
}

// routeIface is what the routes know of port i, with the addresses that nobody has to
// configure: the loopback's, and the link-local one that the port's link address makes.
func routeIface(i int, info pmd.Info) ip.RouteIface {
	f := ip.RouteIface{Index: uint16(i), Name: info.Device, MTU: info.MTU, Loopback: info.Loopback}
	switch {
	case info.Loopback:
		f.Prefixes = []ip.Prefix{ip.FromPrefix(netip.MustParsePrefix("127.0.0.1/8")), {Addr: ip.Loopback6, Bits: 128}}
	case info.MTU >= ip.MinMTU6 && info.MAC != [6]byte{}:
		f.Prefixes = []ip.Prefix{{Addr: ip.LinkLocal(info.MAC), Bits: 64}}
	}
	return f
}

// autos is what the ports do by themselves.
func (n *Net) autos() (all []ip.Auto) {
	for i := range n.cfg.Ports {
		p := &n.cfg.Ports[i]
		all = append(all, ip.Auto{Routers: p.SLAAC, Temporary: p.Private, Secret: p.Secret})
	}
	return all
}

// zoneIface is the interface that a zone names; without one the gateway tells it.
func zoneIface(ifaces []ip.RouteIface, zone string) uint16 {
	for i := range ifaces {
		if zone != "" && ifaces[i].Name == zone {
			return ifaces[i].Index
		}
	}
	return ip.AnyIface
}
