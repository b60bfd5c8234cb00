package ip

import (
	"syscall"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Send is Output for a packet that needs nothing but its header: e has just been
// resolved, m is no longer than its link carries, is no super-segment, and its
// transport checksum is done, or asked of a port that can. Takes m.
func (l *Layer) Send(m *mbuf.Mbuf, e *Endpoint, proto uint8, now perf.Tick) syscall.Errno {
	l.now = now
	d := &e.Dst
	if d.Hdr != HdrLen4 {
		return l.send6(m, e, proto)
	}
	// The header's 20 bytes as two words and the destination.
	w0 := uint64(4<<4|HdrLen4/4)<<56 | uint64(e.TOS)<<48 | uint64(HdrLen4+m.PktLen)<<32
	if e.DontFrag && !d.cut {
		w0 |= flagDF
	} else {
		w0 |= uint64(l.nextID(d)) << 16
	}
	w1 := uint64(l.ttlOf(e))<<56 | uint64(proto)<<48 | uint64(e.Local.V4())
	b := d.Neigh.Frame(m, HdrLen4, eth.TypeIPv4, now)
	straight := b != nil
	if !straight {
		if b = m.Prepend(HdrLen4); b == nil { // nobody makes packets without headroom
			return l.lose(m, perf.LostNoMbuf, syscall.ENOBUFS)
		}
	}
	if d.Iface.Offloads&pmd.TxIPChecksum != 0 {
		m.OlFlags |= mbuf.TxIPChecksum
	} else {
		s := uint32(w0>>48) + uint32(w0>>32)&0xffff + uint32(w0>>16)&0xffff + uint32(w0)&0xffff
		w1 |= uint64(^Fold(s+uint32(w1>>48)+d.pair)) << 32
	}
	h := (*[HdrLen4]byte)(b)
	be.PutUint64(h[0:], w0)
	be.PutUint64(h[8:], w1)
	be.PutUint32(h[16:], e.Remote.V4())
	if m.OlFlags != 0 {
		m.OlFlags |= mbuf.TxIPv4
		m.SetTx(eth.HdrLen, HdrLen4, m.L4Len(), 0)
	}
	if straight {
		d.Neigh.Send(m)
		return 0
	}
	return l.toLink(m, d, eth.TypeIPv4)
}

// Begin is the first half of a Send that needs nobody's help: it puts all headers below
// the transport's into the fresh buffer m, and lends the n bytes behind them to be written,
// checksum and all. Then d.Neigh.Send sends them. nil: nothing was done, it takes Send; so
// it is where the port makes checksums.
// Borrows m.
func (l *Layer) Begin(m *mbuf.Mbuf, e *Endpoint, proto uint8, n int, now perf.Tick) []byte {
	d := &e.Dst
	if d.Hdr != HdrLen4 {
		return l.begin6(m, e, proto, n, now)
	}
	if d.Iface.Offloads&pmd.TxChecksums != 0 {
		return nil
	}
	link := d.Neigh.Header(now)
	if link == nil {
		return nil
	}
	b := m.Frame(atLoad, n)
	if len(b) < atLoad {
		return nil
	}
	l.now = now
	head := uint64(4<<4|HdrLen4/4)<<24 | uint64(e.TOS)<<16 | uint64(HdrLen4+n)
	part := uint64(flagDF)
	if !e.DontFrag || d.cut {
		part = uint64(l.nextID(d)) << 16
	}
	life := uint64(l.ttlOf(e))<<8 | uint64(proto)
	sum := ^Fold(uint32(head>>16) + uint32(head&0xffff) + uint32(part>>16) + uint32(part&0xffff) + uint32(life) + d.pair)
	h := (*[atLoad]byte)(b)
	*(*[eth.HdrLen]byte)(h[:]) = *link
	be.PutUint16(h[atIP-2:], eth.TypeIPv4)
	be.PutUint64(h[atIP:], head<<32|part)
	be.PutUint32(h[atIP+8:], uint32(life<<16)|uint32(sum))
	le.PutUint32(h[atIP+12:], le.Uint32(e.Local[12:]))
	le.PutUint32(h[atIP+16:], le.Uint32(e.Remote[12:]))
	return b[atLoad:]
}

// PseudoSum is the sum of the pseudo header of e's packets, which are resolved.
func (e *Endpoint) PseudoSum(proto uint8, length int) uint32 {
	return e.Dst.pair + uint32(proto) + uint32(length)
}

// pairSum is what two addresses add to a checksum.
func pairSum(a, b Addr) uint32 {
	if !b.Is4() {
		a, b = a.Wire(), b.Wire()
		return uint32(Checksum(a[:], 0)) + uint32(Checksum(b[:], 0))
	}
	x, y := a.V4(), b.V4()
	return x>>16 + x&0xffff + y>>16 + y&0xffff
}
