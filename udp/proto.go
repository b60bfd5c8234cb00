package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

func of(sk *sock.Sock) *Sock { return sk.Owner.(*Sock) }

// Bind enters sk in the table of bound sockets. EADDRINUSE: the name is taken
// and not both want to share it. EINVAL: sk has a name already, or no port.
func (l *Layer) Bind(sk *sock.Sock, local sock.Name) syscall.Errno {
	s := of(sk)
	if s.where != nowhere || local.Port == 0 || s.closing {
		return syscall.EINVAL
	}
	s.Local, s.LocalPort = ip.Addr(local.Addr), local.Port
	if errno := l.enter(s, inBound); errno != 0 {
		s.Local, s.LocalPort = ip.Addr{}, 0
		return errno
	}
	s.own = s.Local
	s.ears = !s.own.IsZero() && l.ip.Resolve(&ip.Endpoint{Local: s.own, Remote: s.own}) == syscall.EADDRNOTAVAIL
	return 0
}

// Connect makes to the only peer of sk. Without a port in local, sk keeps the
// one it is bound to. The wildcard as peer undoes it (AF_UNSPEC). On an error
// sk stays as it was.
func (l *Layer) Connect(sk *sock.Sock, local, to sock.Name) syscall.Errno {
	s := of(sk)
	if s.closing {
		return syscall.EINVAL
	}
	if to.IsWildcard() && to.Port == 0 {
		return l.disconnect(s)
	}
	e := s.Endpoint
	if s.ears {
		e.Local = ip.Addr{}
	}
	if from := ip.Addr(local.Addr); !from.IsZero() {
		e.Local = from
	} else if s.where == inFlows && !s.ears {
		e.Local = s.own
	}
	if local.Port != 0 {
		e.LocalPort = local.Port
	}
	e.Remote, e.RemotePort = ip.Addr(to.Addr), to.Port
	e.Broadcast = s.Opt.Broadcast
	if e.LocalPort == 0 || e.RemotePort == 0 || e.Remote.IsZero() {
		return syscall.EINVAL
	}
	if errno := l.ip.Resolve(&e); errno != 0 {
		return errno
	}
	was, old := s.where, s.Endpoint
	l.leave(s)
	s.Endpoint = e
	if errno := l.enter(s, inFlows); errno != 0 {
		s.Endpoint = old
		if was != nowhere {
			l.enter(s, was)
		}
		return errno
	}
	s.alone = true
	sk.Set(sock.FlagConnected)
	sk.StateChange()
	return 0
}

// disconnect makes s a bound socket again. EADDRINUSE: its name was taken
// meanwhile, and s stays connected.
func (l *Layer) disconnect(s *Sock) syscall.Errno {
	if s.where != inFlows {
		return 0
	}
	old := s.Endpoint
	l.leave(s)
	s.Remote, s.RemotePort = ip.Addr{}, 0
	s.Local, s.Dst = s.own, ip.Dst{}
	if errno := l.enter(s, inBound); errno != 0 {
		s.Endpoint = old
		l.enter(s, inFlows)
		return errno
	}
	s.Unset(sock.FlagConnected)
	return 0
}

// Unbind makes sk what it was before Bind and Connect; what it has received stays, and
// what was sent leaves as it was meant.
func (l *Layer) Unbind(sk *sock.Sock) {
	s := of(sk)
	l.drain(s, l.core.Now)
	l.leave(s)
	s.Local, s.LocalPort, s.Remote, s.RemotePort, s.Dst = ip.Addr{}, 0, ip.Addr{}, 0, ip.Dst{}
	s.own, s.ears, s.alone = ip.Addr{}, false, false
	s.Unset(sock.FlagConnected)
}

// Like gives s, which nobody knows yet, the options of o. On the lcore of o.
func (s *Sock) Like(o *Sock) {
	s.TTL, s.TOS, s.DontFrag, s.Broadcast, s.Group = o.TTL, o.TOS, o.DontFrag, o.Broadcast, o.Group
	s.crowd, s.pmtu, s.lite = o.crowd, o.pmtu, o.lite
	s.Opt, s.Opt.Rare = o.Opt, o.Opt.Rare.Inherit()
	if s.Opt.RcvBufSet {
		s.RX.SetLimit(int(s.Opt.RcvBuf))
	}
	if s.Opt.SndBufSet {
		s.TX.SetLimit(int(s.Opt.SndBuf))
	}
	if o.train != nil {
		s.train = new(train)
	}
	s.mark()
}

// Listen is not for datagrams.
func (l *Layer) Listen(*sock.Sock, int) syscall.Errno { return syscall.EOPNOTSUPP }

// Request serves the application. A socket that is closed takes nothing in any
// more, but what it sent leaves.
func (l *Layer) Request(sk *sock.Sock, bits uint32, now perf.Tick) {
	s := of(sk)
	if bits&sock.ReqClose != 0 && !s.closing {
		l.leave(s)
		s.closing = true
	}
	if bits&(sock.ReqSend|sock.ReqClose) != 0 {
		l.drain(s, now)
	}
	if s.closing && s.TX.Len() == 0 && !s.Has(sock.FlagDead) {
		sk.Set(sock.FlagDead)
		sk.StateChange()
	}
}

// Names returns both ends.
func (s *Sock) Names() (local, remote sock.Name) {
	return endName(s.Local, s.LocalPort), endName(s.Remote, s.RemotePort)
}

// endName is an end as applications see it.
func endName(a ip.Addr, port uint16) sock.Name {
	return sock.Name{Addr: a.Wire(), Port: port, Zone: a.Zone()}
}
