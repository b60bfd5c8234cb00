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
	sk      *Sock // whose it is
	backlog int
	half    int   // connections waiting for the end of their handshake
	next    *Sock // in the same row of the table
}

// listenTable finds listeners by port and address.
type listenTable struct {
	rows [64]*Sock
}

// find returns the listener for a flow that comes by a link: one bound to the very address
// before one bound to all of its family, and that before one bound to all of both; among
// equals one bound to the link. Listeners that share a port (SO_REUSEPORT) share the flows.
func (t *listenTable) find(k *ip.FlowKey, iface uint16) *Sock {
	var best *Sock
	rank, n := 0, 0
	for s := t.rows[k.LocalPort%64]; s != nil; s = s.lst.next {
		if s.LocalPort != k.LocalPort {
			continue
		}
		r := 2 * ip.Fits(s.Local, k.Local, s.Opt.V6 == sock.V6Only)
		if rare := s.Opt.Rare; r != 0 && rare != nil && rare.Device != 0 {
			if r++; rare.Elsewhere(iface) {
				continue
			}
		}
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
		s.lst = &listener{sk: s}
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

// closeListener forgets the half-open connections of ls and resets the connections nobody
// accepted. The application's side of AcceptQ is over by now.
func (l *Layer) closeListener(ls *Sock) {
	l.listeners.remove(ls)
	l.closeHalf(ls)
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

// closeHalf forgets the half-open connections of ls.
func (l *Layer) closeHalf(ls *Sock) {
	if ls.lst.half == 0 { // as most often
		return
	}
	var all []*Sock
	l.conns.Range(func(_ *ip.FlowKey, s *Sock) bool {
		if s.half() && s.lst == ls.lst {
			all = append(all, s)
		}
		return true
	})
	for _, s := range all {
		l.done(s, 0)
	}
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
	if ls.lst.half >= limit || l.half >= l.cfg.MaxRequests {
		l.sendCookie(ls, g)
		return perf.Delivered
	}
	t := tuple(&g.key)
	o := opening{opts: &g.opts, irs: g.seq}
	o.iss, o.tsOff = numbers(&l.cfg.Secret, &t, l.now)
	if g.floor != 0 && seqLT(o.iss, g.floor) {
		o.iss = g.floor // RFC 6191 3: above the old connection's numbers
	}
	l.sendSyn(l.child(ls, g, o))
	return perf.Delivered
}

// sendCookie answers a SYN without remembering it. RFC 4987 3.6.
func (l *Layer) sendCookie(ls *Sock, g *segment) {
	peer, is4 := &g.opts, g.key.Remote.Is4()
	l.agree(peer, is4)
	if !peer.TS { // nowhere to keep the other options
		peer.WScale, peer.SackOK = -1, false
	}
	t := tuple(&g.key)
	_, tsOff := numbers(&l.cfg.Secret, &t, l.now)
	o := &l.opts
	*o = Options{MSS: advertised(g.p.Iface.MTU, int(ls.opt.maxSeg), is4), WScale: -1, SackOK: peer.SackOK, TS: peer.TS}
	if peer.WScale >= 0 { // RFC 7323 2.2: only if the peer offered it
		o.WScale = int8(scaleFor(l.maxWindow(&ls.Opt)))
	}
	if o.TS {
		o.TSVal, o.TSEcr = cookieTS(tsClock(l.now)+tsOff, peer), peer.TSVal
	}
	l.cookieAt = l.now
	l.cfg.Stat.Event(perf.EvTCPCookieSent)
	l.send(l.endpoint(&g.key, &ls.Endpoint), bare{
		seq: l.cookies.make(&t, g.seq, cookieMSSIndex(peer.MSS), l.now), ack: g.seq + 1,
		flags: SYN | ACK, wnd: uint16(ls.synWindow()), opts: o,
	})
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
	syn := Options{MSS: uint16(mss), WScale: -1, TS: g.opts.TS, TSVal: g.opts.TSVal}
	if g.opts.TS {
		cookieOptions(g.opts.TSEcr, &syn)
	}
	o := opening{opts: &syn, irs: g.seq - 1, iss: g.ack - 1}
	_, o.tsOff = numbers(&l.cfg.Secret, &t, l.now)
	s := l.child(ls, g, o) // the round trip is unknown
	s.snd.nxt, s.snd.max = g.ack, g.ack
	l.accepted(s)
	return l.receive(s, g)
}
