package ip

import (
	"math/rand/v2"
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// output6 is Output to an IPv6 address; e is resolved.
func (l *Layer) output6(m *mbuf.Mbuf, e *Endpoint, proto uint8) syscall.Errno {
	d := &e.Dst
	f := fields6{src: e.Local, dst: e.Remote, first: l.firstOf(e, proto)}
	n := HdrLen6 + int(m.PktLen)
	if n > d.MTU && m.OlFlags&txSegs == 0 {
		if n-HdrLen6 > MaxPacket || e.DontFrag {
			return l.lose(m, perf.LostTooBig, syscall.EMSGSIZE)
		}
		return l.outputFragments6(m, d, &f, proto)
	}
	if n-HdrLen6 > MaxPacket || m.OlFlags&txSegs != 0 && HdrLen6+m.L4Len()+m.SegSize() > d.MTU {
		return l.lose(m, perf.LostTooBig, syscall.EMSGSIZE)
	}
	if m.OlFlags&(mbuf.TxL4Mask|txSegs) != 0 {
		l.offload(m, d.Iface, mbuf.TxIPv6)
	}
	return l.sendTo6(m, d, &f)
}

// outputBurst6 is OutputBurst to an IPv6 address: e is resolved, and no packet is
// longer than the path carries.
func (l *Layer) outputBurst6(b []*mbuf.Mbuf, e *Endpoint, proto uint8) {
	f := fields6{src: e.Local, dst: e.Remote, first: l.firstOf(e, proto)}
	var h [HdrLen6]byte
	n := -1
	for _, m := range b {
		if k := int(m.PktLen); k != n {
			n = k
			putHeader6(h[:], &f, n)
		}
		if m.OlFlags&mbuf.TxL4Mask != 0 {
			l.offload(m, e.Dst.Iface, mbuf.TxIPv6)
		}
		copy(m.Prepend(HdrLen6), h[:])
		if m.OlFlags != 0 {
			m.SetTx(0, HdrLen6, m.L4Len(), 0)
		}
	}
	l.sending = true
	l.cfg.Eth.OutputBurst(b, e.Dst.Neigh, eth.TypeIPv6, l.now)
	l.sending = false
}

// firstOf is the first word of the headers of e's packets.
func (l *Layer) firstOf(e *Endpoint, proto uint8) uint64 {
	return firstWord(e.TOS, l.flowLabel(e), proto, l.ttlOf(e))
}

// flowLabel is the number of e's flow. RFC 6437 3: made from the addresses and ports, so
// that it needs no memory, and so that nobody who lacks the secret can tell it.
func (l *Layer) flowLabel(e *Endpoint) uint32 {
	x := uint64(e.Dst.pair)<<32 | uint64(e.LocalPort)<<16 | uint64(e.RemotePort)
	return uint32((x ^ l.labelKey) * (l.labelKey | 1) >> 44)
}

// sendTo6 puts the header before m and gives it to the link. Takes m.
func (l *Layer) sendTo6(m *mbuf.Mbuf, d *Dst, f *fields6) syscall.Errno {
	n := int(m.PktLen)
	b := m.Prepend(HdrLen6)
	if b == nil {
		if m = l.headSegment(m); m == nil {
			return syscall.ENOBUFS
		}
		b = m.Prepend(HdrLen6)
	}
	putHeader6(b, f, n)
	m.SetTx(m.L2Len(), HdrLen6, m.L4Len(), m.SegSize())
	return l.toLink(m, d, eth.TypeIPv6)
}

// send6 is Send to an IPv6 address.
func (l *Layer) send6(m *mbuf.Mbuf, e *Endpoint, proto uint8) syscall.Errno {
	d := &e.Dst
	n := uint64(m.PktLen)
	b := d.Neigh.Frame(m, HdrLen6, eth.TypeIPv6, l.now)
	straight := b != nil
	if !straight {
		if b = m.Prepend(HdrLen6); b == nil {
			return l.lose(m, perf.LostNoMbuf, syscall.ENOBUFS)
		}
	}
	h := (*[HdrLen6]byte)(b)
	be.PutUint64(h[0:], l.firstOf(e, proto)|n<<16)
	putEnds(h, e)
	if m.OlFlags != 0 {
		m.OlFlags |= mbuf.TxIPv6
		m.SetTx(eth.HdrLen, HdrLen6, m.L4Len(), 0)
	}
	if straight {
		d.Neigh.Send(m)
		return 0
	}
	return l.toLink(m, d, eth.TypeIPv6)
}

// begin6 is Begin to an IPv6 address.
func (l *Layer) begin6(m *mbuf.Mbuf, e *Endpoint, proto uint8, n int, now perf.Tick) []byte {
	d := &e.Dst
	if d.Iface.Offloads&pmd.TxChecksums != 0 {
		return nil
	}
	link := d.Neigh.Header(now)
	if link == nil {
		return nil
	}
	b := m.Frame(atLoad6, n)
	if len(b) < atLoad6 {
		return nil
	}
	l.now = now
	*(*[eth.HdrLen]byte)(b) = *link
	be.PutUint16(b[atIP-2:], eth.TypeIPv6)
	h := (*[HdrLen6]byte)(b[atIP:])
	be.PutUint64(h[0:], l.firstOf(e, proto)|uint64(n)<<16)
	putEnds(h, e)
	return b[atLoad6:]
}

// putEnds writes the addresses of e into a header.
func putEnds(h *[HdrLen6]byte, e *Endpoint) {
	*(*Addr)(h[8:]), *(*Addr)(h[24:]) = e.Local, e.Remote
	if e.Local[0] >= 0xfe || e.Remote[0] >= 0xfe {
		asOnWire(h)
	}
}

// asOnWire takes the zones out of a header.
func asOnWire(h *[HdrLen6]byte) {
	*(*Addr)(h[8:]) = Addr(h[8:24]).Wire()
	*(*Addr)(h[24:]) = Addr(h[24:40]).Wire()
}

// outputFragments6 cuts m to the path's MTU and sends the pieces, as outputFragments
// does: each with a fragment header before it. RFC 8200 4.5.
func (l *Layer) outputFragments6(m *mbuf.Mbuf, d *Dst, f *fields6, proto uint8) syscall.Errno {
	id := fragID6()
	f.first = f.first&^0xff00 | ProtoFragment<<8
	return l.cut(m, (d.MTU-HdrLen6-fragLen6)&^7, func(p *mbuf.Mbuf, off int, more bool) syscall.Errno {
		b := p.Prepend(fragLen6)
		if b == nil {
			return l.lose(p, perf.LostNoMbuf, syscall.ENOBUFS)
		}
		b[0], b[1] = proto, 0
		word := uint16(off)
		if more {
			word |= 1
		}
		be.PutUint16(b[2:], word)
		be.PutUint32(b[4:], id)
		return l.sendTo6(p, d, f)
	})
}

// fragID6 is the ID of the next packet that has to be cut. RFC 7739 5.2: drawn at random,
// so that whoever gets some of them can tell no others. Of 32 bits, so none comes again
// while its fragments are under way.
func fragID6() uint32 { return rand.Uint32() }
