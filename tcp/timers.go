package tcp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
)

const (
	maxProbeWait  = perf.Minute // between zero-window probes
	r1            = 3           // RFC 9293 3.8.3: after so many time-outs IP looks for another way
	blackHole     = 4           // after so many, big packets are suspected to vanish
	orphanRetries = 8           // for a closed socket, as Linux
	minUserWait   = perf.Millisecond
	corkWait      = 200 * perf.Millisecond
)

// Expire is the wheel's call: some of s's alarms may be due.
func (s *Sock) Expire(kind uint8, now int64) {
	if kind == resting {
		return
	}
	l, at := s.l, perf.Tick(now)
	l.now = at
	if s.dack.rang(at) {
		l.cfg.Stat.Event(perf.EvTCPDelayedAck)
		s.rcv.ackNow = true
		l.want(s)
	}
	if s.rtx.rang(at) {
		switch {
		case s.state == SynSent || s.state == SynRcvd:
			l.synTimeout(s)
		case s.outstanding():
			l.timeout(s)
		default:
			l.persist(s)
		}
	}
	if s.keep.rang(at) {
		if s.state == FinWait2 && s.orphan {
			l.done(s, 0)
		} else {
			l.keepAlive(s)
		}
	}
	l.rearm(s)
}

// rearm arms the timer of s for the first of its alarms, if there is one.
func (l *Layer) rearm(s *Sock) {
	for _, a := range [...]*alarm{&s.rtx, &s.dack, &s.keep} {
		if a.on() {
			l.arm(s, a, a.at)
		}
	}
}

// rto is the time-out to arm now: RFC 6298, but not past the user's limit.
func (s *Sock) rto() perf.Tick { return s.clamp(s.rtt.RTO) }

func (s *Sock) clamp(t perf.Tick) perf.Tick {
	if s.opt.userLimit == 0 || s.snd.since == 0 {
		return t
	}
	return max(min(t, s.snd.since+s.opt.userLimit.tick()-s.l.now), minUserWait)
}

// gaveUp: R2 (RFC 9293 3.8.3) or the user's limit (RFC 5482) is reached.
func (s *Sock) gaveUp() bool {
	d, limit := &s.snd, s.l.cfg.DataRetries
	if s.orphan {
		limit = min(limit, orphanRetries)
	}
	if s.opt.userLimit > 0 {
		return s.l.now-d.since >= s.opt.userLimit.tick()
	}
	return int(d.retries) >= limit
}

// expired ends a connection whose peer does not answer. A soft ICMP error that
// came meanwhile says why. RFC 1122 4.2.3.9.
func (l *Layer) expired(s *Sock) {
	errno := syscall.ETIMEDOUT
	if s.soft != 0 {
		errno = syscall.Errno(s.soft)
	}
	l.done(s, errno)
}

// timeout: the retransmission timer. RFC 6298 5.4-5.6, RFC 5681 3.1.
func (l *Layer) timeout(s *Sock) {
	d, r := &s.snd, &s.loss
	if s.gaveUp() {
		l.expired(s)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPTimeout)
	flight := 0
	if d.retries == 0 {
		flight = int(d.max - d.una)
	}
	d.retries++
	if d.retries == r1 {
		s.Dst = ip.Dst{}
	}
	if d.retries >= blackHole && d.wnd != 0 && int(d.max-d.una) >= s.win.MSS {
		l.suspectBlackHole(s)
	}
	s.congestion().TimedOut(&s.win, flight, l.now)
	s.rtt.Backoff()
	s.sacks()
	r.phase, r.again = lost, false
	r.dupAcks, r.inflate = 0, 0
	r.recover = d.max
	d.nxt = d.una
	d.rttOn, d.force = false, true
	l.arm(s, &s.rtx, l.now+s.rto())
	l.want(s)
}

// suspectBlackHole: full segments keep getting lost. RFC 4821, RFC 8899 in the
// small: let routers cut them, and send smaller ones.
func (l *Layer) suspectBlackHole(s *Sock) {
	s.DontFrag = false
	switch {
	case s.win.MSS > 1220:
		s.loss.cap = 1220
	case s.win.MSS > 512:
		s.loss.cap = 512
	default:
		return
	}
	s.snd.mtu = 0 // resize
}

// persist: nothing is outstanding, but something waits: the peer's window is
// closed or too small, or our own way out was. RFC 9293 3.8.6.1.
func (l *Layer) persist(s *Sock) {
	d := &s.snd
	if !s.state.sends() || d.nxt == s.endSeq() && !d.fin {
		return
	}
	if seqGT(d.una+d.wnd, d.nxt) {
		d.force = true // RFC 9293 3.8.6.2.1 (4): the override timeout
		l.want(s)
		return
	}
	if d.probes == 0 {
		d.since = l.now
	}
	if s.gaveUp() || s.orphan && d.probes >= orphanRetries {
		l.expired(s)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPWindowProbe)
	d.retries++
	d.probes = min(d.probes+1, 30)
	l.probe(s)
	l.arm(s, &s.rtx, l.now+s.probeAfter())
}

// probeAfter is the interval to the next probe: the time-out, doubled each time.
func (s *Sock) probeAfter() perf.Tick {
	if s.opt.cork&^corkUrgent != 0 && s.snd.wnd != 0 {
		return corkWait
	}
	return s.clamp(min(s.rtt.RTO<<min(s.snd.probes, 10), maxProbeWait))
}

// keepAlive asks an idle peer whether it is there. RFC 9293 3.8.4.
func (l *Layer) keepAlive(s *Sock) {
	if !s.Opt.KeepAlive || !s.state.synchronized() || s.state == TimeWait {
		return
	}
	quiet, wait := l.now-s.rcv.last, s.opt.keepIdle.tick()
	if s.outstanding() || seqLT(s.snd.nxt, s.endSeq()) { // the retransmission timer's business
		s.idle = 0
		l.arm(s, &s.keep, l.now+wait)
		return
	}
	if quiet < wait && s.idle == 0 {
		l.startKeepAlive(s)
		return
	}
	if s.idle > 0 && s.probeAnswered(l.now) {
		l.startKeepAlive(s)
		return
	}
	over := int(s.idle) >= int(s.opt.keepCount)
	if s.opt.userLimit > 0 {
		over = s.idle > 0 && quiet >= s.opt.userLimit.tick()
	}
	if over {
		l.sendReset(s)
		l.expired(s)
		return
	}
	l.cfg.Stat.Event(perf.EvTCPKeepAlive)
	s.idle, s.snd.asked = min(s.idle+1, 250), millis(l.now/perf.Millisecond)
	l.probe(s)
	l.arm(s, &s.keep, l.now+s.opt.keepIntvl.tick())
}

// probeAnswered reports whether the peer has sent something since the latest probe. asked
// begins again at 0 after 50 days: only how long ago it was counts.
func (s *Sock) probeAnswered(now perf.Tick) bool {
	age := millis(now/perf.Millisecond) - s.snd.asked
	return now/perf.Millisecond-s.rcv.last/perf.Millisecond <= perf.Tick(age)
}

// startKeepAlive arms the alarm for when the peer will have been idle too long.
func (l *Layer) startKeepAlive(s *Sock) {
	s.idle = 0
	if s.Opt.KeepAlive && s.state.synchronized() {
		l.arm(s, &s.keep, max(s.rcv.last+s.opt.keepIdle.tick(), l.now+minUserWait))
	}
}
