package ip

import "dataplane/perf"

// TellPaths tells another core's layer of the path MTUs that this one has learnt: flows
// that go there would run into them again. Neither core takes a turn meanwhile.
func (l *Layer) TellPaths(to *Layer, now perf.Tick) {
	for i := range l.paths.rows {
		for _, p := range l.paths.rows[i] {
			if p.until <= now {
				continue
			}
			if q := to.paths.find(p.dst); q != nil && q.mtu <= p.mtu {
				continue
			}
			to.paths.lower(p.dst, p.mtu, MaxPacket, now)
			if q := to.paths.find(p.dst); q != nil {
				q.until, q.cut = p.until, p.cut
			}
		}
	}
}
