package eth

import "dataplane/perf"

// SetStatic gives a neighbour the link address that the configuration says it has; it is
// kept until Forget. False: the table holds as many as it may.
func (l *Layer) SetStatic(ifc *Iface, ip Addr, mac [6]byte, now perf.Tick) bool {
	l.now = max(l.now, now)
	n := l.nb.find(ifc, ip)
	if n == nil {
		if l.nb.statics >= l.nb.max/2 || !l.makeRoom(used) {
			return false
		}
		n = l.newNeighbor(ifc, ip)
		l.nb.insert(n, used)
	}
	if !n.static {
		n.static = true
		l.nb.statics++
	}
	l.settle(n, mac, Permanent, now)
	if n.fresh = always; n.class != used { // it told its address before: others must not push it out
		l.nb.move(n, used)
	}
	return true
}

// Forget removes a neighbour and what waits for it. False: there is none that could be
// removed.
func (l *Layer) Forget(ifc *Iface, ip Addr) bool {
	n := l.nb.find(ifc, ip)
	if n == nil || n.state == Permanent && !n.static {
		return false
	}
	l.forget(n)
	return true
}

// Look is what is known about a neighbour at a moment.
type Look struct {
	Index     uint16 // of the link
	Addr      Addr
	MAC       [6]byte // zero: not known
	State     State
	Router    bool
	Probes    int       // requests since the state was entered
	Used      perf.Tick // since it was used last,
	Changed   perf.Tick // since its state was entered,
	Confirmed perf.Tick // and since it was heard of
}

// Look describes n at now. ok is false for what nobody had to ask for: ourselves,
// groups, broadcasts and all stations of links without ARP.
func (n *Neighbor) Look(now perf.Tick) (k Look, ok bool) {
	k = Look{
		Index: n.iface.Index, Addr: n.ip, MAC: n.MAC(), State: n.State(now), Router: n.router, Probes: int(n.requests),
		Used: now - max(n.used, 0), Changed: now - n.changed, Confirmed: now - n.changed,
	}
	if n.used == 0 {
		k.Used = k.Changed
	}
	if n.state == Reachable {
		k.Confirmed = now - (n.fresh - n.reachable())
	}
	return k, n.state != Permanent || n.static
}
