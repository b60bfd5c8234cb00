package ip

import (
	"slices"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/perf"
)

// Redirects: RFC 4861 8. Every core hears of them, and keeps its own.
const (
	redirectLen  = 40
	redirectRows = 64
	redirectTime = 10 * perf.Minute
)

// redirect is a better first hop that a router told.
type redirect struct {
	dst, hop Addr // the same: dst is on the link
	iface    uint16
	until    perf.Tick
}

// redirects is what routers have told, the oldest first.
type redirects struct {
	l     *Layer
	list  []redirect
	timer timer.Timer // armed for the first
}

func (s *redirects) init(l *Layer) {
	s.l = l
	s.timer.Init(s, 0)
}

func (s *redirects) close() { s.l.cfg.Wheel.Cancel(&s.timer) }

// redirected takes a redirect: RFC 4861 8.1, 8.3.
func (l *Layer) redirected(b []byte, p *Packet) perf.Verdict {
	if len(b) < redirectLen {
		return perf.DropNDBad
	}
	target, dst := Addr(b[8:24]), Addr(b[24:40])
	var mac [6]byte
	var told bool
	ok := ndOptions(b[redirectLen:], func(kind uint8, opt []byte) {
		if kind == optTarget {
			mac, told = linkAddr(opt)
		}
	})
	onLink := target == dst
	if !ok || !p.Src.IsLinkLocal() || dst.IsMulticast() || dst.Is4() || dst.IsZero() || !onLink && !target.IsLinkLocal() {
		return perf.DropNDBad
	}
	dst = dst.Scoped(p.Iface.Index)
	target = target.Scoped(p.Iface.Index)
	if dst.IsLinkLocal() || l.routes.IsLocal(dst) || l.routes.IsLocal(target) {
		return perf.DropNDBad
	}
	// RFC 4861 8.1: only from the router that is used for this destination now.
	e := Endpoint{Remote: dst}
	if l.Resolve(&e) != 0 || e.Dst.Iface != p.Iface || Addr(e.Dst.Neigh.Addr()) != p.Src {
		return perf.DropNDBad
	}
	if told {
		if n := l.cfg.Eth.Learn(p.Iface, eth.Addr(target), mac); n != nil && !onLink {
			l.cfg.Eth.SetRouter(n, true)
		}
	}
	l.stat.Event(perf.EvRedirectTaken)
	l.redirects.add(redirect{dst, target, p.Iface.Index, l.now + redirectTime})
	return perf.Delivered
}

// add notes a redirect, in the place of what was said of its destination before, or of
// the oldest.
func (s *redirects) add(r redirect) {
	s.list = slices.DeleteFunc(s.list, func(o redirect) bool { return o.dst == r.dst })
	if len(s.list) >= redirectRows {
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.list = append(s.list, r)
	s.changed()
}

// changed makes cached ways look again, and waits for the next redirect to end.
func (s *redirects) changed() {
	s.l.stale()
	s.l.cfg.Wheel.Cancel(&s.timer)
	if len(s.list) > 0 {
		s.l.cfg.Wheel.Arm(&s.timer, int64(s.list[0].until))
	}
}

// forget drops those for which f is true.
func (s *redirects) forget(f func(*redirect) bool) {
	n := len(s.list)
	s.list = slices.DeleteFunc(s.list, func(r redirect) bool { return f(&r) })
	if len(s.list) < n {
		s.changed()
	}
}

// Expire forgets what is old: the router will tell again.
func (s *redirects) Expire(_ uint8, at int64) {
	s.forget(func(r *redirect) bool { return r.until <= perf.Tick(at) })
}

// dead forgets what was told of dst if the hop does not answer: RFC 4861 7.3.3, the next
// hop is to be determined again.
func (s *redirects) dead(dst Addr) {
	s.forget(func(r *redirect) bool {
		if r.dst != dst {
			return false
		}
		n := s.l.cfg.Eth.Lookup(s.l.iface(r.iface), eth.Addr(r.hop))
		return n != nil && n.Failed()
	})
}

// apply changes a route by what routers have told of dst.
func (s *redirects) apply(dst Addr, rt *Route) {
	for i := range s.list {
		r := &s.list[i]
		if r.dst != dst || r.iface != rt.Iface {
			continue
		}
		if rt.Gateway = r.hop; r.hop == dst {
			rt.Gateway = Addr{}
		}
		return
	}
}
