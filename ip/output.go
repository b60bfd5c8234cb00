package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// txSegs are the flags of a super-segment that the port will cut.
const txSegs = mbuf.TxTCPSeg | mbuf.TxUDPSeg

// Output sends m, which starts at the transport header and is in front of
// enough headroom for the headers below. Takes m, whatever it returns.
//
// A transport checksum that m.OlFlags asks for is left to the port if it can,
// else computed here: the field holds the pseudo header's sum (PseudoSum), and
// m.TxOffload the length of the transport header, and the segment size of a
// super-segment, which passes whole.
//
// EMSGSIZE: m does not fit the path and may not be cut; e.Dst.MTU says what does.
func (l *Layer) Output(m *mbuf.Mbuf, e *Endpoint, proto uint8, now perf.Tick) syscall.Errno {
	if errno := l.Resolve(e); errno != 0 {
		return l.lose(m, perf.LostNoRoute, errno)
	}
	l.now = now
	d := &e.Dst
	if d.Hdr != HdrLen4 {
		return l.output6(m, e, proto)
	}
	f := fields4{src: e.Local, dst: e.Remote, tos: e.TOS, ttl: l.ttlOf(e), proto: proto}
	if e.DontFrag && !d.cut {
		f.frag = flagDF
	} else {
		f.id = l.nextID(d)
	}
	n := HdrLen4 + int(m.PktLen)
	if n > d.MTU && m.OlFlags&txSegs == 0 {
		if n > MaxPacket || f.frag == flagDF {
			return l.lose(m, perf.LostTooBig, syscall.EMSGSIZE)
		}
		return l.outputFragments(m, d, &f)
	}
	if n > MaxPacket || m.OlFlags&txSegs != 0 && HdrLen4+m.L4Len()+m.SegSize() > d.MTU {
		return l.lose(m, perf.LostTooBig, syscall.EMSGSIZE)
	}
	if m.OlFlags&(mbuf.TxL4Mask|txSegs) != 0 {
		l.offload(m, d.Iface, mbuf.TxIPv4)
	}
	return l.send(m, d, &f)
}

// OutputBurst is Output for packets of one endpoint: those but the last are of
// one length, each goes into one buffer, and none is a super-segment. They share
// a header. Takes all of b.
func (l *Layer) OutputBurst(b []*mbuf.Mbuf, e *Endpoint, proto uint8, now perf.Tick) {
	errno := l.Resolve(e)
	d := &e.Dst
	n := int(d.Hdr) + int(b[0].PktLen)
	if errno != 0 || !e.DontFrag || d.cut || n > d.MTU {
		for _, m := range b {
			l.Output(m, e, proto, now)
		}
		return
	}
	l.now = now
	if d.Hdr != HdrLen4 {
		l.outputBurst6(b, e, proto)
		return
	}
	f := fields4{src: e.Local, dst: e.Remote, tos: e.TOS, ttl: l.ttlOf(e), proto: proto, frag: flagDF}
	var h [HdrLen4]byte
	for _, m := range b {
		if k := HdrLen4 + int(m.PktLen); k != f.total {
			f.total = k
			putHeader4(h[:], &f)
			if d.Iface.Offloads&pmd.TxIPChecksum == 0 {
				Header4(h[:]).setChecksum()
			}
		}
		if m.OlFlags&mbuf.TxL4Mask != 0 {
			l.offload(m, d.Iface, mbuf.TxIPv4)
		}
		if d.Iface.Offloads&pmd.TxIPChecksum != 0 {
			m.OlFlags |= mbuf.TxIPChecksum | mbuf.TxIPv4
		}
		copy(m.Prepend(HdrLen4), h[:])
		if m.OlFlags != 0 {
			m.SetTx(0, HdrLen4, m.L4Len(), 0)
		}
	}
	l.sending = true
	l.cfg.Eth.OutputBurst(b, d.Neigh, eth.TypeIPv4, now)
	l.sending = false
}

