package eth

import (
	"cmp"

	"dataplane/perf"
)

// Learn notes the link address of a station that speaks to us, without proof that it
// hears us: an entry is made, or refreshed as one that nobody confirmed. It returns the
// entry; nil: there is no room for a station that we never used.
func (l *Layer) Learn(ifc *Iface, ip Addr, mac [6]byte) *Neighbor {
	if n := l.nb.find(ifc, ip); n != nil {
		l.answered(n, mac, false, l.now)
		return n
	}
	if !l.makeRoom(learned) {
		return nil
	}
	n := l.newNeighbor(ifc, ip)
	n.setMAC(mac)
	n.enter(Stale, l.now)
	l.nb.insert(n, learned)
	return n
}

// Answered notes the link address that the neighbour n told. solicited: it answered a
// question of ours, so the way there and back works.
func (l *Layer) Answered(n *Neighbor, mac [6]byte, solicited bool) {
	l.answered(n, mac, solicited, l.now)
}

// Flags of an advertisement (RFC 4861 4.4).
const (
	FlagRouter    = 1 << 7
	FlagSolicited = 1 << 6
	FlagOverride  = 1 << 5
)

// SetRouter notes whether n forwards packets. RFC 4861 7.2.5: one that does not any more
// must not be used as a router.
func (l *Layer) SetRouter(n *Neighbor, router bool) {
	was := n.router
	if n.router = router; was && !router && l.OnNoRouter != nil {
		l.OnNoRouter(n)
	}
}

// Advertised takes an advertisement's word for the address ip: RFC 4861 7.2.5 and
// appendix C. mac nil: it told no link address.
func (l *Layer) Advertised(ifc *Iface, ip Addr, mac *[6]byte, flags uint8) {
	n := l.nb.find(ifc, ip)
	if n == nil || n.state == Permanent {
		return // nobody asked
	}
	waiting := n.state == Incomplete || n.state == Failed
	if waiting && mac == nil {
		return
	}
	known := [6]byte(n.hdr[:6])
	if mac == nil {
		mac = &known
	}
	other := waiting || *mac != known
	switch {
	case other && !waiting && flags&FlagOverride == 0:
		if n.state == Reachable { // neither of the two is believed
			n.enter(Stale, l.now)
		}
		return
	case flags&FlagSolicited != 0:
		l.settle(n, *mac, Reachable, l.now)
	case other:
		l.settle(n, *mac, Stale, l.now)
	}
	l.SetRouter(n, flags&FlagRouter != 0)
}

// reachable is for how long n counts as reachable.
func (n *Neighbor) reachable() perf.Tick {
	if n.ip.is4() {
		return reachableTime
	}
	return cmp.Or(n.iface.Reachable, reachableTime)
}
