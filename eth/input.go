package eth

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// vidMask is the VLAN identifier in a tag's control word (802.1Q 9.6).
const vidMask = 0x0fff

// Input takes in a received frame and says what became of it. Borrows m unless
// it answers perf.Taken. m.Port is the Index of the interface it came from.
func (l *Layer) Input(m *mbuf.Mbuf, now perf.Tick) perf.Verdict {
	l.now = now
	h, ok := ParseHeader(m.Bytes())
	if !ok {
		return perf.DropEthShort
	}
	if int(m.Port) >= len(l.ifaces) || l.ifaces[m.Port] == nil {
		return perf.DropEthForeign
	}
	ifc := l.ifaces[m.Port]
	if ifc.Down {
		return perf.DropLinkDown
	}
	group := h.Group()
	if !group && h.Dst() != ifc.MAC && !ifc.NoARP && !ifc.Loopback {
		// A port in promiscuous mode, or a switch that floods.
		return perf.DropEthForeign
	}
	n, ethertype := HdrLen, h.Type()
	if ethertype == TypeVLAN || ifc.VLAN != 0 || m.OlFlags&mbuf.RxVLANStripped != 0 {
		var v perf.Verdict
		if n, ethertype, v = untag(m, h, ifc); v != perf.Delivered {
			return v
		}
	}
	m.Adj(n)
	if ifc.Loopback && m.VlanTCI != 0 {
		if ifc = l.reflected(m); ifc == nil {
			return perf.DropEthForeign
		}
	}
	return l.demux(m, ifc, ethertype, group)
}

// demux gives the packet to its protocol. Borrows m unless perf.Taken.
func (l *Layer) demux(m *mbuf.Mbuf, ifc *Iface, ethertype uint16, group bool) perf.Verdict {
	if ethertype == TypeIPv4 && l.ip4 != nil {
		return l.ip4.Input(m, ifc, group)
	}
	for i := range l.other {
		if l.other[i].ethertype == ethertype {
			return l.other[i].handler.Input(m, ifc, group)
		}
	}
	// RFC 1122 2.3.3: 802.3 frames (a length instead of a type) end here too.
	return perf.DropEthType
}

// untag checks the frame's VLAN against the interface's. A tag with VLAN 0 is
// a priority only: such a frame is untagged (802.1Q 6.8).
func untag(m *mbuf.Mbuf, h Header, ifc *Iface) (n int, ethertype uint16, v perf.Verdict) {
	n, ethertype = HdrLen, h.Type()
	vid := uint16(0)
	switch tagged, whole := h.Tagged(); {
	case m.OlFlags&mbuf.RxVLANStripped != 0:
		vid = m.VlanTCI & vidMask
		if tagged { // a second tag: a customer's, behind the provider's
			return 0, 0, perf.DropVLAN
		}
	case tagged && !whole:
		return 0, 0, perf.DropEthShort
	case tagged:
		vid = h.TCI() & vidMask
		n, ethertype = HdrLen+VLANLen, h.InnerType()
	}
	if vid != ifc.VLAN {
		return 0, 0, perf.DropVLAN
	}
	return n, ethertype, perf.Delivered
}
