package ip

import (
	"cmp"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// GroupWay is how an endpoint sends to groups, and by which link to all others. It never
// changes: who wants another one makes it, and what was resolved by the old one is found
// out of date.
type GroupWay struct {
	Device uint16 // the link that everything leaves by, plus 1; 0: as the routes say
	TTL    uint8  // 0: to our own sockets only
	NoLoop bool   // not to our own sockets
	Iface  uint16 // the link, plus 1; 0: as the routes say
	Src    Addr   // the source; zero: the link's first address
}

// groupTTL is the TTL to groups. RFC 1112 6.1: 1 if nobody asked for more.
func (e *Endpoint) groupTTL() uint8 {
	if e.Group == nil {
		return 1
	}
	return e.Group.TTL
}

// SetTTL sets the TTL of e's packets, whoever they go to.
func (e *Endpoint) SetTTL(ttl uint8) {
	e.TTL = ttl
	if e.Remote.IsMulticast() && e.groupTTL() != ttl {
		w := GroupWay{}
		if e.Group != nil {
			w = *e.Group
		}
		w.TTL = ttl
		e.Group = &w
	}
}

// fits reports whether d, which leads to a broadcast address or a group, is what e asks for.
func (d *Dst) fits(e *Endpoint) bool {
	if d.kind == Broadcast {
		return e.Broadcast
	}
	return d.group == e.Group
}

// groupRoute is the way to a group by the link that the endpoint names.
func (l *Layer) groupRoute(e *Endpoint) (Route, bool) {
	w := e.Group
	if w == nil || !e.Remote.IsMulticast() || w.Iface|w.Device == 0 {
		return Route{}, false
	}
	f := l.routes.iface(cmp.Or(w.Device, w.Iface) - 1)
	if f == nil {
		return Route{}, false
	}
	src := w.Src
	if src.IsZero() {
		src = f.first(e.Remote.Is4())
	}
	return Route{Iface: f.Index, Src: src, MTU: f.MTU, Kind: Multicast}, true
}

// reflect gives a copy of m, which is complete, to our own sockets if they listen to the
// group d leads to, and reports whether that was all that was to be done with m, which
// it then takes; else it borrows m.
func (l *Layer) reflect(m *mbuf.Mbuf, d *Dst, ethertype uint16) (done bool) {
	if d.Iface.Loopback {
		return false // it comes back anyway
	}
	here := d.group != nil && d.group.TTL == 0
	if d.group == nil || !d.group.NoLoop {
		if g := l.cfg.Groups; g != nil && g.Joined(d.Iface.Index, d.to.Wire()) {
			mac := eth.GroupMAC4(d.to.As4())
			if ethertype == eth.TypeIPv6 {
				mac = eth.GroupMAC6(eth.Addr(d.to.Wire()))
			}
			if c := l.copyOf(m); c != nil {
				l.stat.Event(perf.EvGroupLooped)
				l.cfg.Eth.Reflect(c, d.Iface, mac, ethertype)
			}
		}
	}
	if here {
		l.cfg.Pool.Free(m)
	}
	return here
}

// copyOf returns a copy of m with its wishes to the port; nil: the pool is empty.
func (l *Layer) copyOf(m *mbuf.Mbuf) *mbuf.Mbuf {
	head := l.cfg.Pool.Copy(m)
	if head == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return nil
	}
	head.OlFlags, head.TxOffload = m.OlFlags, m.TxOffload
	return head
}
