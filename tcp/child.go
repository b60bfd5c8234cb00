package tcp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// opening is how a connection begins that a peer opens.
type opening struct {
	opts     *Options // of the peer's SYN, as it sent them
	irs, iss uint32
	tsOff    uint32
}

// child makes the connection that g opens, or the cookie in g has opened: in SYN-RECEIVED,
// and half-open, which it is until the peer has shown that it is there. Nobody but the
// listener's counts knows it until then.
func (l *Layer) child(ls *Sock, g *segment, o opening) *Sock {
	s := l.nextSock()
	s.Vacant()
	e := &s.Endpoint
	e.Local, e.Remote, e.LocalPort, e.RemotePort = g.key.Local, g.key.Remote, g.key.LocalPort, g.key.RemotePort
	e.TTL, e.TOS, e.DontFrag, e.Group = ls.TTL, ls.TOS, ls.discover() != syscall.IP_PMTUDISC_DONT, ls.Group
	s.Opt, s.opt = ls.Opt, ls.opt
	if r := ls.Opt.Rare; r != nil {
		s.Opt.Rare = r.Inherit()
		s.saveSyn(g)
	}
	s.TX.SetLimit(int(s.Opt.SndBuf))
	r := &s.rcv
	r.advMSS = advertised(g.p.Iface.MTU, int(s.opt.maxSeg), e.Remote.Is4())
	r.scale, r.tsOff = scaleFor(l.maxWindow(&s.Opt)), o.tsOff
	s.startSend(o.iss)
	l.takeSyn(s, o.opts, o.irs)
	d := &s.snd
	d.wnd, d.maxWnd, d.wl1 = uint32(g.wnd), uint32(g.wnd), o.irs // a SYN's window is not scaled
	s.state = SynRcvd
	s.lst = ls.lst
	s.lst.half++
	l.half++
	s.hash = g.hash
	l.conns.Put(s.hash, &g.key, s)
	s.timer.Become(running)
	return s
}

// half: a listener's connection whose handshake is not over.
func (s *Sock) half() bool { return s.state == SynRcvd && s.lst != nil }

// halfOver takes s, half-open, from the counts.
func (l *Layer) halfOver(s *Sock) {
	s.lst.half--
	l.half--
	s.lst = nil
}

// accepted gives s, whose peer is there, to the listener's application.
func (l *Layer) accepted(s *Sock) {
	ls := s.lst.sk
	l.halfOver(s)
	if r := s.Opt.Rare; r != nil {
		r.Defer, r.Deferred = 0, false
	}
	if s.snd.retries > 0 {
		s.synLost()
		s.snd.retries = 0
	}
	l.cfg.Stat.Event(perf.EvTCPPassiveOpen)
	s.Set(sock.FlagConnected)
	ls.AcceptQ.Push(&s.Sock)
	ls.DataReady()
}

// dropHalf forgets the half-open connection s.
func (l *Layer) dropHalf(s *Sock) {
	l.cfg.Stat.Event(perf.EvTCPOpenFailed)
	l.done(s, 0)
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

// endpoint fills the layer's scratch endpoint for a segment to k's remote end.
func (l *Layer) endpoint(k *ip.FlowKey, like *ip.Endpoint) *ip.Endpoint {
	e := &l.tmp
	if e.Remote != k.Remote || e.Local != k.Local {
		e.Dst = ip.Dst{}
	}
	e.Local, e.Remote, e.LocalPort, e.RemotePort = k.Local, k.Remote, k.LocalPort, k.RemotePort
	e.TTL, e.TOS, e.DontFrag = 0, 0, true
	var way *ip.GroupWay
	if like != nil {
		e.TTL, e.TOS, way = like.TTL, like.TOS, like.Group
	}
	if e.Group != way {
		e.Group, e.Dst = way, ip.Dst{}
	}
	return e
}

func (s *Sock) key() ip.FlowKey {
	return ip.FlowKey{Local: s.Local, Remote: s.Remote, LocalPort: s.LocalPort, RemotePort: s.RemotePort}
}
