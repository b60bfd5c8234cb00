package ip

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

// linear is how much of a reassembled datagram's payload lies in its first
// segment: more than any transport header, and than an ICMP error must quote.
const linear = 128

// complete joins the pieces of d and hands the datagram up. All its frames are
// booked as Taken; if it is dropped after all, that is put right.
func (l *Layer) complete(d *datagram) perf.Verdict {
	frames := d.frames
	p := &l.pkt
	now := p.Now
	*p = d.pkt
	p.Now, p.Reassembled = now, true
	x, v := d.header()
	m := l.join(d)
	l.frags.unlink(d)
	l.stat.Event(perf.EvIPReassembled)
	if v == perf.Delivered {
		if l.steer(m, p) {
			return perf.Taken
		}
		if b := m.Bytes(); p.Dst.Is4() {
			m.Adj(x.at)
			v = l.deliver(m, b[:x.at], p)
		} else {
			v = l.upper(m, b[:HdrLen6], p, x)
		}
	}
	if v == perf.Taken {
		return v
	}
	if v != perf.Delivered {
		l.stat.Late(v, frames)
	}
	l.cfg.Pool.Free(m)
	return perf.Taken
}

// header brings the first fragment's header back before its payload and makes
// it the datagram's. What follows it stands at x.at.
func (d *datagram) header() (x extension, v perf.Verdict) {
	b := d.pieces[0].m.Prepend(d.hdrLen)
	// RFC 3168 5.3: one fragment with CE makes it the datagram's, but CE cannot
	// have come to a packet that is not ECN-capable.
	ce := d.ecn&(1<<3) != 0
	if ce && d.ecn&1 != 0 {
		return x, perf.DropFragBad
	}
	if !d.pkt.Dst.Is4() {
		return d.header6(b, ce)
	}
	if d.hdrLen+d.total > MaxPacket {
		return x, perf.DropFragBad
	}
	h := Header4(b)
	if ce {
		h[1] |= 3
	}
	be.PutUint16(h[2:4], uint16(d.hdrLen+d.total))
	h[6], h[7] = 0, 0
	h.setChecksum()
	x.at = d.hdrLen
	return x, perf.Delivered
}

// join makes one chain of the pieces; the first starts at its header.
func (l *Layer) join(d *datagram) *mbuf.Mbuf {
	head := d.pieces[0].m
	last := head
	for i := range d.pieces {
		m := d.pieces[i].m
		if i > 0 {
			last.SetNext(m)
			head.NbSegs += m.NbSegs
			head.PktLen += m.PktLen
			m.NbSegs, m.PktLen = 1, uint32(m.DataLen)
		}
		for last = m; last.Next() != nil; {
			last = last.Next()
		}
	}
	d.pieces = d.pieces[:0]
	// What the port said of the transport checksum was about a fragment.
	head.OlFlags &^= mbuf.RxL4ChecksumGood | mbuf.RxL4ChecksumBad
	head.OlFlags |= mbuf.RxIPChecksumGood
	l.pullUp(head, d.hdrLen+linear)
	return head
}

// pullUp moves bytes from the following segments until the first holds n of
// them, or all there are. Emptied segments are freed.
func (l *Layer) pullUp(m *mbuf.Mbuf, n int) {
	for int(m.DataLen) < n && m.Next() != nil {
		s := m.Next()
		k := min(n-int(m.DataLen), int(s.DataLen), m.Tailroom())
		if k == 0 && s.DataLen > 0 {
			return
		}
		copy(m.Room()[m.DataLen:], s.Bytes()[:k])
		m.DataLen += uint16(k)
		s.DataOff += uint16(k)
		s.DataLen -= uint16(k)
		if s.DataLen == 0 {
			m.SetNext(s.Next())
			m.NbSegs--
			s.SetNext(nil)
			s.NbSegs = 1
			l.cfg.Pool.Free(s)
		}
	}
}

// steer offers m, which starts at its IP header, to other cores. It takes m if
// it returns true.
func (l *Layer) steer(m *mbuf.Mbuf, p *Packet) bool {
	if l.cfg.Steer == nil || p.Broadcast || p.Multicast || p.Copied || p.Iface.Loopback {
		return false
	}
	b := m.Prepend(eth.HdrLen)
	if b == nil {
		return false
	}
	dst := p.Iface.MAC
	if p.LinkBroadcast {
		dst = eth.BroadcastMAC
	}
	ethertype := uint16(eth.TypeIPv4)
	if !p.Dst.Is4() {
		ethertype = eth.TypeIPv6
	}
	eth.PutHeader(b, dst, [6]byte{}, ethertype)
	if p.Iface.VLAN != 0 {
		m.OlFlags |= mbuf.RxVLAN | mbuf.RxVLANStripped
		m.VlanTCI = p.Iface.VLAN
	}
	if l.cfg.Steer(m) {
		return true
	}
	m.Adj(eth.HdrLen)
	return false
}
