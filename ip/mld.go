package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Lengths of MLD's messages. RFC 2710 3, RFC 3810 5.
const (
	mldLen      = 24
	mldQueryLen = 28 // of version 2
	mldAlert    = 8  // the hop-by-hop header with the Router Alert option
)

// MLD's names for its messages are ICMPv6 types.
const (
	mldReport1 = ICMP6ListenerReport
	mldDone    = ICMP6ListenerDone
	mldReport2 = ICMP6ListenerReport2
)

// allReports6 is where reports of version 2 go.
var allReports6 = Addr{0: 0xff, 1: 2, 15: 0x16}

// listeners takes an MLD message. Borrows m, which starts at the ICMPv6 header.
func (l *Layer) listeners(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	b := m.Bytes()
	// RFC 3810 5.1.14, 5.2.13, RFC 2710 3: from a neighbour, with hop limit 1. A
	// listener without an address may report from the unspecified one.
	if p.TTL != 1 || len(b) < mldLen && b[0] != mldReport2 || !p.Src.IsLinkLocal() && (b[0] == ICMP6ListenerQuery || !p.Src.IsZero()) {
		return perf.DropMLDBad
	}
	t := l.talkerOf(p.Iface, true)
	if t == nil {
		return perf.Delivered // another core speaks for us
	}
	switch b[0] {
	case ICMP6ListenerQuery:
		q, ok := parseMLDQuery(b)
		if !ok || !routerAlert(p.Header) {
			return perf.DropMLDBad
		}
		l.stat.Event(perf.EvGroupQuery)
		t.asked(&q)
	case mldReport1:
		t.heard(Addr(b[8:24]))
	}
	return perf.Delivered
}

// routerAlert reports whether an IPv6 header is followed by a hop-by-hop header that
// asks routers to look (RFC 2711 2.1).
func routerAlert(h []byte) bool {
	if len(h) < HdrLen6+8 || h[6] != ProtoHopByHop {
		return false
	}
	opts := h[HdrLen6+2 : min(len(h), HdrLen6+8+8*int(h[HdrLen6+1]))]
	for len(opts) > 0 {
		switch {
		case opts[0] == 0: // Pad1
			opts = opts[1:]
			continue
		case len(opts) < 2 || len(opts) < 2+int(opts[1]):
			return false
		case opts[0] == 5:
			return true
		}
		opts = opts[2+int(opts[1]):]
	}
	return false
}

// parseMLDQuery reads a query and finds its version: RFC 3810 8.1. b has mldLen bytes.
func parseMLDQuery(b []byte) (q query, ok bool) {
	code := be.Uint16(b[4:6])
	q = query{version: 2, group: Addr(b[8:24]), within: perf.Tick(code) * perf.Millisecond}
	if !q.group.IsZero() && !q.group.IsMulticast() {
		return q, false
	}
	if len(b) == mldLen {
		return q, true
	}
	if len(b) < mldQueryLen {
		return q, false
	}
	q.version, q.within = 3, perf.Tick(floatCode(code, 16))*perf.Millisecond
	q.robust = int(b[24] & 7)
	n := int(be.Uint16(b[26:28]))
	if len(b) < mldQueryLen+16*n || n > 0 && q.group.IsZero() {
		return q, false
	}
	q.sources = b[mldQueryLen : mldQueryLen+16*n]
	return q, true
}

// sendMLD sends a message. RFC 3810 5: with hop limit 1 and the Router Alert option.
func (t *talker) sendMLD(dst Addr, head, body []byte) {
	m := t.l.cfg.Pool.Alloc()
	if m == nil {
		t.l.stat.Lose(perf.LostNoMbuf)
		return
	}
	b := m.Append(mldAlert + len(head) + len(body))
	if b == nil {
		t.l.lose(m, perf.LostTooBig, 0)
		return
	}
	b[0], b[1] = ProtoICMPv6, 0
	copy(b[2:], []byte{5, 2, 0, 0, 1, 0}) // RFC 2711 2.1, and padding
	copy(b[mldAlert+copy(b[mldAlert:], head):], body)
	t.l.stat.Event(perf.EvGroupReport)
	t.l.sendLink6(m, &link6{ifc: t.ifc, src: t.l.linkLocal(t.ifc), dst: dst, alert: true, hops: 1})
}

// link6 is where an ICMPv6 message that does not leave the link goes, and from whom.
type link6 struct {
	ifc      *eth.Iface
	src, dst Addr
	mac      [6]byte // zero: that of the group dst
	hops     uint8
	alert    bool // the message is behind mldAlert bytes
}

// sendLink6 completes the checksum of an ICMPv6 message and sends it. Takes m.
func (l *Layer) sendLink6(m *mbuf.Mbuf, to *link6) {
	at, next := 0, uint8(ProtoICMPv6)
	if to.alert {
		at, next = mldAlert, ProtoHopByHop
	}
	src, dst := to.src.Wire(), to.dst.Wire()
	msg := m.Bytes()[at:]
	msg[2], msg[3] = 0, 0
	be.PutUint16(msg[2:], ^Fold(Sum(msg, PseudoSum(src, dst, ProtoICMPv6, len(msg)))))
	n := int(m.PktLen)
	putHeader6(m.Prepend(HdrLen6), &fields6{src: src, dst: dst, first: firstWord(0, 0, next, to.hops)}, n)
	mac := to.mac
	if mac == ([6]byte{}) {
		mac = eth.GroupMAC6(eth.Addr(dst))
	}
	l.cfg.Eth.OutputTo(m, to.ifc, mac, eth.TypeIPv6)
}

// linkLocal is our first usable link-local address on a link; the zero Addr: there is none yet.
func (l *Layer) linkLocal(ifc *eth.Iface) Addr {
	if f := l.snapshot().iface(ifc.Index); f != nil {
		for _, p := range f.Prefixes {
			if !p.Is4() && p.Addr.IsLinkLocal() {
				return p.Addr
			}
		}
	}
	return Addr{}
}
