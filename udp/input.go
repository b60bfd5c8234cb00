package udp

import (
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// Input takes in one datagram, or several in one packet that the port has
// merged. Borrows m.
func (l *Layer) Input(m *mbuf.Mbuf, p *ip.Packet) perf.Verdict {
	h, ok := ParseHeader(m.Bytes())
	if !ok {
		if m.PktLen >= HdrLen {
			return perf.DropLinear // the header lies in two segments
		}
		return perf.DropUDPShort
	}
	n := h.Length()
	if n < HdrLen || n > int(m.PktLen) {
		return perf.DropUDPLength
	}
	if extra := int(m.PktLen) - n; extra > 0 {
		m.Trim(extra) // RFC 768: what follows is not part of the datagram
	}
	whole := n == len(h)
	if whole && m.OlFlags == 0 && h.Checksum() != 0 { // most often
		if !p.ChecksumOK(h) {
			return perf.DropUDPChecksum
		}
	} else if !l.sumOK(m, h, p) {
		return perf.DropUDPChecksum
	}
	if p.Broadcast || p.Multicast {
		return l.inputToAll(m, p, h)
	}
	ports := le.Uint32(h)
	f := l.nearTo(p.Ends, ports)
	s := f.s
	if f.ends != p.Ends || f.ports != ports || f.gen != l.gen {
		if s = l.receiver(f, h, p); s == nil {
			if !p.Copied {
				// RFC 1122 4.1.3.1: a port that nobody has is reported.
				l.ip.NoPort(p, m)
			}
			return perf.DropUDPNoPort
		}
	}
	if whole && m.OlFlags&mbuf.RxLRO == 0 {
		if s.calls {
			l.handFlow(s, f.call, h[HdrLen:], p)
			return perf.Delivered
		}
		if !s.odd && l.append(s, f, h[HdrLen:], p) {
			return perf.Delivered
		}
	}
	return l.deliver(s, m, p, h)
}

// append is the short way of a datagram into the ring of s: one of the flow f, in one
// buffer. False: it did nothing.
func (l *Layer) append(s *Sock, f *near, data []byte, p *ip.Packet) bool {
	b := s.RX.Append(sock.Space(len(data)))
	if b == nil {
		return false
	}
	h := (*sock.Record)(b)
	*h = f.head
	h.Came(len(data), p.Iface.Index, p.TTL, p.TOS, p.Now)
	copy(b[len(h):], data)
	if !s.fresh {
		s.fresh = true
		l.fresh = append(l.fresh, s)
	}
	l.stat.Event(perf.EvUDPReceived)
	return true
}

// sumOK checks the checksum. RFC 768: zero means that there is none (RFC 8200
// 8.1: not so for IPv6). RFC 1122 4.1.3.4: a wrong one is dropped silently.
func (l *Layer) sumOK(m *mbuf.Mbuf, h Header, p *ip.Packet) bool {
	if h.Checksum() == 0 {
		return p.Dst.Is4() || m.OlFlags&mbuf.FlagLoop != 0
	}
	// A port has looked at packets, not at what was made of fragments.
	if m.OlFlags&(mbuf.RxL4ChecksumGood|mbuf.FlagLoop) != 0 && !p.Reassembled {
		return true
	}
	n := h.Length()
	if b := m.Bytes(); n <= len(b) {
		return p.ChecksumOK(b[:n])
	}
	return ip.Fold(ip.SumChain(m, 0, n, ip.PseudoSum(p.Src, p.Dst, ip.ProtoUDP, n))) == 0xffff
}

// inputToAll gives a broadcast or multicast datagram to every socket that is
// bound to the port, on any address or on just this one. Connected sockets
// hear only their peer's datagrams to themselves. Nobody is told when there is
// none (RFC 1122 3.2.2).
func (l *Layer) inputToAll(m *mbuf.Mbuf, p *ip.Packet, h Header) perf.Verdict {
	v := perf.DropUDPNoPort
	if p.Copied { // the core that has the original serves those with a part on every core
		v = perf.Delivered
	}
	for i, a := range [3]ip.Addr{p.Dst, {}, ip.Any4} {
		if i == 2 && !p.Dst.Is4() {
			break
		}
		l.wide.Local, l.wide.LocalPort = a, h.DstPort()
		s, _ := l.bound.Lookup(&l.wide)
		for s != nil {
			next := s.next // code inside the plane may close s
			if p.Copied && !s.alone || p.Multicast && !s.crowd.Hears(p) || s.Opt.V6 == sock.V6Only && p.Dst.Is4() {
				s = next
				continue
			}
			if one := l.deliver(s, m, p, h); v != perf.Delivered {
				v = one
			}
			s = next
		}
	}
	return v
}

// deliver copies the payload of m into the receive ring of s, where it becomes
// visible at the end of the burst. Borrows m.
func (l *Layer) deliver(s *Sock, m *mbuf.Mbuf, p *ip.Packet, h Header) perf.Verdict {
	if !l.coversEnough(s, int(m.PktLen)) {
		return perf.DropUDPChecksum
	}
	d := &l.d
	d.Peer.Addr, d.Peer.Port, d.Peer.Zone = p.Src, h.SrcPort(), 0
	d.Local.Addr, d.Local.Port, d.Local.Zone = p.Dst, h.DstPort(), 0
	if p.Src[0]|p.Dst[0] >= 0xfe { // IPv6, and perhaps of one link
		d.Peer, d.Local = endName(p.Src, d.Peer.Port), endName(p.Dst, d.Local.Port)
	}
	d.Iface, d.TTL, d.TOS, d.Time = p.Iface.Index, p.TTL, p.TOS, p.Now
	n, v := l.admit(s, m, p)
	if v != perf.Delivered {
		return v
	}
	d.Len, d.Seg = n-HdrLen, 0
	if m.OlFlags&mbuf.RxLRO != 0 && m.SegSize() > 0 && d.Len > m.SegSize() {
		d.Seg = uint16(m.SegSize())
		if s.train == nil || s.to != nil {
			return l.deliverMany(s, m, d)
		}
	}
	if s.to != nil {
		l.hand(s, m, HdrLen, d)
		return perf.Delivered
	}
	if !l.put(s, m, HdrLen, d) {
		return perf.DropUDPFull
	}
	return perf.Delivered
}

// deliverMany undoes the merging of datagrams: each but the last has d.Seg bytes.
// What does not fit is lost; the packet counts as delivered if anything of it was.
func (l *Layer) deliverMany(s *Sock, m *mbuf.Mbuf, d *sock.Datagram) perf.Verdict {
	v := perf.DropUDPFull
	seg, end := int(d.Seg), HdrLen+d.Len
	d.Seg = 0
	for off := HdrLen; off < end; off += seg {
		d.Len = min(seg, end-off)
		if s.to != nil {
			l.hand(s, m, off, d)
			v = perf.Delivered
			continue
		}
		if !l.put(s, m, off, d) {
			break
		}
		v = perf.Delivered
	}
	return v
}

// put appends one record: d and its payload, from off in m. With UDP_GRO it may
// become part of the record before.
func (l *Layer) put(s *Sock, m *mbuf.Mbuf, off int, d *sock.Datagram) bool {
	var x, y []byte
	var ok bool
	if t := s.train; t != nil {
		x, y, ok = t.add(s, d)
	} else {
		x, y, ok = sock.AppendDatagram(&s.RX, d)
	}
	if !ok {
		s.Drops.Add(1)
		return false
	}
	if b := m.Bytes(); off+d.Len <= len(b) { // the common case: one segment
		sock.CopyIn(x, y, b[off:off+d.Len])
	} else if n := m.CopyTo(off, x); n == len(x) {
		m.CopyTo(off+n, y)
	}
	if !s.fresh {
		s.fresh = true
		l.fresh = append(l.fresh, s)
	}
	l.stat.Event(perf.EvUDPReceived)
	return true
}

// EndBurst hands over to the sockets what has come since the last call: a burst
// costs each of them one hand-over and one wake-up.
func (l *Layer) EndBurst() {
	if len(l.fresh) > 0 {
		l.endBurst()
	}
}

func (l *Layer) endBurst() {
	for i, s := range l.fresh {
		l.fresh[i] = nil
		s.fresh = false
		if s.train != nil {
			s.train.n = 0
		}
		sock.PublishDatagrams(&s.RX)
		s.DataReady()
	}
	l.fresh = l.fresh[:0]
}
