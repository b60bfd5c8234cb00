package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// quoteMax6 is how much of the offending packet an error carries: as much as fits in
// the smallest MTU. RFC 4443 2.4 (c).
const quoteMax6 = MinMTU6 - HdrLen6 - icmpHdrLen

// sendError6 sends an ICMPv6 error about p. Borrows m, which starts behind p.Header.
func (l *Layer) sendError6(p *Packet, m *mbuf.Mbuf, msg icmpMsg, t tell) {
	if !l.mayComplain6(p, m, t) {
		return
	}
	if !l.limit.take(l.cfg.Secret, p.Src, p.Now) { // RFC 4443 2.4 (f)
		l.stat.Event(perf.EvICMPErrorLimited)
		return
	}
	r := l.cfg.Pool.Alloc()
	if r == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	hl := min(len(p.Header), quoteMax6)
	pl := min(quoteMax6-hl, int(m.PktLen))
	b := r.Append(icmpHdrLen + hl + pl)
	if b == nil { // buffers of less than 1280 bytes
		l.cfg.Pool.Free(r)
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	b[1] = msg.code
	be.PutUint32(b[4:8], msg.rest)
	copy(b[icmpHdrLen:], p.Header[:hl])
	m.CopyTo(0, b[icmpHdrLen+hl:])
	if l.sendICMP6(r, l.replyTo(p), msg.typ, p.Now) {
		l.stat.Event(perf.EvICMPErrorSent)
	}
}

// mayComplain6 is RFC 4443 2.4 (e): no error about an ICMPv6 error or a redirect, a
// packet to a group (of IP or of the link) unless t says so, or one whose source is not
// one host. (Fragments other than the first never come so far.)
func (l *Layer) mayComplain6(p *Packet, m *mbuf.Mbuf, t tell) bool {
	switch {
	case p.Copied, (p.Multicast || p.LinkBroadcast) && t != tellAnybody:
		return false
	case p.Src.IsZero() || p.Src.IsMulticast():
		return false
	case p.Src.IsLoopback() && !p.Iface.Loopback:
		return false
	case p.Proto == ProtoICMPv6:
		b := m.Bytes()
		return len(b) > 0 && b[0] >= ICMP6Echo && b[0] != ICMP6Redirect
	}
	return true
}
