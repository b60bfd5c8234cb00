package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// quoteMax is how much of the offending packet an error carries.
// RFC 1812 4.3.2.3: as much as fits in a packet of 576 bytes.
const quoteMax = 576 - HdrLen4 - icmpHdrLen

// icmpTOS is the precedence of errors, internetwork control. RFC 1812 4.3.2.5.
const icmpTOS = 0xc0

// icmpMsg is the fixed part of an ICMP message.
type icmpMsg struct {
	typ, code uint8
	rest      uint32 // pointer, MTU or unused
}

// NoPort tells the sender of p that nobody has the port it is for, if it may be told
// and the rate limit allows. m starts behind the IP header, as Protocol.Input got it;
// borrows it.
func (l *Layer) NoPort(p *Packet, m *mbuf.Mbuf) {
	if p.Dst.Is4() {
		l.sendError(p, m, icmpMsg{typ: ICMPUnreachable, code: CodePort})
		return
	}
	l.sendError6(p, m, icmpMsg{typ: ICMP6Unreachable, code: code6Port}, tellSender)
}

// sendError sends an ICMP error about p. Borrows m, which starts behind p.Header.
func (l *Layer) sendError(p *Packet, m *mbuf.Mbuf, msg icmpMsg) {
	if !l.mayComplain(p, m) {
		return
	}
	if !l.limit.take(l.cfg.Secret, p.Src, p.Now) {
		l.stat.Event(perf.EvICMPErrorLimited)
		return
	}
	r := l.cfg.Pool.Alloc()
	if r == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	// RFC 1122 3.2.2: the header and at least the first 8 bytes of the payload,
	// unchanged.
	hl := len(p.Header)
	pl := min(quoteMax-hl, int(m.PktLen))
	b := r.Append(icmpHdrLen + hl + pl)
	if b == nil { // buffers of less than 576 bytes
		l.cfg.Pool.Free(r)
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	b[0], b[1], b[2], b[3] = msg.typ, msg.code, 0, 0
	be.PutUint32(b[4:8], msg.rest)
	copy(b[icmpHdrLen:], p.Header)
	m.CopyTo(0, b[icmpHdrLen+hl:])
	be.PutUint16(b[2:4], ^Fold(Sum(b, 0)))
	e := l.replyTo(p)
	e.TOS = icmpTOS
	l.stat.Event(perf.EvICMPErrorSent)
	l.Output(r, e, ProtoICMP, p.Now)
}

// mayComplain is RFC 1122 3.2.2: no error about an ICMP error, a broadcast or
// group (of IP or of the link), a fragment other than the first, or a source
// that is not one host.
func (l *Layer) mayComplain(p *Packet, m *mbuf.Mbuf) bool {
	h := Header4(p.Header)
	switch {
	case p.Broadcast || p.Multicast || p.LinkBroadcast || p.Copied:
		return false
	case h.Offset() != 0:
		return false
	case p.Src.IsZero() || p.Src.IsMulticast() || l.routes.IsBroadcast(p.Src) || p.Src[12] >= 240:
		return false
	case p.Src.IsLoopback() && !p.Iface.Loopback:
		return false
	case h.Proto() == ProtoICMP:
		b := m.Bytes()
		return len(b) > 0 && icmpQuery(b[0])
	}
	return true
}

// icmpQuery reports whether a type is a question or an answer, not an error.
// A type that nobody knows may be an error.
func icmpQuery(typ uint8) bool {
	switch typ {
	case ICMPEchoReply, ICMPEcho, 9, 10, 13, 14, 15, 16, 17, 18:
		return true
	}
	return false
}
