package tcp

import (
	"slices"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Flows that change their lcore. Time is the same on all lcores, so whatever is due
// stays due. Listeners are on every lcore; neither of the two takes a turn meanwhile.

// Rooted calls f for every connection that cannot leave: code on this lcore serves it.
func (l *Layer) Rooted(f func(k *ip.FlowKey)) {
	l.conns.Range(func(k *ip.FlowKey, s *Sock) bool {
		if s.Sock.Rooted() {
			f(k)
		}
		return true
	})
}

// MoveTo gives every connection and TIME-WAIT entry whose flow goes to the
// layer to, and returns how many connections that were.
func (l *Layer) MoveTo(to *Layer, goes func(k *ip.FlowKey) bool, now perf.Tick) int {
	l.now, to.now = now, now
	var leaving []*Sock
	l.conns.Range(func(k *ip.FlowKey, s *Sock) bool {
		if goes(k) {
			leaving = append(leaving, s)
		}
		return true
	})
	for _, s := range leaving {
		l.handOver(s, to)
	}
	if len(leaving) > 0 {
		l.out = slices.DeleteFunc(l.out, func(s *Sock) bool { return s.l != l })
	}
	l.waiting.moveTo(&to.waiting, goes)
	to.cookieAt = max(to.cookieAt, l.cookieAt) // its ACK will come there
	return len(leaving)
}

// handOver makes s a connection of to. One that is half-open goes to the listener's part
// there; where there is none any more, the peer will ask again.
func (l *Layer) handOver(s *Sock, to *Layer) {
	k := s.key()
	if s.half() {
		device := uint16(0)
		if r := s.Opt.Rare; r != nil {
			device = r.Device // as its listener
		}
		ls := to.listeners.find(&k, device-1)
		if ls == nil {
			l.done(s, 0)
			return
		}
		l.halfOver(s)
		s.lst = ls.lst
		s.lst.half++
		to.half++
	}
	l.leave(s)
	s.hash = to.conns.Hash(&k)
	to.conns.Put(s.hash, &k, s)
	if s.orphan {
		l.orphans--
		to.orphans++
	}
	l.cfg.Wheel.Cancel(&s.timer)
	to.rearm(s)
	if s.warm != 0 {
		l.cooled(s)
		to.warmed(s)
	}
	waits := s.queued
	s.queued = false
	to.adopt(s)
	if waits {
		to.want(s)
	}
}

// adopt makes l the layer of s.
func (l *Layer) adopt(s *Sock) {
	s.l, s.Dst = l, ip.Dst{}
	s.Sock.Move(l.cfg.Core, l)
}

// TakeHome makes l the layer of a closed Sock that died on another lcore, from; it
// runs on that one.
func (l *Layer) TakeHome(sk *sock.Sock) {
	s := sk.Owner.(*Sock)
	if s.state != Closed {
		return
	}
	from := s.l
	if s.queued {
		from.out = slices.DeleteFunc(from.out, func(x *Sock) bool { return x == s })
		s.queued = false
	}
	if from != l {
		from.cfg.Wheel.Cancel(&s.timer)
	}
	l.adopt(s)
}

// moveTo gives entries to another list, which stays in the order in which they end.
func (w *waitList) moveTo(to *waitList, goes func(k *ip.FlowKey) bool) {
	at := to.first
	for tw := w.first; tw != nil; {
		next := tw.next
		if goes(&tw.key) {
			w.unlink(tw)
			w.l.waits.Remove(tw.hash, &tw.key)
			if to.l.waits.Len() >= to.l.cfg.MaxTimeWait {
				if at == to.first {
					at = at.next
				}
				to.drop(to.first)
			}
			for at != nil && at.due <= tw.due {
				at = at.next
			}
			tw.hash = to.l.waits.Hash(&tw.key)
			to.l.waits.Put(tw.hash, &tw.key, tw)
			to.insert(tw, at)
		}
		tw = next
	}
	if to.first != nil {
		to.l.cfg.Wheel.Arm(&to.timer, int64(to.first.due))
	}
}

// insert puts tw before at; nil: at the end.
func (w *waitList) insert(tw, at *timeWait) {
	tw.next, tw.prev = at, w.last
	if at != nil {
		tw.prev, at.prev = at.prev, tw
	} else {
		w.last = tw
	}
	if tw.prev != nil {
		tw.prev.next = tw
	} else {
		w.first = tw
	}
}

// elsewhere runs f for s, a connection that has moved, on its own lcore.
func (s *Sock) elsewhere(f func(l *Layer)) {
	c := s.Sock.Core()
	c.Post(func() {
		if s.Sock.Core() != c {
			s.elsewhere(f)
			return
		}
		s.l.now = max(s.l.now, c.Now)
		f(s.l)
	})
}
