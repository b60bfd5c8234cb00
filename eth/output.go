package eth

import (
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Output sends the packet m to n, or lets it wait until n's address is known.
// Takes m, which starts at its network header and has headroom for ours.
func (l *Layer) Output(m *mbuf.Mbuf, n *Neighbor, ethertype uint16, now perf.Tick) {
	if now < n.fresh {
		n.used = now
		l.transmit(m, n, ethertype)
		return
	}
	l.resolve(m, n, ethertype, now)
}

// Frame is the first half of a short Output: it puts the link header of a packet before
// m, and between them room for so many bytes, which it lends to be written. Send is the
// second half. nil: nothing was done, it takes Output. Borrows m.
func (n *Neighbor) Frame(m *mbuf.Mbuf, size int, ethertype uint16, now perf.Tick) []byte {
	if now >= n.fresh || !n.plain {
		return nil
	}
	b := m.Prepend(HdrLen + size)
	if b == nil {
		return nil
	}
	n.used = now
	*(*[HdrLen]byte)(b) = [HdrLen]byte(n.hdr[:])
	be.PutUint16(b[HdrLen-2:], ethertype)
	return b[HdrLen:]
}

// Header is the link header of a frame that leaves for n at now, but for its ethertype:
// for who makes whole frames, and then calls Send. nil: it takes Output.
func (n *Neighbor) Header(now perf.Tick) *[HdrLen]byte {
	if now >= n.fresh || !n.plain {
		return nil
	}
	n.used = now
	return (*[HdrLen]byte)(n.hdr[:])
}

// Fresh reports whether n's address is known, and needs no asking.
func (n *Neighbor) Fresh(now perf.Tick) bool { return now < n.fresh }

// Assured reports whether it would change nothing to Confirm n yet.
func (n *Neighbor) Assured(now perf.Tick) bool { return now+assuredTime < n.fresh && n.fresh != asked }

// Send sends a frame that begins with what Frame or Header gave. Takes m.
func (n *Neighbor) Send(m *mbuf.Mbuf) { n.iface.Tx.Add(m) }

// OutputBurst is Output for several packets to one neighbour. Takes all of b.
func (l *Layer) OutputBurst(b []*mbuf.Mbuf, n *Neighbor, ethertype uint16, now perf.Tick) {
	if now >= n.fresh {
		for _, m := range b {
			l.Output(m, n, ethertype, now)
		}
		return
	}
	n.used = now
	for _, m := range b {
		l.transmit(m, n, ethertype)
	}
}

// OutputTo sends m to a link address that the caller knows. Takes m.
func (l *Layer) OutputTo(m *mbuf.Mbuf, ifc *Iface, dst [6]byte, ethertype uint16) {
	var hdr [HdrLen + VLANLen]byte
	n, tag := ifc.putHeader(hdr[:], dst)
	l.send(m, ifc, hdr[:n], tag, ethertype)
}

// transmit sends m to n's address. Takes m.
func (l *Layer) transmit(m *mbuf.Mbuf, n *Neighbor, ethertype uint16) {
	if n.plain {
		if b := m.Prepend(HdrLen); b != nil {
			*(*[HdrLen]byte)(b) = [HdrLen]byte(n.hdr[:])
			be.PutUint16(b[HdrLen-2:], ethertype)
			m.SetL2(HdrLen)
			n.iface.Tx.Add(m)
			return
		}
	}
	l.send(m, n.iface, n.hdr[:n.hdrN], n.tag, ethertype)
}

// send puts hdr before m and gives it to the port. Takes m.
func (l *Layer) send(m *mbuf.Mbuf, ifc *Iface, hdr []byte, tag bool, ethertype uint16) {
	b := m.Prepend(len(hdr))
	if b == nil { // nobody below the sockets makes packets without headroom
		l.stat.Lose(perf.LostNoMbuf)
		l.pool.Free(m)
		return
	}
	copy(b, hdr)
	be.PutUint16(b[len(hdr)-2:], ethertype)
	m.SetTx(len(hdr), m.L3Len(), m.L4Len(), m.SegSize())
	if tag {
		m.OlFlags |= mbuf.TxVLAN
		m.VlanTCI = ifc.VLAN
	}
	ifc.Tx.Add(m)
}

// putHeader writes the header of frames from i to dst but for the ethertype,
// its last two bytes. It returns its length and whether the port adds the tag.
func (i *Iface) putHeader(b []byte, dst [6]byte) (n uint8, tag bool) {
	switch {
	case i.VLAN == 0:
		PutHeader(b[:HdrLen], dst, i.MAC, 0)
		return HdrLen, false
	case i.Offloads&pmd.VLANInsert != 0:
		PutHeader(b[:HdrLen], dst, i.MAC, 0)
		return HdrLen, true
	default:
		PutTagged(b[:HdrLen+VLANLen], dst, i.MAC, i.VLAN, 0)
		return HdrLen + VLANLen, false
	}
}
