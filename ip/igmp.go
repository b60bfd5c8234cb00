package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// Types of IGMP messages. RFC 3376 4, RFC 2236 2, RFC 1112 appendix I.
const (
	igmpQuery    = 0x11
	igmpReport1  = 0x12
	igmpReport2  = 0x16
	igmpLeave    = 0x17
	igmpReport3  = 0x22
	igmpLen      = 8
	igmpQueryLen = 12 // of version 3
)

var (
	allRouters  = From4([4]byte{224, 0, 0, 2})
	allReports3 = From4([4]byte{224, 0, 0, 22})
)

// igmp is the Layer as the receiver of protocol 2.
type igmp Layer

// Input takes an IGMP message. Borrows m.
func (i *igmp) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	l := (*Layer)(i)
	b := m.Bytes()
	if len(b) < igmpLen || Fold(SumChain(m, 0, int(m.PktLen), 0)) != 0xffff {
		return perf.DropIGMPBad
	}
	if p.LinkBroadcast != p.Multicast {
		return perf.DropIGMPBad
	}
	t := l.talkerOf(p.Iface, false)
	if t == nil {
		return perf.Delivered // another core speaks for us
	}
	switch b[0] {
	case igmpQuery:
		q, ok := parseIGMPQuery(b)
		if !ok {
			return perf.DropIGMPBad
		}
		l.stat.Event(perf.EvGroupQuery)
		t.asked(&q)
	case igmpReport1, igmpReport2:
		t.heard(From4([4]byte(b[4:8])))
	case igmpLeave, igmpReport3: // for routers
	default:
		return perf.DropIGMPBad // RFC 3376 4: unknown types are ignored
	}
	return perf.Delivered
}

// Error ignores errors about reports: nobody waits for them.
func (*igmp) Error(*Error) perf.Verdict { return perf.DropICMPStale }

// parseIGMPQuery reads a query and finds its version: RFC 3376 7.1. b has igmpLen bytes.
func parseIGMPQuery(b []byte) (q query, ok bool) {
	code := b[1]
	q = query{version: 3, group: From4([4]byte(b[4:8]))}
	if !q.group.IsZero() && !q.group.IsMulticast() {
		return q, false
	}
	switch {
	case len(b) == igmpLen && code == 0:
		q.version, q.within = 1, 10*perf.Second // RFC 2236 4
		return q, true
	case len(b) == igmpLen:
		q.version, q.within = 2, perf.Tick(code)*perf.Second/10
		return q, true
	case len(b) < igmpQueryLen:
		return q, false
	}
	q.within = perf.Tick(floatCode(uint16(code), 8)) * perf.Second / 10
	q.robust = int(b[8] & 7)
	n := int(be.Uint16(b[10:12]))
	if len(b) < igmpQueryLen+4*n || n > 0 && q.group.IsZero() {
		return q, false
	}
	q.sources = b[igmpQueryLen : igmpQueryLen+4*n]
	return q, true
}

// floatCode is a time of 8 or 16 bits: from the middle on a mantissa with an exponent of
// three bits. RFC 3376 4.1.1, RFC 3810 5.1.3.
func floatCode(code uint16, bits uint) int {
	if code < 1<<(bits-1) {
		return int(code)
	}
	mant := bits - 4
	exp := code >> mant & 7
	return int(code&(1<<mant-1)|1<<mant) << (exp + 3)
}

// report is a message of version 3 (MLD: 2) that is being built.
type report struct {
	b []byte // its records
	n int
}

// record adds a record, and sends what does not fit into one packet.
func (t *talker) record(typ recordType, group Addr, sources []Addr) {
	size, room := 4, t.ifc.MTU-maxHdrLen4-igmpLen
	if t.v6 {
		size, room = 16, t.ifc.MTU-HdrLen6-mldAlert-igmpLen
	}
	room = min(room, t.l.dataRoom-2*maxHdrLen4)
	for first := true; first || len(sources) > 0; first = false {
		if len(t.out.b)+4+2*size > room && t.out.n > 0 {
			t.flush()
		}
		fit := min(len(sources), (room-len(t.out.b)-4-size)/size)
		if fit < min(len(sources), 1) {
			return // the link is too narrow for a record
		}
		t.out.b = append(t.out.b, byte(typ), 0)
		t.out.b = be.AppendUint16(t.out.b, uint16(fit))
		t.out.b = append(t.out.b, group[16-size:]...)
		for _, s := range sources[:fit] {
			t.out.b = append(t.out.b, s[16-size:]...)
		}
		t.out.n++
		if typ == isExclude || typ == toExclude {
			return // RFC 3376 4.2.16: such a list is cut, not split
		}
		sources = sources[fit:]
	}
}

// flush sends the records.
func (t *talker) flush() {
	if t.out.n == 0 {
		return
	}
	var head [igmpLen]byte
	be.PutUint16(head[6:], uint16(t.out.n))
	if t.v6 {
		head[0] = mldReport2
		t.sendMLD(allReports6, head[:], t.out.b)
	} else {
		head[0] = igmpReport3
		t.sendIGMP(allReports3, head[:], t.out.b)
	}
	t.out.b, t.out.n = t.out.b[:0], 0
}

// sendIGMP sends a message. RFC 3376 4: with TTL 1 and the Router Alert option.
func (t *talker) sendIGMP(dst Addr, head, body []byte) {
	const hdr = HdrLen4 + 4
	m := t.l.cfg.Pool.Alloc()
	if m == nil {
		t.l.stat.Lose(perf.LostNoMbuf)
		return
	}
	b := m.Append(hdr + len(head) + len(body))
	if b == nil {
		t.l.lose(m, perf.LostTooBig, 0)
		return
	}
	h := Header4(b[:hdr])
	putHeader4(h, &fields4{src: t.source(), dst: dst, total: len(b), tos: 0xc0, ttl: 1, proto: ProtoIGMP})
	h[0] = 4<<4 | hdr/4
	be.PutUint32(h[HdrLen4:], 0x94040000) // RFC 2113 2.1
	h.setChecksum()
	msg := b[hdr:]
	copy(msg[copy(msg, head):], body)
	msg[2], msg[3] = 0, 0
	be.PutUint16(msg[2:], ^Fold(Sum(msg, 0)))
	t.l.stat.Event(perf.EvGroupReport)
	t.l.cfg.Eth.OutputTo(m, t.ifc, eth.GroupMAC4(dst.As4()), eth.TypeIPv4)
}

// source is our address on the link; none yet: 0.0.0.0 (RFC 3376 4.2.13).
func (t *talker) source() Addr {
	if f := t.l.snapshot().iface(t.ifc.Index); f != nil {
		if a := f.first(true); a != (Addr{}) {
			return a
		}
	}
	return FromV4(0)
}
