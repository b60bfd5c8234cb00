package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// inputV4 is the Layer as eth sees it: the receiver of ethertype 0x0800.
type inputV4 Layer

// Input takes one IPv4 packet in. Borrows m unless it answers perf.Taken.
func (i *inputV4) Input(m *mbuf.Mbuf, ifc *eth.Iface, linkBroadcast bool) perf.Verdict {
	l := (*Layer)(i)
	l.now = l.cfg.Eth.Now()
	h, v := checkHeader(m)
	if v != perf.Delivered {
		return v
	}
	p := &l.pkt
	p.Iface, p.LinkBroadcast, p.Now = ifc, linkBroadcast, l.now
	p.Copied, l.looped = m.OlFlags&mbuf.FlagCopy != 0, m.OlFlags&mbuf.FlagLoop != 0
	if v := l.addresses(h, p); v != perf.Delivered {
		return v
	}
	if pad := int(m.PktLen) - h.TotalLen(); pad > 0 {
		m.Trim(pad) // RFC 1122 2.3.3: Ethernet pads, IP knows the length
	}
	if len(h) > HdrLen4 {
		if v := l.options(m, h, p); v != perf.Delivered {
			return v
		}
	}
	if h.Fragment() {
		return l.fragment(m, h, p)
	}
	p.Reassembled = false
	m.Adj(len(h))
	return l.deliver(m, h, p)
}

// checkHeader is everything that can be checked before anybody is asked.
// The header must lie in the first segment of a chain.
func checkHeader(m *mbuf.Mbuf) (Header4, perf.Verdict) {
	b := m.Bytes()
	h, v := ParseHeader4(b)
	if v != perf.Delivered {
		if m.NbSegs > 1 && (v == perf.DropIPShort || v == perf.DropIPHeader) && int(m.PktLen) >= HdrLen4 {
			v = perf.DropLinear
		}
		return nil, v
	}
	// RFC 1122 3.2.1.2: a bad checksum is dropped silently. Looped packets never
	// were on a wire, and a port may have checked it already.
	if m.OlFlags&(mbuf.RxIPChecksumGood|mbuf.FlagLoop) == 0 && !h.ChecksumOK() {
		return nil, perf.DropIPChecksum
	}
	if h.TotalLen() > int(m.PktLen) {
		return nil, perf.DropIPLength
	}
	return h, perf.Delivered
}

// pairRows is how many pairs of addresses are remembered to be in order.
const pairRows = 64

// pair is a source and a destination that passed addresses: the packets of one
// host to one address of ours.
type pair struct {
	gen uint32 // of the routes it was judged by; 0: empty
	pkt Packet // one of them: it has all that they have in common
}

// note remembers the pair of p, judged by the routes of gen.
func (c *pair) note(p *Packet, gen uint32) {
	c.gen, c.pkt = gen, *p
	c.pkt.cast = cast{}
}

// pairOf returns where two addresses are remembered.
func (l *Layer) pairOf(ends uint64) *pair { return &l.pairs[ends*0x9e3779b97f4a7c15>>58] }

// addresses decides whether the packet may come from its source and whether it
// is for us, and fills in p.
func (l *Layer) addresses(h Header4, p *Packet) perf.Verdict {
	r := l.snapshot()
	p.Broadcast, p.Multicast = false, false
	p.Ends = le.Uint64(h[12:20])
	c := l.pairOf(p.Ends)
	if k := &c.pkt; k.Ends == p.Ends && k.Iface == p.Iface && c.gen == l.gen && !p.LinkBroadcast {
		p.sum, p.Src, p.Dst = k.sum, k.Src, k.Dst
		return perf.Delivered
	}
	p.Src, p.Dst = h.Src(), h.Dst()
	p.sum = pairSum(p.Src, p.Dst)
	switch {
	case r.IsLocal(p.Dst):
		// RFC 1122 3.2.1.3 (g): 127/8 never appears on a wire. Any other address
		// of ours is taken on any interface: the weak host model of 3.3.4.2.
		if p.Dst.IsLoopback() && !p.Iface.Loopback {
			return perf.DropIPNotOurs
		}
		// RFC 1122 3.3.6: a link broadcast must not carry a packet for one host.
		if p.LinkBroadcast {
			return perf.DropIPLinkBroadcast
		}
	case p.Dst.IsMulticast():
		if !l.member(p, h) {
			return perf.DropIPNotOurs
		}
		p.Multicast = true
	case r.IsBroadcast(p.Dst):
		p.Broadcast = true
	default:
		return perf.DropIPNotOurs
	}
	v := l.source(h, p)
	if v == perf.Delivered && !p.Broadcast && !p.Multicast {
		c.note(p, l.gen)
	}
	return v
}

// source checks the source address. RFC 1122 3.2.1.3: it must be one host's
// address, and from a wire neither a loopback address nor one of our own.
func (l *Layer) source(h Header4, p *Packet) perf.Verdict {
	if l.looped || p.Iface.Loopback {
		return perf.Delivered // we made it
	}
	switch top := h[12]; {
	case top == 0:
		// RFC 1122 3.2.1.3 (a), (b): 0.0.0.0 only from a host that looks for its
		// address, by DHCP: to 255.255.255.255 and by UDP.
		if !p.Src.IsZero() || !p.Dst.IsBroadcast() || h.Proto() != ProtoUDP {
			return perf.DropIPSource
		}
	case top == 127, top >= 224: // loopback; groups, class E, limited broadcast
		return perf.DropIPSource
	case l.routes.IsLocal(p.Src), l.routes.IsBroadcast(p.Src):
		return perf.DropIPSource
	}
	return perf.Delivered
}

// allHosts is the group of all hosts on the link.
var allHosts = From4([4]byte{224, 0, 0, 1})

// member reports whether this host wants the packet p to a group. RFC 1112 4: every host
// is in that of all hosts. Who speaks of a group is heard whatever the filters say.
func (l *Layer) member(p *Packet, h Header4) bool {
	g := l.cfg.Groups
	switch {
	case p.Dst == allHosts:
		return true
	case g == nil:
		return false
	case h.Proto() == ProtoIGMP:
		return g.Joined(p.Iface.Index, p.Dst)
	}
	return g.Wants(p.Iface.Index, p.Dst, p.Src)
}

// options checks the header's options. m starts at the IP header.
func (l *Layer) options(m *mbuf.Mbuf, h Header4, p *Packet) perf.Verdict {
	bad, route := walkOptions(h.Options())
	if bad < 0 {
		return perf.Delivered
	}
	p.Header, p.Proto = h, h.Proto()
	m.Adj(len(h))
	if route {
		l.sendError(p, m, icmpMsg{typ: ICMPUnreachable, code: CodeSourceRoute})
	} else {
		// RFC 1122 3.2.2.5: the pointer says which octet is wrong.
		l.sendError(p, m, icmpMsg{typ: ICMPParameter, rest: uint32(HdrLen4+bad) << 24})
	}
	return perf.DropIPOptions
}

// deliver hands a datagram up. m starts behind the IP header h. Borrows m unless
// it answers perf.Taken.
func (l *Layer) deliver(m *mbuf.Mbuf, h Header4, p *Packet) perf.Verdict {
	p.Header = h
	p.Proto, p.TTL, p.TOS = h.Proto(), h.TTL(), h.TOS()
	if t := l.protos[p.Proto]; t != nil {
		return t.Input(m, p)
	}
	l.sendError(p, m, icmpMsg{typ: ICMPUnreachable, code: CodeProtocol}) // RFC 1122 3.2.2.1
	return perf.DropIPProto
}
