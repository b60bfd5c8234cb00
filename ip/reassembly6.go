package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// fragment6 takes a fragment in. m starts at its IPv6 header, and x has found its
// fragment header. Borrows m unless it answers perf.Taken. RFC 8200 4.5.
func (l *Layer) fragment6(m *mbuf.Mbuf, p *Packet, x *extension) perf.Verdict {
	b := m.Bytes()
	at := x.frag + fragLen6
	if len(b) < at {
		if m.NbSegs > 1 {
			return perf.DropLinear
		}
		return perf.DropFragBad
	}
	h := b[x.frag:at]
	word := be.Uint16(h[2:])
	f := part{off: int(word &^ 7), n: int(m.PktLen) - at, more: word&1 != 0, hdrLen: at, next: x.next, ecn: p.TOS & 3}
	if f.off == 0 && !f.more {
		// RFC 6946 4: whole, and nothing to do with fragments of the same ID.
		return l.upper(m, b[:HdrLen6], p, extension{proto: h[0], next: x.frag, at: at, whole: true})
	}
	switch {
	case f.n == 0: // RFC 5722 is silent, but it says nothing
		return perf.DropFragBad
	case f.more && f.n&7 != 0:
		return l.badFragment(m, p, at, fieldMsg(4)) // the payload's length
	case x.frag-HdrLen6+f.off+f.n > MaxPacket:
		return l.badFragment(m, p, at, fieldMsg(x.frag+2)) // the offset
	case f.off == 0 && !wholeHeaders(b, h[0], at):
		return l.badFragment(m, p, at, icmpMsg{typ: ICMP6Parameter, code: codeChain}) // RFC 8200 4.5
	}
	return l.gather(m, fragKey{src: p.Src, dst: p.Dst, id: be.Uint32(h[4:])}, f, p)
}

// wholeHeaders reports whether all extension headers and the header that follows them are
// in the first fragment. RFC 7112 5.
func wholeHeaders(b []byte, proto uint8, at int) bool {
	x := extension{proto: proto, at: at, whole: true}
	if walkExtensions(b, &x) != perf.Delivered && x.tell == tellNobody {
		return false // what others hear of is said of the whole datagram
	}
	need := 0
	switch x.proto {
	case ProtoTCP:
		need = 20
	case ProtoUDP, ProtoUDPLite:
		need = 8
	case ProtoICMPv6:
		need = icmpHdrLen
	}
	return len(b) >= x.at+need
}

// fieldMsg says which field is wrong.
func fieldMsg(at int) icmpMsg {
	return icmpMsg{typ: ICMP6Parameter, code: codeField, rest: uint32(at)}
}

// badFragment tells the sender what is wrong with a fragment.
func (l *Layer) badFragment(m *mbuf.Mbuf, p *Packet, at int, msg icmpMsg) perf.Verdict {
	b := m.Bytes()
	p.Header, p.Proto = b[:at], b[at-fragLen6]
	m.Adj(at)
	l.sendError6(p, m, msg, tellSender)
	return perf.DropFragBad
}

// header6 is header for IPv6: b, the first fragment's headers, loses its fragment header.
func (d *datagram) header6(b []byte, ce bool) (x extension, v perf.Verdict) {
	n := d.hdrLen - fragLen6
	if n-HdrLen6+d.total > MaxPacket {
		return x, perf.DropFragBad
	}
	x = extension{proto: b[n], next: d.nextAt, at: n, whole: true}
	b[d.nextAt] = x.proto
	copy(b[fragLen6:], b[:n])
	d.pieces[0].m.Adj(fragLen6)
	b = b[fragLen6:]
	if ce {
		b[1] |= 3 << 4
	}
	be.PutUint16(b[4:6], uint16(n-HdrLen6+d.total))
	return x, perf.Delivered
}