// lose frees m, which will not leave.
func (l *Layer) lose(m *mbuf.Mbuf, v perf.Verdict, errno syscall.Errno) syscall.Errno {
	l.cfg.Pool.Free(m)
	l.stat.Lose(v)
	return errno
}

// ttlOf is the TTL of e's packets.
func (l *Layer) ttlOf(e *Endpoint) uint8 {
	switch {
	case e.Dst.kind == Multicast:
		return e.groupTTL()
	case e.TTL != 0:
		return e.TTL
	}
	return e.Dst.ttl
}

// send puts the header before m and gives it to the link. Takes m.
func (l *Layer) send(m *mbuf.Mbuf, d *Dst, f *fields4) syscall.Errno {
	f.total = HdrLen4 + int(m.PktLen)
	h := Header4(m.Prepend(HdrLen4))
	if h == nil {
		if m = l.headSegment(m); m == nil {
			return syscall.ENOBUFS
		}
		h = Header4(m.Prepend(HdrLen4))
	}
	putHeader4(h, f)
	if d.Iface.Offloads&pmd.TxIPChecksum != 0 {
		m.OlFlags |= mbuf.TxIPChecksum | mbuf.TxIPv4
	} else {
		h.setChecksum()
	}
	m.SetTx(m.L2Len(), HdrLen4, m.L4Len(), m.SegSize())
	return l.toLink(m, d, eth.TypeIPv4)
}

// toLink gives m, which is complete, to the link. EHOSTUNREACH: the neighbour is dead.
// Takes m.
func (l *Layer) toLink(m *mbuf.Mbuf, d *Dst, ethertype uint16) syscall.Errno {
	if d.kind == Multicast && l.reflect(m, d, ethertype) {
		return 0
	}
	l.sending, l.dead = true, false
	l.cfg.Eth.Output(m, d.Neigh, ethertype, l.now)
	l.sending = false
	if l.dead {
		return syscall.EHOSTUNREACH
	}
	return 0
}

// headSegment puts an empty segment with headroom before m. Takes m; nil if
// there is no buffer, and m is freed.
func (l *Layer) headSegment(m *mbuf.Mbuf) *mbuf.Mbuf {
	h := l.cfg.Pool.Alloc()
	if h == nil {
		l.lose(m, perf.LostNoMbuf, 0)
		return nil
	}
	h.OlFlags = m.OlFlags
	h.SetTx(m.L2Len(), m.L3Len(), m.L4Len(), m.SegSize())
	h.Chain(m)
	return h
}

// offload sees to it that the transport checksum is either the port's work, of
// which it needs to know the version (TxIPv4 or TxIPv6), or done.
func (l *Layer) offload(m *mbuf.Mbuf, ifc *eth.Iface, version uint64) {
	can := true
	switch m.OlFlags & mbuf.TxL4Mask {
	case mbuf.TxTCPChecksum:
		can = ifc.Offloads&pmd.TxTCPChecksum != 0
	case mbuf.TxUDPChecksum:
		can = ifc.Offloads&pmd.TxUDPChecksum != 0
	}
	if can || m.OlFlags&txSegs != 0 {
		m.OlFlags |= version
		return
	}
	finishChecksum(m)
}

// finishChecksum computes the transport checksum of m, which starts at the
// transport header and holds the pseudo header's sum in the checksum field.
func finishChecksum(m *mbuf.Mbuf) {
	at := 16 // RFC 9293 3.1
	if m.OlFlags&mbuf.TxL4Mask == mbuf.TxUDPChecksum {
		at = 6 // RFC 768
	}
	m.OlFlags &^= mbuf.TxL4Mask
	b := m.Bytes()
	if len(b) < at+2 {
		return
	}
	sum := ^Fold(SumChain(m, 0, int(m.PktLen), 0))
	if sum == 0 && at == 6 {
		sum = 0xffff // RFC 768: zero means that there is none
	}
	be.PutUint16(b[at:at+2], sum)
}
