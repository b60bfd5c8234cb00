package tcp

import (
	"syscall"

	"dataplane/internal/ring"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// minBacklog: even listen(fd, 0) takes one connection, as Linux does.
const (
	minBacklog = 1
	minAcceptQ = 128
)

// listener is what a Sock in LISTEN has besides.
type listener struct {
	backlog int
	half    int      // requests waiting for the end of their handshake
	reqs    *request // those requests
	next    *Sock    // in the same row of the table
}

// listenTable finds listeners by port and address.
type listenTable struct {
	rows [64]*Sock
}

// find returns the listener for a flow: one bound to the very address before
// one bound to all of its family, and that before one bound to all of both. Listeners
// that share a port (SO_REUSEPORT) share the flows.
func (t *listenTable) find(k *ip.FlowKey) *Sock {
	var best *Sock
	rank, n := 0, 0
	for s := t.rows[k.LocalPort%64]; s != nil; s = s.lst.next {
		if s.LocalPort != k.LocalPort {
			continue
		}
		r := ip.Fits(s.Local, k.Local, s.Opt.V6Only)
		if r == 0 || r < rank {
			continue
		}
		if n++; r > rank {
			best, rank, n = s, r, 1
		} else if (int(k.RemotePort)^int(k.Remote[15]))%n == 0 {
			best = s
		}
	}
	return best
}

func (t *listenTable) add(s *Sock) {
	row := &t.rows[s.LocalPort%64]
	s.lst.next, *row = *row, s
}

func (t *listenTable) remove(s *Sock) {
	for p := &t.rows[s.LocalPort%64]; *p != nil; p = &(*p).lst.next {
		if *p == s {
			*p = s.lst.next
			return
		}
	}
}

// each calls f for every listener; f may remove it.
func (t *listenTable) each(f func(*Sock)) {
	for i := range t.rows {
		for s := t.rows[i]; s != nil; {
			next := s.lst.next
			f(s)
			s = next
		}
	}
}

// Listen makes sk accept connections; a second call changes the backlog.
func (l *Layer) Listen(sk *sock.Sock, backlog int) syscall.Errno {
	s := sk.Owner.(*Sock)
	if s.state != Closed && s.state != Listen || s.LocalPort == 0 {
		return syscall.EINVAL
	}
	backlog = min(max(backlog, minBacklog), l.cfg.MaxBacklog)
	if s.state == Closed {
		size := minAcceptQ
		for size <= backlog {
			size *= 2
		}
		s.AcceptQ = ring.NewSPSC[*sock.Sock](size)
		s.lst = &listener{}
		l.listeners.add(s)
		s.state = Listen
		s.Unset(sock.FlagDead)
		s.Set(sock.FlagListening)
	}
	s.lst.backlog = min(backlog, s.AcceptQ.Cap()-1)
	return 0
}

// full: like Linux, one more than the backlog may wait.
func (s *Sock) full() bool { return s.AcceptQ.Len() > s.lst.backlog }

// closeListener forgets the requests of ls and resets the connections nobody
// accepted. The application's side of AcceptQ is over by now.
func (l *Layer) closeListener(ls *Sock) {
	l.listeners.remove(ls)
	for ls.lst.reqs != nil {
		l.dropRequest(ls.lst.reqs)
	}
	for {
		sk, ok := ls.AcceptQ.Pop()
		if !ok {
			break
		}
		s := sk.Owner.(*Sock)
		if sk.Core() != l.cfg.Core {
			s.elsewhere(func(l *Layer) { l.abort(s, 0) })
			continue
		}
		l.abort(s, 0)
	}
	l.done(ls, 0)
}

// listenSyn handles a SYN for a listener. RFC 9293 3.10.7.2, third. Data that
// comes with it is not acknowledged, so the peer sends it again.
func (l *Layer) listenSyn(ls *Sock, g *segment) perf.Verdict {
	if ls.full() {
		return perf.DropTCPBacklog
	}
	if g.p.Src.IsMulticast() || g.p.Src.IsBroadcast() || g.p.Src.IsZero() {
		return perf.DropTCPSyn
	}
	limit := min(max(ls.lst.backlog, 8), l.cfg.SynBacklog)
	if ls.lst.half >= limit || l.reqs.Len() >= l.cfg.MaxRequests {
		l.sendCookie(ls, g)
		return perf.Delivered
	}
	rq := l.newRequest(ls, g)
	if g.floor != 0 && seqLT(rq.iss, g.floor) {
		rq.iss = g.floor // RFC 6191 3: above the old connection's numbers
	}
	l.reqs.Insert(&rq.key, rq)
	rq.link()
	l.sendSynAck(rq)
	l.cfg.Wheel.Arm(&rq.timer, int64(l.now+perf.Second))
	return perf.Delivered
}

// sendCookie answers a SYN without remembering it. RFC 4987 3.6.
func (l *Layer) sendCookie(ls *Sock, g *segment) {
	rq := &l.cookie
	*rq = request{l: l}
	rq.fill(ls, g)
	t := tuple(&g.key)
	i := cookieMSSIndex(rq.opts.MSS)
	rq.iss = l.cookies.make(&t, rq.irs, i, l.now)
	l.cookieAt = l.now
	l.cfg.Stat.Event(perf.EvTCPCookieSent)
	if !rq.opts.TS { // nowhere to keep the other options
		rq.opts.WScale, rq.opts.SackOK = -1, false
	}
	rq.cookie = true
	l.sendSynAck(rq)
}

// listenAck handles an ACK for a listener: the cookie of a SYN-ACK has come
// back, or it is nobody's. RFC 9293 3.10.7.2, second.
func (l *Layer) listenAck(ls *Sock, g *segment) perf.Verdict {
	if g.flags&SYN != 0 || l.cookieAt == 0 || l.now-l.cookieAt > cookieSlots*cookieSlot {
		l.refuse(nil, g)
		return perf.DropTCPAck
	}
	t := tuple(&g.key)
	mss, ok := l.cookies.check(&t, g.seq-1, g.ack-1, l.now)
	if !ok {
		l.refuse(nil, g)
		return perf.DropTCPCookie
	}
	if ls.full() {
		return perf.DropTCPBacklog
	}
	l.cfg.Stat.Event(perf.EvTCPCookieAccepted)
	rq := &l.cookie
	*rq = request{l: l, cookie: true} // the round trip is unknown
	rq.fill(ls, g)
	rq.irs, rq.iss = g.seq-1, g.ack-1
	rq.opts.MSS, rq.opts.WScale, rq.opts.SackOK = uint16(mss), -1, false
	if g.opts.TS {
		cookieOptions(g.opts.TSEcr, &rq.opts)
	}
	return l.receive(l.child(rq, g), g)
}
