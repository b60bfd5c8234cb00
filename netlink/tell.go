package netlink

import (
	"slices"

	"dataplane/ip"
)

// tell sends a message to a group.
func (f *Family) tell(group int, b []byte) { f.multicast(protoRoute, group, 0, nil, b) }

// tellNeighbor tells of a neighbour that was set or forgotten.
func (f *Family) tellNeighbor(typ uint16, n *Neighbor, o *origin) {
	if !f.wanted(groupNeigh) {
		return
	}
	var w writer
	putNeighbor(&w, typ, 0, n, o)
	f.tell(groupNeigh, w.b)
}

// compareLinks tells of links whose MTU or state has changed.
func (f *Family) compareLinks(old, now *ip.Routes, o *origin) {
	if !f.wanted(groupLink) {
		return
	}
	links, was := f.plane.Links(), old.Ifaces()
	for i, is := range now.Ifaces() {
		if i < len(was) && i < len(links) && (was[i].MTU != is.MTU || was[i].Down != is.Down) {
			var w writer
			putLink(&w, rtmNewLink, 0, &links[i], o)
			f.tell(groupLink, w.b)
		}
	}
}

// held is an address of an interface.
type held struct {
	iface *ip.RouteIface
	ip.Prefix
}

func addresses(r *ip.Routes) (all []held) {
	ifaces := r.Ifaces()
	for i := range ifaces {
		for _, p := range ifaces[i].Prefixes {
			all = append(all, held{&ifaces[i], p})
		}
	}
	return all
}

func (h held) is(o held) bool { return h.iface.Index == o.iface.Index && h.Prefix == o.Prefix }

// compare tells what the difference of two snapshots is: what has gone, then what is new,
// addresses before routes, as Linux does.
func (f *Family) compare(old, now *ip.Routes, o *origin) {
	f.compareLinks(old, now, o)
	was, is := addresses(old), addresses(now)
	for _, h := range is {
		if !slices.ContainsFunc(was, h.is) {
			f.tellAddr(rtmNewAddr, h, o)
		}
	}
	before, after := entries(old), entries(now)
	have := make(map[entry]bool, len(after))
	for _, e := range after {
		have[e] = true
	}
	for i := range before {
		if !have[before[i]] {
			f.tellRoute(rtmDelRoute, &before[i], o)
		}
	}
	for _, h := range was {
		if !slices.ContainsFunc(is, h.is) {
			f.tellAddr(rtmDelAddr, h, o)
		}
	}
	had := make(map[entry]bool, len(before))
	for _, e := range before {
		had[e] = true
	}
	for i := range after {
		if !had[after[i]] {
			f.tellRoute(rtmNewRoute, &after[i], o)
		}
	}
}

func (f *Family) tellAddr(typ uint16, h held, o *origin) {
	group := groupAddr6
	if h.Is4() {
		group = groupAddr4
	}
	if f.wanted(group) {
		var w writer
		putAddr(&w, typ, 0, h.iface, h.Prefix, o)
		f.tell(group, w.b)
	}
}

func (f *Family) tellRoute(typ uint16, e *entry, o *origin) {
	group := groupRoute6
	if e.dst.Is4() {
		group = groupRoute4
	}
	if f.wanted(group) {
		var w writer
		putRoute(&w, typ, 0, e, o)
		f.tell(group, w.b)
	}
}
