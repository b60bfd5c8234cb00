package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Neighbour discovery (RFC 4861): who has an address, and where. eth keeps what is known
// of neighbours; here are the messages.
const (
	ndLen      = 24 // of a solicitation or an advertisement without options
	ndHopLimit = 255
	optSource  = 1 // the sender's link address
	optTarget  = 2 // the target's
	optNonce   = 14
	optUnit    = 8 // options are multiples of it
)

// ndWay is how messages of neighbour discovery go to groups.
var ndWay = GroupWay{TTL: ndHopLimit, NoLoop: true}

// discovery takes a message of neighbour discovery. Borrows m unless perf.Taken.
func (l *Layer) discovery(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	b := m.Bytes()
	// RFC 4861 6.1, 7.1, 8.1: from this very link. RFC 6980 5: not in fragments.
	if p.TTL != ndHopLimit || b[1] != 0 || len(b) < int(m.PktLen) || p.Reassembled || p.Iface.NoARP {
		return perf.DropNDBad
	}
	switch b[0] {
	case ICMP6NeighborSolicit:
		return l.solicited(b, p)
	case ICMP6NeighborAdvert:
		return l.advertised(b, p)
	case ICMP6RouterAdvert:
		return l.routerAdvertised(b, p)
	case ICMP6Redirect:
		return l.redirected(b, p)
	}
	return perf.DropICMPType // solicitations of routers are not for hosts
}

// ndOptions calls f with the kind and the whole of each option. False: they are broken.
// RFC 4861 6.1.1: a length of zero makes the whole message bad.
func ndOptions(b []byte, f func(kind uint8, opt []byte)) bool {
	for rest := b; len(rest) > 0; {
		if len(rest) < optUnit || rest[1] == 0 || len(rest) < int(rest[1])*optUnit {
			return false
		}
		n := int(rest[1]) * optUnit
		f(rest[0], rest[:n])
		rest = rest[n:]
	}
	return true
}

// linkAddr is the link address in an option, if it is one station's.
func linkAddr(opt []byte) (mac [6]byte, ok bool) {
	mac = [6]byte(opt[2:8])
	return mac, opt[1] == 1 && mac[0]&1 == 0 && mac != [6]byte{}
}

// solicited answers who asks for an address of ours. RFC 4861 7.1.1, 7.2.3, 7.2.4.
func (l *Layer) solicited(b []byte, p *Packet) perf.Verdict {
	if len(b) < ndLen {
		return perf.DropNDBad
	}
	target := Addr(b[8:24])
	var mac [6]byte
	var told bool
	nonce := uint64(0)
	ok := ndOptions(b[ndLen:], func(kind uint8, opt []byte) {
		switch {
		case kind == optSource:
			mac, told = linkAddr(opt)
		case kind == optNonce:
			nonce = be.Uint64(opt) << 16
		}
	})
	probe := p.Src.IsZero()
	switch {
	case !ok, target.IsMulticast(), target.Is4(), target.IsZero():
		return perf.DropNDBad
	case probe && (told || p.Dst.Wire() != SolicitedNode(target)):
		return perf.DropNDBad
	}
	target = target.Scoped(p.Iface.Index)
	if a := l.autoAddr(p.Iface, target); a != nil && a.probing() {
		if probe {
			a.probed(nonce)
		}
		if a.waits {
			return perf.Delivered // RFC 4862 5.4.3: it is not ours yet
		}
	}
	if i, ok := l.routes.ifaceOf(target); !ok || i != p.Iface.Index {
		return perf.DropIPNotOurs
	}
	if told && !probe {
		l.cfg.Eth.Learn(p.Iface, eth.Addr(p.Src), mac)
	}
	switch {
	case p.Copied:
	case probe: // it wants to use the address
		l.advertise(p.Iface, target, AllNodes, mac, eth.FlagOverride)
	case told: // straight back: whoever asks in many names makes us ask nobody
		l.advertise(p.Iface, target, p.Src, mac, eth.FlagSolicited|eth.FlagOverride)
	default:
		e := l.replyTo(p)
		e.Local = target
		l.stat.Event(perf.EvNDAdvertSent)
		l.sendND(p.Iface, e, ICMP6NeighborAdvert, eth.FlagSolicited|eth.FlagOverride, target, optTarget)
	}
	return perf.Delivered
}

// advertise says that target is ours, to dst at a link address that is known, or to a
// group. RFC 4861 7.2.4, 7.2.6.
func (l *Layer) advertise(ifc *eth.Iface, target, dst Addr, mac [6]byte, flags uint8) {
	if m := l.newND(ifc, flags, target, optTarget); m != nil {
		m.Bytes()[0] = ICMP6NeighborAdvert
		l.stat.Event(perf.EvNDAdvertSent)
		l.sendLink6(m, &link6{ifc: ifc, src: target, dst: dst, mac: mac, hops: ndHopLimit})
	}
}

// advertised takes an answer. RFC 4861 7.1.2, 7.2.5.
func (l *Layer) advertised(b []byte, p *Packet) perf.Verdict {
	if len(b) < ndLen {
		return perf.DropNDBad
	}
	target := Addr(b[8:24])
	var mac *[6]byte
	ok := ndOptions(b[ndLen:], func(kind uint8, opt []byte) {
		if a, one := linkAddr(opt); kind == optTarget && one {
			mac = &a
		}
	})
	if !ok || target.IsMulticast() || target.Is4() || p.Multicast && b[4]&eth.FlagSolicited != 0 {
		return perf.DropNDBad
	}
	target = target.Scoped(p.Iface.Index)
	if a := l.autoAddr(p.Iface, target); a != nil {
		a.claimed(mac)
		return perf.Delivered
	}
	l.cfg.Eth.Advertised(p.Iface, eth.Addr(target), mac, b[4])
	return perf.Delivered
}

// solicit asks for the link address of n. RFC 4861 7.2.2.
func (l *Layer) solicit(n *eth.Neighbor, unicast bool) {
	target := Addr(n.Addr())
	e := Endpoint{Remote: SolicitedNode(target).Scoped(n.Iface().Index)}
	if unicast {
		e.Remote = target
	}
	l.stat.Event(perf.EvNDSolicitSent)
	l.sendND(n.Iface(), &e, ICMP6NeighborSolicit, 0, target, optSource)
}

// sendND sends a message about target by e, with ifc's link address as an option.
func (l *Layer) sendND(ifc *eth.Iface, e *Endpoint, typ, flags uint8, target Addr, option uint8) {
	if m := l.newND(ifc, flags, target, option); m != nil {
		e.TTL, e.Group = ndHopLimit, &ndWay
		l.sendICMP6(m, e, typ, l.cfg.Eth.Now())
	}
}

// newND returns a message about target but for its type, with ifc's link address as an
// option; nil: no buffer.
func (l *Layer) newND(ifc *eth.Iface, flags uint8, target Addr, option uint8) *mbuf.Mbuf {
	m := l.cfg.Pool.Alloc()
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return nil
	}
	b := m.Append(ndLen + optUnit)
	clear(b)
	target = target.Wire()
	b[4] = flags
	copy(b[8:24], target[:])
	b[24], b[25] = option, 1
	copy(b[26:32], ifc.MAC[:])
	return m
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
	return l.auto.wants(p.Iface, group)
}
