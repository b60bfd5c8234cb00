package tcp

import (
	"math"
	"syscall"

	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// request is a connection that a peer has begun and not finished: a listener's
// SYN-RECEIVED. It is small, because nobody knows yet who the peer is.
type request struct {
	l          *Layer
	ls         *Sock
	next, prev *request // of the same listener; next also links the free ones
	timer      timer.Timer
	key        ip.FlowKey
	opts       Options // of the peer's SYN; MSS has its default
	irs, iss   uint32
	tsOff      uint32
	sentAt     perf.Tick // of the first SYN-ACK
	wnd        uint16    // ours, as shown
	advMSS     uint16
	rcvScale   uint8
	retries    uint8
	cookie     bool
	chal       limiter
}

// newRequest returns a request for the SYN in g.
func (l *Layer) newRequest(ls *Sock, g *segment) *request {
	rq := l.freeReqs
	if rq == nil {
		rq = new(request)
	} else {
		l.freeReqs = rq.next
	}
	*rq = request{l: l, sentAt: l.now}
	rq.timer.Init(rq, 0)
	rq.fill(ls, g)
	return rq
}

// fill takes over what the peer's SYN says and what we answer.
func (rq *request) fill(ls *Sock, g *segment) {
	l := rq.l
	rq.ls, rq.key, rq.opts, rq.irs = ls, g.key, g.opts, g.seq
	o := &rq.opts
	o.MSS = clampMSS(o.MSS, g.key.Remote.Is4())
	o.TS = o.TS && !l.cfg.NoTimestamps
	o.SackOK = o.SackOK && !l.cfg.NoSACK
	rq.advMSS = advertised(g.p.Iface.MTU, int(ls.opt.maxSeg), g.key.Remote.Is4())
	rq.rcvScale = scaleFor(l.maxWindow(&ls.Sock.Opt))
	rq.wnd = uint16(min(ls.Opt.RcvBuf, math.MaxUint16))
	t := tuple(&g.key)
	rq.iss, rq.tsOff = numbers(&l.cfg.Secret, &t, l.now)
}

// clampMSS is the peer's MSS option, with the default where there was none
// (RFC 9293 3.7.1) and a floor against peers that want a byte per packet
// (CVE-2019-11479).
func clampMSS(mss uint16, is4 bool) uint16 {
	if mss == 0 {
		if is4 {
			return 536
		}
		return 1220
	}
	return max(mss, minMSS)
}

const minMSS = 64

// advertised is the MSS option of our SYN. RFC 9293 3.7.1: the interface's MTU
// less the headers without options.
func advertised(mtu, limit int, is4 bool) uint16 {
	mss := min(mtu-headers(is4), 65495)
	if limit > 0 {
		mss = min(mss, limit)
	}
	return uint16(max(mss, minMSS))
}

// maxWindow is the largest receive window a socket may come to have.
func (l *Layer) maxWindow(o *sock.Options) int {
	if o.RcvBufSet {
		return int(o.RcvBuf)
	}
	return max(int(o.RcvBuf), l.cfg.MaxRcvBuf)
}

func (rq *request) link() {
	q := rq.ls.lst
	rq.next, rq.prev = q.reqs, nil
	if q.reqs != nil {
		q.reqs.prev = rq
	}
	q.reqs = rq
	q.half++
}

// dropRequest forgets rq.
func (l *Layer) dropRequest(rq *request) {
	q := rq.ls.lst
	if rq.prev != nil {
		rq.prev.next = rq.next
	} else {
		q.reqs = rq.next
	}
	if rq.next != nil {
		rq.next.prev = rq.prev
	}
	q.half--
	l.cfg.Wheel.Cancel(&rq.timer)
	l.reqs.Delete(&rq.key)
	*rq = request{next: l.freeReqs}
	l.freeReqs = rq
}

// Expire sends the SYN-ACK again: after 1, 2, 4... seconds, a few times.
func (rq *request) Expire(_ uint8, now int64) {
	l := rq.l
	l.now = perf.Tick(now)
	if int(rq.retries) >= l.cfg.AckRetries {
		l.cfg.Stat.Event(perf.EvTCPOpenFailed)
		l.dropRequest(rq)
		return
	}
	rq.retries++
	l.cfg.Stat.Event(perf.EvTCPRetransmit)
	l.sendSynAck(rq)
	l.cfg.Wheel.Arm(&rq.timer, now+int64(perf.Second)<<rq.retries)
}

// endpoint fills the layer's scratch endpoint for a segment to k's remote end.
func (l *Layer) endpoint(k *ip.FlowKey, like *ip.Endpoint) *ip.Endpoint {
	e := &l.tmp
	if e.Remote != k.Remote || e.Local != k.Local {
		e.Dst = ip.Dst{}
	}
	e.Local, e.Remote, e.LocalPort, e.RemotePort = k.Local, k.Remote, k.LocalPort, k.RemotePort
	e.TTL, e.TOS, e.DontFrag = 0, 0, true
	if like != nil {
		e.TTL, e.TOS = like.TTL, like.TOS
	}
	return e
}

// sendSynAck answers the peer's SYN.
func (l *Layer) sendSynAck(rq *request) {
	o := &l.opts
	*o = Options{MSS: rq.advMSS, WScale: -1, SackOK: rq.opts.SackOK, TS: rq.opts.TS}
	if rq.opts.WScale >= 0 { // RFC 7323 2.2: only if the peer offered it
		o.WScale = int8(rq.rcvScale)
	}
	if o.TS {
		o.TSVal, o.TSEcr = tsClock(l.now)+rq.tsOff, rq.opts.TSVal
		if rq.cookie {
			o.TSVal = cookieTS(o.TSVal, &rq.opts)
		}
	}
	l.send(l.endpoint(&rq.key, &rq.ls.Endpoint), bare{
		seq: rq.iss, ack: rq.irs + 1, flags: SYN | ACK, wnd: rq.wnd, opts: o,
	})
}

// child makes a connection of a request whose handshake g completes. It is in
// SYN-RECEIVED until g has been received.
func (l *Layer) child(rq *request, g *segment) *Sock {
	ls := rq.ls
	s := l.newSock()
	s.Vacant()
	s.Endpoint = ip.Endpoint{
		Local: rq.key.Local, Remote: rq.key.Remote,
		LocalPort: rq.key.LocalPort, RemotePort: rq.key.RemotePort,
		TTL: ls.TTL, TOS: ls.TOS, DontFrag: ls.discover() != syscall.IP_PMTUDISC_DONT,
	}
	s.Opt, s.opt = ls.Opt, ls.opt
	s.Opt.Rare = ls.Opt.Rare.Inherit()
	s.lst = nil
	s.TX.SetLimit(int(s.Opt.SndBuf))
	s.rcv.advMSS, s.rcv.scale = rq.advMSS, rq.rcvScale
	s.rcv.tsOff = rq.tsOff
	s.startSend(rq.iss)
	s.snd.nxt, s.snd.max = rq.iss+1, rq.iss+1
	l.negotiate(s, &rq.opts, rq.irs, int(rq.wnd))
	switch {
	case rq.retries > 0:
		s.synLost()
	case !rq.cookie:
		s.rtt.Sample(l.now - rq.sentAt)
	}
	s.snd.rttOn = false
	s.snd.wl1 = g.seq - 1 // the window of g is the first
	s.state = SynRcvd
	k := s.key()
	l.conns.Insert(&k, s)
	l.cfg.Stat.Event(perf.EvTCPPassiveOpen)
	s.Set(sock.FlagConnected)
	ls.AcceptQ.Push(&s.Sock)
	ls.DataReady()
	return s
}

func (s *Sock) key() ip.FlowKey {
	return ip.FlowKey{Local: s.Local, Remote: s.Remote, LocalPort: s.LocalPort, RemotePort: s.RemotePort}
}
