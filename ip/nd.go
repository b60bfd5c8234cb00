package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Neighbour discovery (RFC 4861): who has an address, and where.
const (
	ndLen      = 24 // of a solicitation or an advertisement without options
	ndHopLimit = 255
	optSource  = 1 // the sender's link address
	optTarget  = 2 // the target's
	optMAC     = 8 // length of either

	flagRouter    = 0x80
	flagSolicited = 0x40
	flagOverride  = 0x20
)

// ndWay is how messages of neighbour discovery go to groups.
var ndWay = GroupWay{TTL: ndHopLimit, NoLoop: true}

// discovery takes a message of neighbour discovery. Borrows m unless perf.Taken.
func (l *Layer) discovery(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	b := m.Bytes()
	// RFC 4861 7.1.1, 7.1.2: from this very link.
	if p.TTL != ndHopLimit || b[1] != 0 || len(b) < int(m.PktLen) {
		return perf.DropNDBad
	}
	switch b[0] {
	case ICMP6NeighborSolicit:
		return l.solicited(b, p)
	case ICMP6NeighborAdvert:
		return l.advertised(b, p)
	}
	return perf.DropICMPType
}

// solicited answers who asks for an address of ours. RFC 4861 7.2.3, 7.2.4.
func (l *Layer) solicited(b []byte, p *Packet) perf.Verdict {
	if len(b) < ndLen {
		return perf.DropNDBad
	}
	target := Addr(b[8:24]).Scoped(p.Iface.Index)
	mac, ok := ndOption(b[ndLen:], optSource)
	if !ok || target.IsMulticast() || target.Is4() {
		return perf.DropNDBad
	}
	if i, ok := l.routes.ifaceOf(target); !ok || i != p.Iface.Index {
		return perf.DropIPNotOurs
	}
	e := l.replyTo(p)
	e.Local = target
	flags := uint8(flagSolicited | flagOverride)
	if p.Src.IsZero() { // it wants to use the address
		e.Remote, flags = AllNodes.Scoped(p.Iface.Index), flagOverride
	} else if mac != [6]byte{} {
		l.cfg.Eth.Learn(p.Iface, eth.Addr(p.Src), mac)
	}
	if !p.Copied {
		l.sendND(p.Iface, e, ICMP6NeighborAdvert, flags, target, optTarget)
	}
	return perf.Delivered
}

// advertised takes the answer. RFC 4861 7.2.5.
func (l *Layer) advertised(b []byte, p *Packet) perf.Verdict {
	if len(b) < ndLen {
		return perf.DropNDBad
	}
	target := Addr(b[8:24]).Scoped(p.Iface.Index)
	mac, ok := ndOption(b[ndLen:], optTarget)
	if !ok || target.IsMulticast() || p.Multicast && b[4]&flagSolicited != 0 {
		return perf.DropNDBad
	}
	n := l.cfg.Eth.Lookup(p.Iface, eth.Addr(target))
	if n == nil || mac == [6]byte{} {
		return perf.Delivered
	}
	l.cfg.Eth.Answered(n, mac, b[4]&flagSolicited != 0)
	return perf.Delivered
}

// ndOption finds the link address in the option of a kind; zero: there is none. False:
// the options are broken.
func ndOption(b []byte, kind uint8) (mac [6]byte, ok bool) {
	for len(b) > 0 {
		if len(b) < 8 || b[1] == 0 || len(b) < int(b[1])*8 {
			return mac, false
		}
		if b[0] == kind && b[1] == 1 {
			mac = [6]byte(b[2:8])
		}
		b = b[int(b[1])*8:]
	}
	return mac, true
}

// solicit asks for the link address of n. RFC 4861 7.2.2.
func (l *Layer) solicit(n *eth.Neighbor, unicast bool) {
	target := Addr(n.Addr())
	e := Endpoint{Remote: SolicitedNode(target).Scoped(n.Iface().Index)}
	if unicast {
		e.Remote = target
	}
	l.sendND(n.Iface(), &e, ICMP6NeighborSolicit, 0, target, optSource)
}

// sendND sends a message about target by e, with ifc's link address as an option.
func (l *Layer) sendND(ifc *eth.Iface, e *Endpoint, typ, flags uint8, target Addr, option uint8) {
	m := l.cfg.Pool.Alloc()
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	b := m.Append(ndLen + optMAC)
	clear(b)
	target = target.Wire()
	b[4] = flags
	copy(b[8:24], target[:])
	b[24], b[25] = option, 1
	copy(b[26:32], ifc.MAC[:])
	e.TTL, e.Group = ndHopLimit, &ndWay
	l.sendICMP6(m, e, typ, l.cfg.Eth.Now())
}

// member6 reports whether this host wants the packet p to a group: RFC 4291 2.8, and
// what sockets have joined.
func (l *Layer) member6(p *Packet) bool {
	group := p.Dst.Wire()
	if group == AllNodes {
		return true
	}
	if g := l.cfg.Groups; g != nil && g.Wants(p.Iface.Index, group, p.Src.Wire()) {
		return true
	}
	f := l.routes.iface(p.Iface.Index)
	if f == nil {
		return false
	}
	for _, a := range f.Prefixes {
		if !a.Is4() && SolicitedNode(a.Addr) == group {
			return true
		}
	}
	return false
}
