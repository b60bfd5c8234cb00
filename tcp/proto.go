package tcp

import (
	"math"
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Connect starts an active open. RFC 9293 3.10.1. The SYN leaves at the end of the turn.
func (l *Layer) Connect(sk *sock.Sock, local, to sock.Name) syscall.Errno {
	s := sk.Owner.(*Sock)
	errno := l.connect(s, local, to)
	if errno == 0 {
		l.want(s)
	}
	return errno
}

// connect is Connect, but for the SYN.
func (l *Layer) connect(s *Sock, local, to sock.Name) syscall.Errno {
	l.now = max(l.now, l.cfg.Core.Now)
	switch s.state {
	case Closed:
	case Listen:
		return syscall.EISCONN
	case SynSent, SynRcvd:
		return syscall.EALREADY
	default:
		return syscall.EISCONN
	}
	remote := ip.Addr(to.Addr)
	if to.Port == 0 {
		return syscall.EADDRNOTAVAIL
	}
	if remote.IsMulticast() || remote.IsBroadcast() {
		return syscall.ENETUNREACH // RFC 9293 3.9.2.3: TCP knows one peer only
	}
	boundAddr, boundPort := s.Local, s.LocalPort
	s.Local, s.LocalPort = ip.Addr(local.Addr), local.Port // not what an earlier attempt had
	s.Remote, s.RemotePort, s.Dst = remote, to.Port, ip.Dst{}
	s.Endpoint.Broadcast = false
	errno := l.ip.Resolve(&s.Endpoint)
	if errno == syscall.EACCES {
		errno = syscall.ENETUNREACH
	}
	floor := uint32(0)
	if errno == 0 {
		floor, errno = l.claim(s)
	}
	if errno != 0 {
		s.Local, s.LocalPort, s.Remote, s.RemotePort = boundAddr, boundPort, ip.Addr{}, 0
		return errno
	}
	l.open(s, floor)
	return 0
}

// Dial notes both ends of the connection that sock.ReqConnect asks for. s is closed
// and its lcore has nothing to do with it: the application calls.
func (s *Sock) Dial(local, to sock.Name) {
	s.Local, s.LocalPort = ip.Addr(local.Addr), local.Port
	s.Remote, s.RemotePort = ip.Addr(to.Addr), to.Port
}

// dial is Connect to where Dial said.
func (l *Layer) dial(s *Sock) {
	local := sock.Name{Addr: s.Local, Port: s.LocalPort}
	to := sock.Name{Addr: s.Remote, Port: s.RemotePort}
	if errno := l.connect(s, local, to); errno != 0 {
		s.ErrorReport(errno)
		return
	}
	l.sendSyn(s)
}

// open begins the handshake of s, which has claimed its addresses and ports: all but
// the SYN.
func (l *Layer) open(s *Sock, floor uint32) {
	k := s.key()
	l.conns.Put(s.hash, &k, s)
	s.timer.Become(running)
	s.Unset(sock.FlagDead | sock.FlagRcvShut | sock.FlagSndShut)
	t := tuple(&k)
	iss, tsOff := numbers(&l.cfg.Secret, &t, l.now)
	if floor != 0 && seqLT(iss, floor) {
		iss = floor
	}
	s.startSend(iss)
	r := &s.rcv
	r.tsOff, r.want, r.ackNow = tsOff, math.MaxUint64, true
	r.scale = scaleFor(l.maxWindow(&s.Opt))
	r.advMSS = advertised(s.Dst.Iface.MTU, int(s.opt.maxSeg), s.Remote.Is4())
	s.state = SynSent
	l.cfg.Stat.Event(perf.EvTCPActiveOpen)
}

// Bind notes the local name, which inet has reserved.
func (l *Layer) Bind(sk *sock.Sock, local sock.Name) syscall.Errno {
	s := sk.Owner.(*Sock)
	if s.state != Closed {
		return syscall.EINVAL
	}
	s.Local, s.LocalPort = ip.Addr(local.Addr), local.Port
	return 0
}

// Request serves what the application asked for.
func (l *Layer) Request(sk *sock.Sock, bits uint32, now perf.Tick) {
	s := sk.Owner.(*Sock)
	l.now = now
	if bits == sock.ReqSend && s.state == Established && s.opt.cork == 0 { // nearly always
		l.want(s)
		l.warmed(s)
		return
	}
	if bits&sock.ReqConnect != 0 {
		l.dial(s)
	}
	if bits&sock.ReqSend != 0 {
		s.opt.cork &^= corkMore
	} else if bits&sock.ReqMore != 0 {
		s.opt.cork |= corkMore
	}
	if bits&(sock.ReqSend|sock.ReqMore) != 0 && s.state.sends() {
		l.want(s)
		l.warmed(s)
	}
	if bits&sock.ReqRead != 0 && bits&sock.ReqClose == 0 {
		l.updateWindow(s)
	}
	if bits&sock.ReqShutWrite != 0 {
		l.shutWrite(s)
	}
	if bits&sock.ReqShutRead != 0 && s.state != Listen {
		l.endOfStream(s) // what still comes fills the window, as with Linux
	}
	if bits&sock.ReqClose != 0 {
		if s.CB != nil {
			s.StateChange() // a goroutine may have closed what code on the lcore serves
		}
		s.spent = bits&sock.ReqFree != 0
		l.shut(s)
	}
}

// Names returns both ends.
func (s *Sock) Names() (local, remote sock.Name) {
	return endName(s.Local, s.LocalPort), endName(s.Remote, s.RemotePort)
}

// Pair puts both ends into p.
func (s *Sock) Pair(p *sock.Pair) {
	p.Local = sock.End{Addr: s.Local.Wire(), Port: s.LocalPort, Zone: s.Local.Zone()}
	p.Remote = sock.End{Addr: s.Remote.Wire(), Port: s.RemotePort, Zone: s.Remote.Zone()}
}

// endName is an end as applications see it.
func endName(a ip.Addr, port uint16) sock.Name {
	return sock.Name{Addr: a.Wire(), Port: port, Zone: a.Zone()}
}
