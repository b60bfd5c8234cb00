package eth

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// What we send to a group comes back to our own sockets by way of the loopback, so that
// it is received, counted and copied for all cores as any frame. It keeps the number of
// the link that it was sent on in VlanTCI, which a frame of the loopback has no use for.

// Reflect lets m, a packet to the group with link address mac, come back as if it had
// come by ifc. Takes m.
func (l *Layer) Reflect(m *mbuf.Mbuf, ifc *Iface, mac [6]byte, ethertype uint16) {
	for _, lo := range l.ifaces {
		if lo != nil && lo.Loopback {
			m.VlanTCI = ifc.Index + 1
			l.OutputTo(m, lo, mac, ethertype)
			return
		}
	}
	l.stat.Lose(perf.LostNoRoute)
	l.pool.Free(m)
}

// reflected is the link that a reflected frame was sent on; nil: there is none.
func (l *Layer) reflected(m *mbuf.Mbuf) *Iface {
	k := int(m.VlanTCI) - 1
	m.VlanTCI = 0
	if k >= len(l.ifaces) {
		return nil
	}
	return l.ifaces[k]
}
