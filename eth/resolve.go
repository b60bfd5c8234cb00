package eth

import (
	"cmp"

	"dataplane/mbuf"
	"dataplane/perf"
)

// The neighbour's life:
//
//	               answer                  30 s                used
//	Incomplete ───────────► Reachable ───────────► Stale ───────────► Delay
//	    │  ▲                    ▲   ▲                ▲                  │ 5 s
//	3 × 1 s│ 3 × 1 s without    │   └── confirmed ───┼──────────────────┤
//	    │  │ an answer          │      by transport  │                  ▼
//	    │  └────────────────────┼────────────────────┼──────────────  Probe
//	    ▼                       └────── answer ──────┼──────────────────┘
//	 Failed ── 3 s, used ─► Incomplete               │
//	any ───── the neighbour speaks unasked, or says a new address
//
// Packets leave at once in every state but Incomplete and Failed.

// resolve decides about a packet whose neighbour needs a look. Takes m.
func (l *Layer) resolve(m *mbuf.Mbuf, n *Neighbor, ethertype uint16, now perf.Tick) {
	l.now = now
	if n.dead { // it was forgotten while the caller held it
		n = l.Neighbor(n.iface, n.ip)
	}
	n.used = now
	switch n.state {
	case Reachable, Stale: // nobody confirmed it for 30 s
		if n.class != used {
			l.nb.move(n, used)
		}
		n.enter(Delay, now)
		l.wheel.Arm(&n.timer, int64(now+delayTime))
		l.transmit(m, n, ethertype)
	case Failed:
		if now < n.changed+failedTime {
			l.unreachable(m, n.iface)
			return
		}
		n.enter(Incomplete, now)
		fallthrough
	case Incomplete:
		l.pushPending(n, pending{m, ethertype})
		if !n.timer.Armed() {
			l.ask(n, now)
		}
	default: // Delay, Probe, Permanent: was dead a moment ago
		l.transmit(m, n, ethertype)
	}
}

// enter changes n's state.
func (n *Neighbor) enter(s State, now perf.Tick) {
	n.state, n.changed, n.requests = s, now, 0
	switch s {
	case Reachable:
		n.fresh = now + n.reachable()
	case Delay, Probe:
		n.fresh = asked
	default:
		n.fresh = 0
	}
}

// ask sends the next request for n's address and waits a second for the answer.
func (l *Layer) ask(n *Neighbor, now perf.Tick) {
	dst := BroadcastMAC
	if n.state == Probe {
		// RFC 1122 2.3.2.1 (2), RFC 4861 7.3.3: the old address is polled by unicast.
		dst = [6]byte(n.hdr[:6])
		l.stat.Event(perf.EvNeighborProbe)
	}
	n.requests++
	wait := retransTime
	if n.ip.is4() {
		l.sendRequest(n.iface, dst, n.ip.as4())
	} else {
		wait = cmp.Or(n.iface.Retrans, retransTime)
		if l.OnSolicit != nil {
			l.OnSolicit(n, n.state == Probe)
		}
	}
	l.wheel.Arm(&n.timer, int64(now+wait))
}

// Expire is n's timer: an answer did not come, or a delay is over.
func (n *Neighbor) Expire(_ uint8, at int64) {
	l, now := n.layer, perf.Tick(at)
	switch n.state {
	case Delay:
		n.enter(Probe, now)
		l.ask(n, now)
	case Probe:
		if n.requests < maxRequests {
			l.ask(n, now)
			return
		}
		if n.router { // RFC 4861 7.3.3: gone, so that the next router is chosen
			l.fail(n, now)
			return
		}
		// RFC 1122 2.3.2.1, RFC 7048 3: it may have a new address, so ask all stations.
		n.enter(Incomplete, now)
		l.nb.move(n, unresolved)
		l.ask(n, now)
	case Incomplete:
		if n.requests < maxRequests {
			l.ask(n, now)
			return
		}
		l.fail(n, now)
	}
}

// fail gives n up and everything that waited for it.
func (l *Layer) fail(n *Neighbor, now perf.Tick) {
	n.enter(Failed, now)
	l.stat.Event(perf.EvNeighborFailed)
	if n.class != unresolved {
		l.nb.move(n, unresolved)
	}
	for k := len(n.pend); k > 0 && len(n.pend) > 0; k-- { // not what OnUnreachable adds
		l.unreachable(l.popPending(n).m, n.iface)
	}
}

// unreachable reports a packet that cannot be sent. Takes m.
func (l *Layer) unreachable(m *mbuf.Mbuf, ifc *Iface) {
	l.stat.Lose(perf.LostNeighbor)
	if l.OnUnreachable != nil {
		l.OnUnreachable(m, ifc)
	}
	l.pool.Free(m)
}

