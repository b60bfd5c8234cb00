package packet

import (
	"encoding/binary"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var be = binary.BigEndian

// Types of packets, as Linux numbers them (sockaddr_ll's sll_pkttype).
const (
	toHost      = 0 // PACKET_HOST
	toAll       = 1 // PACKET_BROADCAST
	toGroup     = 2 // PACKET_MULTICAST
	toOther     = 3 // PACKET_OTHERHOST
	outgoing    = 4 // PACKET_OUTGOING
	protoAll    = 3 // ETH_P_ALL
	proto8023   = 1 // ETH_P_802_3
	proto8022   = 4 // ETH_P_802_2: an 802.3 frame
	minType     = 0x600
	haEther     = 1   // ARPHRD_ETHER
	haLoopback  = 772 // ARPHRD_LOOPBACK
	lenEther    = 6
	vlanOutside = 1 << 0 // Flags of a record: a tag is in Local.Port and not in the frame
	sumMissing  = 1 << 1 // the transport's checksum is left to the port
	sumGood     = 1 << 2 // the port has found it right
)

// frame is what is known about the frame that is being looked at.
type frame struct {
	m       *mbuf.Mbuf
	iface   *eth.Iface
	now     perf.Tick
	proto   uint16
	pktType uint8
	link    int    // bytes of the link header
	flags   uint16 // of the record
	tci     uint16 // with vlanOutside
	bytes   []byte // all of it; nil: it lies in several segments
}

// received looks at a burst that a port has handed up.
func (l *Layer) received(b []*mbuf.Mbuf, now perf.Tick) {
	for _, m := range b {
		if ifc := l.iface(int(m.Port)); ifc != nil {
			l.look(m, ifc, now, true)
			l.show(nil)
		}
	}
	l.publish()
}

// sent looks at frames that are about to be offered to a port.
func (l *Layer) sent(b []*mbuf.Mbuf, ifc *eth.Iface) {
	for _, m := range b {
		if m.OlFlags&mbuf.FlagShown != 0 {
			continue // a packet socket's own
		}
		l.look(m, ifc, l.core.Now, false)
		l.show(nil)
	}
	l.publish()
}

// look finds out what m is. Borrows m, until the next look.
func (l *Layer) look(m *mbuf.Mbuf, ifc *eth.Iface, now perf.Tick, in bool) {
	f := &l.f
	*f = frame{m: m, iface: ifc, now: now, pktType: outgoing, proto: proto8022}
	b := m.Bytes()
	if m.NbSegs == 1 || m.Next() == nil {
		f.bytes = b
	}
	if m.OlFlags&mbuf.RxVLANStripped != 0 && in || m.OlFlags&mbuf.TxVLAN != 0 && !in {
		f.flags, f.tci = vlanOutside, m.VlanTCI
	}
	switch {
	case in && m.OlFlags&mbuf.RxL4ChecksumGood != 0:
		f.flags |= sumGood
	case !in && m.OlFlags&mbuf.TxL4Mask != 0:
		f.flags |= sumMissing
	}
	h, ok := eth.ParseHeader(b)
	if !ok {
		f.link = len(b)
		return
	}
	if in {
		f.pktType = directed(h, ifc)
	}
	f.link, f.proto = eth.HdrLen, h.Type()
	// The tag of the interface's own VLAN is no protocol of its frames.
	if tagged, whole := h.Tagged(); tagged && whole && ifc.VLAN != 0 && h.TCI()&0xfff == ifc.VLAN {
		f.link, f.proto = eth.HdrLen+eth.VLANLen, h.InnerType()
	}
	if f.proto < minType { // a length: Linux's eth_type_trans
		f.proto = proto8022
		if len(b) >= eth.HdrLen+2 && be.Uint16(b[eth.HdrLen:]) == 0xffff {
			f.proto = proto8023
		}
	}
}

// directed says whom a frame that came in is for.
func directed(h eth.Header, ifc *eth.Iface) uint8 {
	switch {
	case h.Dst() == eth.BroadcastMAC:
		return toAll
	case h.Group():
		return toGroup
	case h.Dst() == ifc.MAC || ifc.NoARP && !ifc.Loopback:
		return toHost
	}
	return toOther
}

// show gives the frame to all who want it, but for the one that has sent it.
func (l *Layer) show(from *Sock) {
	f := &l.f
	for _, s := range l.socks {
		if s != from && s.wants(f) && !l.put(s, f) {
			l.miss(s)
		}
	}
	for _, g := range l.groups {
		if len(g.members) == 0 || !g.members[0].wants(f) || from != nil && from.group == g {
			continue
		}
		l.share(g, f)
	}
}

// wants reports whether s hears frames like f.
func (s *Sock) wants(f *frame) bool {
	return (s.proto == protoAll || s.proto == f.proto) &&
		(s.iface == anyIface || s.iface == int(f.iface.Index)) &&
		!(f.pktType == outgoing && (s.deaf || s.proto != protoAll))
}

// put copies the frame, or as much of it as the filter lets pass, into the ring of s.
// False: there was no room.
func (l *Layer) put(s *Sock, f *frame) bool {
	off := 0
	if s.dgram {
		off = f.link
	}
	size := int(f.m.PktLen) - off
	n := size
	if s.filter != nil {
		if n = l.filter(s, f, off); n == 0 {
			return true
		}
		n = min(n, size)
	}
	d := sock.Datagram{Len: n, Time: f.now, Iface: f.iface.Index, Flags: f.flags, TTL: uint8(f.link - off)}
	d.Local.Zone, d.Local.Port = uint32(size), f.tci
	f.name(&d.Peer)
	if s.to != nil {
		l.hand(s, f, &d, off)
		return true
	}
	x, y, ok := sock.AppendDatagram(&s.RX, &d)
	if !ok {
		return false
	}
	s.seen++
	if f.bytes != nil {
		sock.CopyIn(x, y, f.bytes[off:off+n])
	} else if k := f.m.CopyTo(off, x); k == len(x) {
		f.m.CopyTo(off+k, y)
	}
	l.stat.Event(perf.EvPacketReceived)
	if !s.fresh {
		s.fresh = true
		l.fresh = append(l.fresh, s)
	}
	return true
}

// miss books a frame that found no room.
func (l *Layer) miss(s *Sock) {
	s.seen++
	s.missed++
	s.drops.Add(1)
	l.stat.Event(perf.EvPacketMissed)
}

// name writes where the frame comes from.
func (f *frame) name(n *sock.Name) {
	a := sock.Link{Iface: uint32(f.iface.Index) + 1, Protocol: f.proto, HaType: hardware(f.iface), PktType: f.pktType}
	if b := f.m.Bytes(); len(b) >= eth.HdrLen {
		a.HaLen = lenEther
		copy(a.Addr[:], b[6:12])
	}
	*n = a.Name()
}

// hardware is the type of an interface's link, ARPHRD_ of Linux.
func hardware(ifc *eth.Iface) uint16 {
	if ifc.Loopback {
		return haLoopback
	}
	return haEther
}

// filter returns how much of the frame the filter of s lets pass.
func (l *Layer) filter(s *Sock, f *frame, off int) int {
	n := int(f.m.PktLen) - off
	if !s.filter.Extended() {
		return s.filter.Run(f.m.Flat(off, n, &l.flat))
	}
	if cap(l.ext) < sock.AncillaryLen+n {
		l.ext = make([]byte, sock.AncillaryLen+n)
	}
	b := l.ext[:sock.AncillaryLen+n]
	a := sock.Ancillary{
		Len: uint32(n), Protocol: f.proto, PktType: f.pktType, Iface: uint32(f.iface.Index) + 1, HaType: hardware(f.iface),
		CPU: uint32(l.core.ID), Tagged: f.flags&vlanOutside != 0, TCI: f.tci, Random: l.random,
	}
	if a.Tagged {
		a.TPID = eth.TypeVLAN
	}
	l.random = l.random*1664525 + 1013904223
	a.Put(b)
	f.m.CopyTo(off, b[sock.AncillaryLen:])
	return s.filter.Run(b)
}

// publish hands over to the sockets what has come since the last call.
func (l *Layer) publish() {
	for i, s := range l.fresh {
		l.fresh[i] = nil
		s.fresh = false
		sock.PublishDatagrams(&s.RX)
		s.DataReady()
	}
	l.fresh = l.fresh[:0]
}
