package raw

import (
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

var native = binary.NativeEndian

// Levels and options that package syscall does not name.
const (
	solRaw      = 255
	icmpFilter  = 1 // of solRaw
	icmp6Filter = 1 // of IPPROTO_ICMPV6
	ip6Checksum = 7 // of IPPROTO_IPV6 and solRaw
	defaultTTL  = 64
)

// Of returns the socket that sk is, nil if it is none of this package.
func Of(sk *sock.Sock) *Sock {
	s, _ := sk.Owner.(*Sock)
	return s
}

func of(sk *sock.Sock) *Sock { return sk.Owner.(*Sock) }

// Bind makes sk hear only what is for an address of ours, and send from there. For a ping
// socket the port of local is the identifier.
func (l *Layer) Bind(sk *sock.Sock, local sock.Name) syscall.Errno {
	s := of(sk)
	if s.closing {
		return syscall.EINVAL
	}
	if s.Ping {
		l.forget(s)
		s.LocalPort = local.Port
	}
	s.own = wild(ip.Addr(local.Addr))
	s.ears = s.own != ip.Addr{} && l.ip.Resolve(&ip.Endpoint{Local: s.own, Remote: s.own}) == syscall.EADDRNOTAVAIL
	s.Endpoint.Remote = ip.Addr{}
	l.listen(s)
	return 0
}

// wild makes both forms of "any address" one.
func wild(a ip.Addr) ip.Addr {
	if a.IsZero() {
		return ip.Addr{}
	}
	return a
}

// Connect makes to the only peer of sk; the wildcard undoes it.
func (l *Layer) Connect(sk *sock.Sock, local, to sock.Name) syscall.Errno {
	s := of(sk)
	if s.closing {
		return syscall.EINVAL
	}
	if from := wild(ip.Addr(local.Addr)); from != (ip.Addr{}) || to.IsWildcard() {
		s.own = from
	}
	s.peer = wild(ip.Addr(to.Addr))
	s.Endpoint.Remote = ip.Addr{}
	if s.peer == (ip.Addr{}) {
		sk.Unset(sock.FlagConnected)
	} else {
		sk.Set(sock.FlagConnected)
	}
	return 0
}

// Unbind makes a ping socket what it was before Bind and Connect; what it has received
// stays. A raw socket hears nothing from then on, as in Linux, whatever it is bound to later.
func (l *Layer) Unbind(sk *sock.Sock) {
	s := of(sk)
	l.drain(s, l.core.Now)
	l.forget(s)
	s.deaf = !s.Ping
	s.LocalPort, s.own, s.peer, s.ears = 0, ip.Addr{}, ip.Addr{}, false
	s.Endpoint.Remote = ip.Addr{}
	sk.Unset(sock.FlagConnected)
}

// Listen is not for raw sockets.
func (l *Layer) Listen(*sock.Sock, int) syscall.Errno { return syscall.EOPNOTSUPP }

// Request serves the application. A socket that is closed takes nothing in any more, but
// what it sent leaves.
func (l *Layer) Request(sk *sock.Sock, bits uint32, now perf.Tick) {
	s := of(sk)
	if bits&sock.ReqClose != 0 && !s.closing {
		l.forget(s)
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
	return sock.Name{Addr: s.own, Port: s.LocalPort}, sock.Name{Addr: s.peer}
}

// SetOption serves level IPPROTO_IP and the filters. ENOPROTOOPT: not known here.
func (l *Layer) SetOption(sk *sock.Sock, level, name int, v []byte) syscall.Errno {
	s := of(sk)
	switch {
	case level == syscall.IPPROTO_IP:
		return s.setIP(name, sock.IntOrByte(v))
	case level == solRaw && name == icmpFilter && !s.Six && s.Protocol == ip.ProtoICMP:
		var b [4]byte
		copy(b[:], v)
		s.filter = native.Uint32(b[:])
	case level == syscall.IPPROTO_ICMPV6 && name == icmp6Filter && s.Six && s.Protocol == ip.ProtoICMPv6:
		var b [32]byte
		copy(b[:], v)
		for i := range s.filter6 {
			s.filter6[i] = native.Uint32(b[4*i:])
		}
	case (level == solRaw || level == syscall.IPPROTO_IPV6) && name == ip6Checksum && s.Six:
		return s.setChecksum(level, v)
	default:
		return s.unknown(level, name, len(v))
	}
	return 0
}

// unknown is the errno of an option that s has not. As in Linux the filters of ICMP are
// known to all raw sockets, but serve only those of ICMP.
func (s *Sock) unknown(level, name, n int) syscall.Errno {
	if s.Six && level == solRaw && n < 4 {
		return syscall.EINVAL
	}
	if !s.Ping && (!s.Six && level == solRaw && name == icmpFilter || s.Six && level == syscall.IPPROTO_ICMPV6 && s.Protocol != ip.ProtoICMPv6) {
		return syscall.EOPNOTSUPP
	}
	return syscall.ENOPROTOOPT
}

// setChecksum says where the checksum of what is sent, and of what comes, stands. RFC 3542
// 3.1: -1 is nowhere, an odd place is none, and ICMPv6 has its own, which Linux lets level
// SOL_RAW change.
func (s *Sock) setChecksum(level int, v []byte) syscall.Errno {
	at, errno := sock.Int(v)
	switch {
	case errno != 0:
		return errno
	case s.Protocol == ip.ProtoICMPv6 && level != solRaw, at > 0 && at&1 != 0:
		return syscall.EINVAL
	}
	s.sum = max(at, noSum)
	return 0
}

// Joined tells what sk has joined.
func (l *Layer) Joined(sk *sock.Sock, h ip.Heard) { of(sk).crowd.Join(h) }

// Device lets what sk sends leave by one link (its number plus 1; 0: as the routes say),
// and what comes by others than the link only is not for it.
func (l *Layer) Device(sk *sock.Sock, iface, only uint16) {
	s := of(sk)
	l.drain(s, l.core.Now)
	s.SetDevice(iface)
	sk.HearOnly(only)
}

// Speak tells by which link sk sends to groups (its number plus 1; 0: by the routes), and
// from which address.
func (l *Layer) Speak(sk *sock.Sock, iface uint16, src ip.Addr) {
	l.drain(of(sk), l.core.Now)
	of(sk).Endpoint.Speak(iface, src)
}

func (s *Sock) setIP(name, value int) syscall.Errno {
	switch name {
	case syscall.IP_HDRINCL:
		if s.Ping || s.Six {
			return syscall.ENOPROTOOPT
		}
		s.Whole = value != 0
	case syscall.IP_TTL:
		if value == -1 {
			value = 0
		} else if value < 1 || value > 255 {
			return syscall.EINVAL
		}
		s.ttl = uint8(value)
	case syscall.IP_TOS:
		s.tos = uint8(value)
	case syscall.IP_MTU_DISCOVER:
		if value < syscall.IP_PMTUDISC_DONT || value > ip.PMTUOmit {
			return syscall.EINVAL
		}
		s.pmtu = uint8(value)
	default:
		return s.SetGroups(&s.crowd, name, value)
	}
	return 0
}

// GetOption reads what SetOption sets.
func (l *Layer) GetOption(sk *sock.Sock, level, name int, v []byte) (int, syscall.Errno) {
	s := of(sk)
	switch {
	case level == syscall.IPPROTO_IP:
		return s.getIP(name, v)
	case level == solRaw && name == icmpFilter && !s.Six && s.Protocol == ip.ProtoICMP:
		return sock.Put(v, native.AppendUint32(nil, s.filter))
	case level == syscall.IPPROTO_ICMPV6 && name == icmp6Filter && s.Six && s.Protocol == ip.ProtoICMPv6:
		var b []byte
		for _, w := range s.filter6 {
			b = native.AppendUint32(b, w)
		}
		return sock.Put(v, b)
	case (level == solRaw || level == syscall.IPPROTO_IPV6) && name == ip6Checksum && s.Six:
		return sock.PutInt(v, s.sum)
	}
	return 0, s.unknown(level, name, 4)
}

func (s *Sock) getIP(name int, v []byte) (int, syscall.Errno) {
	switch name {
	case syscall.IP_HDRINCL:
		return sock.PutIntOrByte(v, b2i(s.Whole))
	case syscall.IP_TTL:
		if s.ttl == 0 {
			return sock.PutIntOrByte(v, defaultTTL)
		}
		return sock.PutIntOrByte(v, int(s.ttl))
	case syscall.IP_TOS:
		return sock.PutIntOrByte(v, int(s.tos))
	case syscall.IP_MTU_DISCOVER:
		return sock.PutIntOrByte(v, int(s.pmtu))
	}
	x, errno := s.GetGroups(&s.crowd, name)
	if errno != 0 {
		return 0, errno
	}
	return sock.PutIntOrByte(v, x)
}