// Confirm says that n was heard of: data that it had to forward was
// acknowledged (RFC 4861 7.3.1). It never makes up an address.
func (l *Layer) Confirm(n *Neighbor, now perf.Tick) {
	if n.dead {
		return
	}
	switch n.state {
	case Reachable:
		n.fresh = now + n.reachable()
	case Stale, Delay, Probe:
		l.wheel.Cancel(&n.timer)
		n.enter(Reachable, now)
	}
}

// answered takes the address that a neighbour told. solicited: it answered a
// request of ours, so the way there and back works.
func (l *Layer) answered(n *Neighbor, mac [6]byte, solicited bool, now perf.Tick) {
	if n.state == Permanent {
		return
	}
	waiting := n.state == Incomplete || n.state == Failed
	same := !waiting && mac == [6]byte(n.hdr[:6])
	switch {
	case solicited && (waiting || n.state == Probe || same):
		l.settle(n, mac, Reachable, now)
	case same: // nothing new, and no proof that it hears us
		if n.state == Stale {
			n.changed = now
		}
	default:
		l.settle(n, mac, Stale, now)
	}
}

// settle notes n's address and sends what waited for it.
func (l *Layer) settle(n *Neighbor, mac [6]byte, s State, now perf.Tick) {
	waiting := n.state == Incomplete || n.state == Failed
	l.wheel.Cancel(&n.timer)
	n.setMAC(mac)
	n.enter(s, now)
	if waiting {
		l.nb.move(n, used)
	}
	for len(n.pend) > 0 {
		p := l.popPending(n)
		l.Output(p.m, n, p.ethertype, now)
	}
}

// pushPending lets p wait for n; the oldest make room, those of n first.
// RFC 1122 2.3.2.2: the newest packet at least is kept.
func (l *Layer) pushPending(n *Neighbor, p pending) {
	segs := int(p.m.NbSegs)
	for len(n.pend) == maxPending || l.nb.pending+segs > maxPendingTotal {
		v := n
		if len(n.pend) == 0 {
			v = l.nb.waiting()
		}
		if v == nil {
			break
		}
		l.losePending(v)
	}
	n.pend = append(n.pend, p)
	l.nb.pending += segs
}

// waiting returns the neighbour asked for the longest that packets wait for.
func (t *table) waiting() *Neighbor {
	for n := t.list[unresolved].first; n != nil; n = n.next {
		if len(n.pend) > 0 {
			return n
		}
	}
	return nil
}

func (l *Layer) losePending(n *Neighbor) {
	l.pool.Free(l.popPending(n).m)
	l.stat.Lose(perf.LostNeighborQueue)
}

// popPending returns the oldest waiting packet.
func (l *Layer) popPending(n *Neighbor) pending {
	p := n.pend[0]
	if last := len(n.pend) - 1; last == 0 {
		n.pend = nil
	} else {
		copy(n.pend, n.pend[1:])
		n.pend = n.pend[:last]
	}
	l.nb.pending -= int(p.m.NbSegs)
	return p
}

// Close gives back every packet that waits for a neighbour, stops the timers
// and forgets all neighbours.
func (l *Layer) Close() {
	for c := range l.nb.list {
		for l.nb.list[c].first != nil {
			l.forget(l.nb.list[c].first)
		}
	}
	l.wheel.Cancel(&l.nb.gc)
	for _, ifc := range l.ifaces {
		if ifc != nil {
			l.wheel.Cancel(&ifc.claim.timer)
		}
	}
}

// gcStart arms the collector of idle entries.
func (l *Layer) gcStart() { l.nb.gc.Init((*collector)(l), 0) }

type collector Layer

// Expire forgets what was not used for long. RFC 1122 2.3.2.1: entries time out.
func (c *collector) Expire(_ uint8, at int64) {
	l, now := (*Layer)(c), perf.Tick(at)
	for k := range l.nb.list {
		for n := l.nb.list[k].first; n != nil; {
			next := n.next
			if n.idle(now) {
				l.forget(n)
			}
			n = next
		}
	}
	if l.nb.n > 0 {
		l.wheel.Arm(&l.nb.gc, int64(now+gcTime))
	}
}

// idle reports whether n may be forgotten.
func (n *Neighbor) idle(now perf.Tick) bool {
	if n.static {
		return false
	}
	quiet := now - max(n.used, n.changed)
	switch n.state {
	case Delay, Probe:
		return false
	case Incomplete, Failed:
		return !n.timer.Armed() && quiet >= unusedTime
	}
	if n.class == learned {
		return quiet >= unusedTime
	}
	return quiet >= idleTime
}
