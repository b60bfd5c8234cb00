package tcp

import (
	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// timeWait is all that is left of a connection in TIME-WAIT: enough to
// acknowledge its FIN again and to tell a new connection from an old segment.
type timeWait struct {
	prev, next     *timeWait // in the order they end; next also links the free ones
	key            ip.FlowKey
	hash           uint32 // of key
	due            perf.Tick
	tsAt           perf.Tick // when tsRecent came
	sndNxt, rcvNxt uint32
	rcvWnd         uint32
	tsRecent       uint32
	tsOff          uint32
	chal           limiter
	scale          uint8
	tsOK           bool
	asked          bool // a SYN has come that seemed old: its sender may say that it was not
	ttl, tos       uint8
	v6             sock.V6
}

// waitList is every timeWait, the oldest first. All last equally long, so one
// timer, for the first, serves them all.
type waitList struct {
	l           *Layer
	first, last *timeWait
	free        *timeWait
	timer       timer.Timer
}

func (w *waitList) push(tw *timeWait, now perf.Tick) {
	tw.due = now + w.l.cfg.TimeWait
	tw.prev, tw.next = w.last, nil
	if w.last != nil {
		w.last.next = tw
	} else {
		w.first = tw
		w.l.cfg.Wheel.Arm(&w.timer, int64(tw.due))
	}
	w.last = tw
}

func (w *waitList) unlink(tw *timeWait) {
	if tw.prev != nil {
		tw.prev.next = tw.next
	} else {
		w.first = tw.next
	}
	if tw.next != nil {
		tw.next.prev = tw.prev
	} else {
		w.last = tw.prev
	}
}

// drop forgets tw.
func (w *waitList) drop(tw *timeWait) {
	w.unlink(tw)
	w.l.waits.Remove(tw.hash, &tw.key)
	*tw = timeWait{next: w.free}
	w.free = tw
}

// Expire ends those whose time is over.
func (w *waitList) Expire(_ uint8, now int64) {
	for w.first != nil && int64(w.first.due) <= now {
		w.drop(w.first)
	}
	if w.first != nil {
		w.l.cfg.Wheel.Arm(&w.timer, int64(w.first.due))
	}
}

func (w *waitList) clear() {
	for w.first != nil {
		w.drop(w.first)
	}
	w.l.cfg.Wheel.Cancel(&w.timer)
}

// timeWait ends s; its name rests. RFC 9293 3.6: 2 MSL. An ACK that s still
// owes leaves now, for s will not be there at the end of the turn.
func (l *Layer) timeWait(s *Sock) {
	if s.rcv.ackNow && l.ip.Resolve(&s.Endpoint) == 0 {
		l.sendAck(s)
	}
	w := &l.waiting
	if l.waits.Len() >= l.cfg.MaxTimeWait {
		w.drop(w.first)
	}
	tw := w.free
	if tw == nil {
		tw = new(timeWait)
	} else {
		w.free = tw.next
	}
	r := &s.rcv
	*tw = timeWait{} // and not as a literal, which is made elsewhere and copied
	tw.key, tw.hash, tw.sndNxt, tw.rcvNxt, tw.rcvWnd = s.key(), s.hash, s.snd.max, r.nxt, max(r.edge-r.nxt, 1)
	tw.tsOK, tw.tsRecent, tw.tsAt, tw.tsOff = r.tsOK, r.tsRecent, r.tsRecentAt, r.tsOff
	tw.scale, tw.ttl, tw.tos, tw.v6 = r.scale, s.TTL, s.TOS, s.Opt.V6
	if int32(r.edge-r.nxt) <= 0 {
		tw.rcvWnd = 1
	}
	l.waits.Put(tw.hash, &tw.key, tw)
	w.push(tw, l.now)
	l.cfg.Stat.Event(perf.EvTCPTimeWait)
	l.done(s, 0)
}

// timeWaitAck handles everything but SYN and RST. The peer's FIN again: our
// last ACK was lost; the time begins anew. RFC 9293 3.10.7.4.
func (l *Layer) timeWaitAck(_ *Sock, g *segment) perf.Verdict {
	tw := g.tw
	old := tw.tsOK && g.opts.TS && seqLT(g.opts.TSVal, tw.tsRecent)
	if !old && g.end == g.seq && g.seq == tw.rcvNxt {
		return perf.Delivered // an ACK, as it should be
	}
	v := perf.DropTCPWindow
	if !old && g.flags&(FIN|SYN) == FIN && g.end == tw.rcvNxt {
		l.waiting.unlink(tw)
		l.waiting.push(tw, l.now)
		v = perf.Delivered
	}
	if !tw.chal.ok(l.now, challengeRate) {
		l.cfg.Stat.Event(perf.EvTCPChallengeLimited)
		return v
	}
	o := &l.opts
	*o = Options{WScale: -1, TS: tw.tsOK, TSVal: tsClock(l.now) + tw.tsOff, TSEcr: tw.tsRecent}
	l.send(l.endpoint(&tw.key, &ip.Endpoint{TTL: tw.ttl, TOS: tw.tos}), bare{
		seq: tw.sndNxt, ack: tw.rcvNxt, flags: ACK, wnd: uint16(min(tw.rcvWnd>>tw.scale, 1<<16-1)), opts: o,
	})
	return v
}

// timeWaitSyn: a new connection may take over the name if nothing of the old
// one can be mistaken for it. RFC 6191 2; RFC 9293 3.6.1 (MAY-2).
func (l *Layer) timeWaitSyn(_ *Sock, g *segment) perf.Verdict {
	tw := g.tw
	newer := seqGT(g.seq, tw.rcvNxt)
	if tw.tsOK && g.opts.TS && g.opts.TSVal != tw.tsRecent {
		newer = seqGT(g.opts.TSVal, tw.tsRecent)
	}
	ls := l.listeners.find(&g.key, g.p.Iface.Index)
	if !newer || ls == nil { // RFC 1337: else anybody could end it
		tw.asked = ls != nil
		return l.timeWaitAck(nil, g)
	}
	if v := l.admit(ls, g); v != perf.Delivered {
		return v
	}
	if ls.full() {
		return perf.DropTCPBacklog
	}
	g.floor = tw.above()
	l.waiting.drop(tw)
	g.tw = nil
	l.cfg.Stat.Event(perf.EvTCPTimeWaitReused)
	return l.step(Listen, ls, g)
}

// timeWaitRst: a reset that has come late must not end TIME-WAIT. RFC 1337. But a peer
// that has begun anew, after a reboot, or another one behind the same translator, has other
// clocks, and half of its SYNs look old. It resets what we answer (RFC 9293 3.10.7.3,
// first), in numbers that nobody else knows, and its next SYN finds the name free.
func (l *Layer) timeWaitRst(_ *Sock, g *segment) perf.Verdict {
	if tw := g.tw; tw.asked && g.flags&ACK == 0 && g.seq == tw.rcvNxt {
		l.waiting.drop(tw)
		g.tw = nil
		l.cfg.Stat.Event(perf.EvTCPResetReceived)
		return perf.Delivered
	}
	return perf.DropTCPReset
}

// above is a sequence number that the old connection cannot have used.
func (tw *timeWait) above() uint32 {
	if f := tw.sndNxt + 1<<16 + 1; f != 0 {
		return f
	}
	return 1
}

// reusable: a connection of ours may take over the name: the peer will see
// newer timestamps. RFC 6191, and Linux's tcp_tw_reuse.
func (tw *timeWait) reusable(now perf.Tick) bool {
	return tw.tsOK && now-tw.tsAt > perf.Second
}
