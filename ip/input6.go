package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// inputV6 is the Layer as eth sees it: the receiver of ethertype 0x86dd.
type inputV6 Layer

// Input takes one IPv6 packet in. Borrows m unless it answers perf.Taken.
func (i *inputV6) Input(m *mbuf.Mbuf, ifc *eth.Iface, linkBroadcast bool) perf.Verdict {
	l := (*Layer)(i)
	l.now = l.cfg.Eth.Now()
	b := m.Bytes()
	h, v := ParseHeader6(b)
	if v != perf.Delivered {
		if m.NbSegs > 1 && v == perf.DropIPShort && int(m.PktLen) >= HdrLen6 {
			v = perf.DropLinear
		}
		return v
	}
	pad := int(m.PktLen) - HdrLen6 - h.PayloadLen()
	if pad < 0 {
		return perf.DropIPLength
	}
	p := &l.pkt
	p.Iface, p.Now = ifc, l.now
	p.cast = cast{LinkBroadcast: linkBroadcast, Copied: m.OlFlags&mbuf.FlagCopy != 0}
	l.looped = m.OlFlags&mbuf.FlagLoop != 0
	if v := l.addresses6(h, p); v != perf.Delivered {
		return v
	}
	if pad > 0 {
		m.Trim(pad)
	}
	return l.upper(m, h, p, extension{proto: h.Next(), at: HdrLen6, next: 6})
}

// upper goes over the extension headers of m, which starts at the header h, from x on,
// and hands up what follows them. Borrows m unless it answers perf.Taken.
func (l *Layer) upper(m *mbuf.Mbuf, h Header6, p *Packet, x extension) perf.Verdict {
	b := m.Bytes()
	p.TTL, p.TOS = h.HopLimit(), h.TrafficClass()
	if x.proto < ProtoTCP || x.proto > ProtoUDP { // hardly ever
		if v := walkExtensions(b, &x); v != perf.Delivered {
			return l.badExtension(m, p, &x, v)
		}
		if x.frag != 0 {
			return l.fragment6(m, p, &x)
		}
	}
	p.Header, p.Proto = b[:x.at], x.proto
	m.Adj(x.at)
	if t := l.protos[x.proto]; t != nil && x.proto != ProtoICMP {
		return t.Input(m, p)
	}
	if x.proto != ProtoNone { // RFC 8200 4.7
		l.sendError6(p, m, icmpMsg{typ: ICMP6Parameter, code: codeNextHeader, rest: uint32(x.next)}, tellSender)
	}
	return perf.DropIPProto
}

// badExtension drops a packet whose extension headers are wrong, and tells its sender
// what he shall hear of.
func (l *Layer) badExtension(m *mbuf.Mbuf, p *Packet, x *extension, v perf.Verdict) perf.Verdict {
	if x.tell == tellNobody {
		if m.NbSegs > 1 && x.at+8 > int(m.DataLen) {
			return perf.DropLinear
		}
		return v
	}
	p.Header, p.Proto = m.Bytes()[:x.at], x.proto
	m.Adj(x.at)
	l.sendError6(p, m, icmpMsg{typ: ICMP6Parameter, code: x.code, rest: uint32(x.bad)}, x.tell)
	return v
}

// pair6 is a source and a destination that passed addresses6, as pair is for IPv4. No other
// pair ever has the Ends of its packets.
type pair6 struct {
	ends [4]uint64 // as they stand in the header
	pair
}

// pair6Of returns where two addresses are remembered.
func (l *Layer) pair6Of(a, b uint64) *pair6 {
	return &l.pairs6[(a^b*0xff51afd7ed558ccd)*0x9e3779b97f4a7c15>>58]
}

// nextPair6 is an Ends that no IPv4 packet has, since none is sent to 0.0.0.0/8, nor any
// pair before.
func (l *Layer) nextPair6() uint64 {
	l.pairs6N++
	return l.pairs6N&0xffffffff | l.pairs6N>>32<<40
}

// addresses6 decides whether the packet may come from its source and whether it is for
// us, and fills in p.
func (l *Layer) addresses6(h Header6, p *Packet) perf.Verdict {
	r := l.snapshot()
	ends := [4]uint64{le.Uint64(h[8:]), le.Uint64(h[16:]), le.Uint64(h[24:]), le.Uint64(h[32:])}
	c := l.pair6Of(ends[1], ends[3])
	if k := &c.pkt; c.ends == ends && k.Iface == p.Iface && c.gen == l.gen && !p.LinkBroadcast {
		p.sum, p.Src, p.Dst, p.Ends = k.sum, k.Src, k.Dst, k.Ends
		return perf.Delivered
	}
	src, dst := h.Src(), h.Dst()
	p.sum = uint32(Checksum(h[8:40], 0))
	// An IPv4-mapped address on a wire would pass for an IPv4 one in here; and bytes that
	// hold a zone in here are zero on every wire.
	if src.Is4() || src.Zone() != 0 {
		return perf.DropIPSource
	}
	if dst.Is4() || dst.Zone() != 0 {
		return perf.DropIPNotOurs
	}
	p.Src, p.Dst = l.zoned(src, p.Iface), l.zoned(dst, p.Iface)
	switch {
	case p.Dst.IsMulticast():
		if !l.member6(p) {
			return perf.DropIPNotOurs
		}
		p.Multicast = true
	case !r.IsLocal(p.Dst), p.Dst.IsLoopback() && !p.Iface.Loopback: // RFC 4291 2.5.3
		return perf.DropIPNotOurs
	case p.LinkBroadcast:
		return perf.DropIPLinkBroadcast
	}
	p.Ends = l.nextPair6()
	if v := l.source6(h, p); v != perf.Delivered {
		return v
	}
	if !p.Multicast && !p.Src.IsZero() {
		c.ends = ends
		c.note(p, l.gen)
	}
	return perf.Delivered
}

// zoned is a, from a packet that came by ifc, with its zone. What we say to ourselves
// comes by the loopback, but is of the link that has the address.
func (l *Layer) zoned(a Addr, ifc *eth.Iface) Addr {
	if !a.NeedsZone() {
		return a
	}
	if ifc.Loopback && !a.IsMulticast() {
		for _, o := range l.routes.local6 {
			if o.Wire() == a {
				return o
			}
		}
	}
	return a.Scoped(ifc.Index)
}

// source6 checks the source address.
func (l *Layer) source6(h Header6, p *Packet) perf.Verdict {
	if l.looped || p.Iface.Loopback {
		return perf.Delivered // we made it
	}
	switch {
	case p.Src.IsZero():
		// RFC 4291 2.5.2: of one that has no address yet. He looks for neighbours, or
		// says what he listens to, which has a hop-by-hop header.
		if n := h.Next(); n != ProtoICMPv6 && n != ProtoHopByHop {
			return perf.DropIPSource
		}
	case p.Src.IsMulticast(), p.Src.IsLoopback(), l.routes.IsLocal(p.Src):
		return perf.DropIPSource
	}
	return perf.Delivered
}
