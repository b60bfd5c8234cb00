package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// RawListener hears the packets of a protocol before whoever is registered for it: raw
// sockets. Both are called on the lcore.
type RawListener interface {
	// Hear borrows m, which starts behind p.Header, and p. It reports whether anybody
	// wanted the packet.
	Hear(m *mbuf.Mbuf, p *Packet) bool
	// HearError borrows e, about a packet of the protocol. It reports whether anybody
	// may have sent it.
	HearError(proto uint8, e *Error) bool
}

// hearing stands in protos before the protocol that is registered. So where nobody
// listens nobody is asked.
type hearing struct {
	l     *Layer
	proto uint8
	raw   RawListener
	next  Protocol // nil: none is registered
}

// Listen lets r hear the packets of protocol n; nil: nobody any more.
func (l *Layer) Listen(n uint8, r RawListener) {
	h, on := l.protos[n].(*hearing)
	switch {
	case on && r == nil:
		l.protos[n] = h.next
	case on:
		h.raw = r
	case r != nil:
		l.protos[n] = &hearing{l: l, proto: n, raw: r, next: l.protos[n]}
	}
}

// slot is where the protocol n that is registered stands.
func (l *Layer) slot(n uint8) *Protocol {
	if h, on := l.protos[n].(*hearing); on {
		return &h.next
	}
	return &l.protos[n]
}

// Input lets the listener hear the packet, and then the protocol have it. What somebody
// heard has done its work, also where the protocol has no use for it.
func (h *hearing) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	heard := !p.Copied && h.raw.Hear(m, p)
	if h.next != nil && (p.Dst.Is4() || h.proto != ProtoICMP) {
		v := h.next.Input(m, p)
		if heard && v.IsDrop() {
			v = perf.Delivered
		}
		return v
	}
	switch {
	case heard:
		return perf.Delivered
	case p.Dst.Is4():
		h.l.sendError(p, m, icmpMsg{typ: ICMPUnreachable, code: CodeProtocol})
	case len(p.Header) == HdrLen6: // else it would have to be found where the number stands
		h.l.sendError6(p, m, icmpMsg{typ: ICMP6Parameter, code: codeNextHeader, rest: 6}, tellSender)
	}
	return perf.DropIPProto
}

// Error does the same with an ICMP error.
func (h *hearing) Error(e *Error) perf.Verdict {
	heard := h.raw.HearError(h.proto, e)
	if h.next != nil {
		if v := h.next.Error(e); v == perf.Delivered || !heard {
			return v
		}
	}
	if heard {
		return perf.Delivered
	}
	return perf.DropICMPStale
}

// OutputWhole sends m, which starts with an IPv4 header of the sender's own, to where e
// says. The lengths and the checksum are filled in, and source and ID where they are zero,
// as for Linux's IP_HDRINCL. Takes m, whatever it returns. EINVAL: there is no whole
// header; EMSGSIZE: m does not fit the link, and such a packet is not cut.
func (l *Layer) OutputWhole(m *mbuf.Mbuf, e *Endpoint, now perf.Tick) syscall.Errno {
	if errno := l.Resolve(e); errno != 0 {
		return l.lose(m, perf.LostNoRoute, errno)
	}
	l.now = now
	d, b := &e.Dst, m.Bytes()
	if len(b) < HdrLen4 || int(b[0]&15)*4 < HdrLen4 || int(b[0]&15)*4 > len(b) {
		l.cfg.Pool.Free(m)
		return syscall.EINVAL
	}
	if int(m.PktLen) > d.Iface.MTU {
		return l.lose(m, perf.LostTooBig, syscall.EMSGSIZE)
	}
	h := Header4(b[:int(b[0]&15)*4])
	be.PutUint16(h[2:], uint16(m.PktLen))
	if be.Uint16(h[4:]) == 0 {
		be.PutUint16(h[4:], l.nextID(d))
	}
	if be.Uint32(h[12:]) == 0 {
		copy(h[12:16], d.Src[12:])
	}
	h.setChecksum()
	return l.toLink(m, d, eth.TypeIPv4)
}
