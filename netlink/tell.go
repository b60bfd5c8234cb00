package netlink

import (
	"slices"

	"dataplane/ip"
)

// tell sends a message to a group.
func (f *Family) tell(group int, b []byte) { f.multicast(protoRoute, group, 0, nil, b) }

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
	waits bool  // others are still asked for it
	life  *Life // nil: for ever
}

func addresses(r *ip.Routes) (all []held) {
	ifaces := r.Ifaces()
	for i := range ifaces {
		for _, p := range ifaces[i].Prefixes {
			all = append(all, held{&ifaces[i], p, false, nil})
		}
		for _, p := range ifaces[i].Waiting {
			all = append(all, held{&ifaces[i], p, true, nil})
		}
	}
	return all
}

func (h held) is(o held) bool { return h.iface.Index == o.iface.Index && h.Prefix == o.Prefix }

// like is is, and whether it waits.
func (h held) like(o held) bool { return h.is(o) && h.waits == o.waits }

// compare tells what the difference of two snapshots is: what has gone, then what is new,
// addresses before routes, as Linux does.
func (f *Family) compare(old, now *ip.Routes, o *origin) {
	f.compareLinks(old, now, o)
	was, is := addresses(old), addresses(now)
	for _, h := range is {
		if !slices.ContainsFunc(was, h.like) {
			f.tellAddr(rtmNewAddr, h, o)
		}
	}
	before, after := entries(old), entries(now)
	have := make(map[entry]bool, len(after))
	for _, e := range after {
		have[e] = true
	}
	for _, h := range was {
		if !slices.ContainsFunc(is, h.is) {
			f.tellAddr(rtmDelAddr, h, o)
		}
	}
	had, gone := make(map[entry]bool, len(before)), make(map[place]int)
	for i := range before {
		had[before[i]] = true
		if !have[before[i]] {
			gone[before[i].place()]++
		}
	}
	var replaced []entry
	for i := range after {
		if e := &after[i]; !had[*e] && gone[e.place()] > 0 {
			gone[e.place()]--
			replaced = append(replaced, *e)
		}
	}
	for i := range before {
		if e := &before[i]; !have[*e] && gone[e.place()] > 0 {
			f.tellRoute(rtmDelRoute, 0, e, o)
		}
	}
	for i := range after {
		switch e := &after[i]; {
		case had[*e]:
		case slices.Contains(replaced, *e):
			f.tellRoute(rtmNewRoute, flagReplace, e, o)
		default:
			f.tellRoute(rtmNewRoute, flagCreate|flagExcl, e, o)
		}
	}
}

// place is what there is one route of.
type place struct {
	dst    ip.Prefix
	metric uint32
	table  uint8
	kind   uint8
}

func (e *entry) place() place { return place{e.dst, e.metric, e.table, e.kind} }

func (f *Family) tellAddr(typ uint16, h held, o *origin) {
	group := groupAddr6
	if h.Is4() {
		group = groupAddr4
	}
	if f.wanted(group) {
		var w writer
		one := []held{h}
		alive(one, f.plane.Links())
		putAddr(&w, typ, 0, one[0], o)
		f.tell(group, w.b)
	}
}

// tellRoute tells of a route. What comes with an address is nobody's request.
func (f *Family) tellRoute(typ, flags uint16, e *entry, o *origin) {
	if e.protocol == protKernel {
		o = new(origin)
	}
	group := groupRoute6
	if e.dst.Is4() {
		group = groupRoute4
	}
	if f.wanted(group) {
		var w writer
		putRoute(&w, typ, flags, e, o)
		f.tell(group, w.b)
	}
}
