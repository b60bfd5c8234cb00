package eth

// Learn notes the link address of a station that speaks to us, without proof that it
// hears us: an entry is made, or refreshed as one that nobody confirmed.
func (l *Layer) Learn(ifc *Iface, ip Addr, mac [6]byte) {
	if n := l.nb.find(ifc, ip); n != nil {
		l.answered(n, mac, false, l.now)
		return
	}
	if !l.makeRoom(learned) {
		return
	}
	n := l.newNeighbor(ifc, ip)
	n.setMAC(mac)
	n.enter(Stale, l.now)
	l.nb.insert(n, learned)
}

// Answered notes the link address that the neighbour n told. solicited: it answered a
// question of ours, so the way there and back works.
func (l *Layer) Answered(n *Neighbor, mac [6]byte, solicited bool) {
	l.answered(n, mac, solicited, l.now)
}
