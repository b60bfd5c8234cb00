package tcp

import "dataplane/perf"

// admit asks what s has been given against segments (IP_MINTTL, SO_ATTACH_FILTER). A
// filter sees the segment from its header on, as in Linux; what it takes, it takes whole.
func (l *Layer) admit(s *Sock, g *segment) perf.Verdict {
	r := s.Opt.Rare
	if r == nil {
		return perf.Delivered
	}
	if r.Elsewhere(g.p.Iface.Index) {
		return perf.DropDevice
	}
	if !r.NearEnough(g.p.TTL, g.p.Dst.Is4()) {
		return perf.DropMinTTL
	}
	if r.Filter == nil {
		return perf.Delivered
	}
	if r.Filter.Run(g.m.Flat(0, int(g.m.PktLen), &l.linear)) == 0 {
		return perf.DropSocketFilter
	}
	return perf.Delivered
}
