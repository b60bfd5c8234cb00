package eth

import "dataplane/perf"

// TellNeighbors tells another core's layer of the neighbours that this one talks to:
// flows that go there shall not have to ask. Neither core takes a turn meanwhile.
func (l *Layer) TellNeighbors(to *Layer, now perf.Tick) {
	to.now = max(to.now, now)
	for n := l.nb.list[used].first; n != nil; n = n.next {
		if n.state == Permanent || int(n.iface.Index) >= len(to.ifaces) {
			continue
		}
		if ifc := to.ifaces[n.iface.Index]; ifc != nil && n.MAC() != ([6]byte{}) {
			if k := to.Learn(ifc, n.ip, n.MAC()); k != nil {
				k.router = n.router
			}
		}
	}
}
