package udp

import (
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
)

// mark notes whether datagrams may go the short way into the ring of s, or to code inside
// the plane. After every option, and when code inside the plane takes s over.
func (s *Sock) mark() {
	guarded := s.Opt.Rare.Guards()
	s.odd, s.calls = s.to != nil || s.train != nil || guarded, s.to != nil && !guarded
}

// admit asks what s has been given against datagrams (IP_MINTTL, SO_ATTACH_FILTER) about
// m, which begins with the UDP header, as for a filter in Linux. n is how many bytes are
// taken. Borrows m.
func (l *Layer) admit(s *Sock, m *mbuf.Mbuf, p *ip.Packet) (n int, v perf.Verdict) {
	r := s.Opt.Rare
	n = int(m.PktLen)
	if r == nil {
		return n, perf.Delivered
	}
	if r.Elsewhere(p.Iface.Index) {
		return 0, perf.DropDevice
	}
	if !r.NearEnough(p.TTL, p.Dst.Is4()) {
		return 0, perf.DropMinTTL
	}
	if r.Filter == nil {
		return n, perf.Delivered
	}
	k := r.Filter.Run(m.Flat(0, n, &l.linear))
	if k == 0 {
		return 0, perf.DropSocketFilter
	}
	return max(min(k, n), HdrLen), perf.Delivered
}
