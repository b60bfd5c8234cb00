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
	if !l.sumOK(m, h, p) {
		return perf.DropUDPChecksum
	}
	k := &l.key
	k.Local, k.Remote, k.LocalPort, k.RemotePort = p.Dst, p.Src, h.DstPort(), h.SrcPort()
	if p.Broadcast || p.Multicast {
		return l.inputToAll(m, p, k)
	}
	s := l.find(k)
	if s == nil {
		if !p.Copied {
			// RFC 1122 4.1.3.1: a port that nobody has is reported.
			l.ip.Unreachable(p, m, ip.ICMPUnreachable, ip.CodePort)
		}
		return perf.DropUDPNoPort
	}
	return l.deliver(s, m, p, k)
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
	return ip.Fold(ip.SumChain(m, 0, n, ip.PseudoSum(p.Src, p.Dst, ip.ProtoUDP, n))) == 0xffff
}

// inputToAll gives a broadcast or multicast datagram to every socket that is
// bound to the port, on any address or on just this one. Connected sockets
// hear only their peer's datagrams to themselves. Nobody is told when there is
// none (RFC 1122 3.2.2).
func (l *Layer) inputToAll(m *mbuf.Mbuf, p *ip.Packet, k *ip.FlowKey) perf.Verdict {
	v := perf.DropUDPNoPort
	for _, a := range [2]ip.Addr{{}, p.Dst} {
		l.wide.Local, l.wide.LocalPort = a, k.LocalPort
		s, _ := l.bound.Lookup(&l.wide)
		for s != nil {
			next := s.next // a callback may close s
			if one := l.deliver(s, m, p, k); v != perf.Delivered {
				v = one
			}
			s = next
		}
	}
	return v
}

// deliver copies the payload of m into the receive ring of s. Borrows m.
func (l *Layer) deliver(s *Sock, m *mbuf.Mbuf, p *ip.Packet, k *ip.FlowKey) perf.Verdict {
	d := &l.d
	d.Peer.Addr, d.Peer.Port = k.Remote, k.RemotePort
	d.Local.Addr, d.Local.Port = k.Local, k.LocalPort
	d.Iface, d.TTL, d.TOS = p.Iface.Index, p.TTL, p.TOS
	d.Len = int(m.PktLen) - HdrLen
	if m.OlFlags&mbuf.RxLRO != 0 && m.SegSize() > 0 && d.Len > m.SegSize() {
		return l.deliverMany(s, m, d)
	}
	if s.to != nil {
		l.hand(s, m, HdrLen, d)
		return perf.Delivered
	}
	if !l.put(s, m, HdrLen, d) {
		return perf.DropUDPFull
	}
	s.DataReady()
	return perf.Delivered
}

// deliverMany undoes the merging of datagrams: each but the last has SegSize
// bytes. What does not fit is lost; the packet counts as delivered if anything
// of it was.
func (l *Layer) deliverMany(s *Sock, m *mbuf.Mbuf, d *sock.Datagram) perf.Verdict {
	v := perf.DropUDPFull
	end := HdrLen + d.Len
	for off := HdrLen; off < end; off += m.SegSize() {
		d.Len = min(m.SegSize(), end-off)
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
	if v == perf.Delivered && s.to == nil {
		s.DataReady()
	}
	return v
}

// put appends one record: d and its payload, from off in m.
func (l *Layer) put(s *Sock, m *mbuf.Mbuf, off int, d *sock.Datagram) bool {
	pos, ok := sock.BeginDatagram(&s.RX, d)
	if !ok {
		return false
	}
	for left := d.Len; left > 0 && m != nil; m = m.Next() {
		b := m.Bytes()
		if off >= len(b) {
			off -= len(b)
			continue
		}
		b = b[off:min(len(b), off+left)]
		s.RX.WriteAt(pos, b)
		pos += uint64(len(b))
		left -= len(b)
		off = 0
	}
	sock.EndDatagram(&s.RX, d)
	l.stat.Event(perf.EvUDPReceived)
	return true
}
