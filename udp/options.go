package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// defaultTTL is what IP_TTL says while nobody has set it; IP knows the same.
const defaultTTL = 64

// udpGRO is UDP_GRO, which package syscall does not name.
const udpGRO = 104

// SetOption serves level IPPROTO_IP, and UDP_GRO. ENOPROTOOPT: not known here, which for
// SOL_SOCKET means that UDP does not care.
func (l *Layer) SetOption(sk *sock.Sock, level, name int, v []byte) syscall.Errno {
	s := of(sk)
	s.mark()                // of a guard that has come or gone
	if s.where != nowhere { // else no lcore knows it yet
		l.drain(s, l.core.Now) // what was sent before goes as it was meant
		l.forget()             // SO_REUSEPORT may have changed
	}
	switch {
	case l.isLite(level, name):
		return s.setLite(name, v)
	case level == syscall.IPPROTO_IP:
		return s.setIP(name, sock.IntOrByte(v))
	case level == syscall.IPPROTO_UDP && name == udpGRO:
		on, errno := sock.Int(v)
		if errno != 0 {
			return errno
		}
		if s.train = nil; on != 0 {
			s.train = new(train)
		}
		s.mark()
		return 0
	}
	return syscall.ENOPROTOOPT
}

// Joined tells what sk has joined.
func (l *Layer) Joined(sk *sock.Sock, h ip.Heard) { of(sk).crowd.Join(h) }

// Device lets what sk sends leave by one link (its number plus 1; 0: as the routes say),
// and what comes by others than the link only is not for it.
func (l *Layer) Device(sk *sock.Sock, iface, only uint16) {
	s := of(sk)
	if s.where != nowhere {
		l.drain(s, l.core.Now)
		l.forget()
	}
	s.SetDevice(iface)
	sk.HearOnly(only)
	s.mark()
}

// Speak tells by which link sk sends to groups (its number plus 1; 0: by the routes), and
// from which address.
func (l *Layer) Speak(sk *sock.Sock, iface uint16, src ip.Addr) {
	s := of(sk)
	if s.where != nowhere {
		l.drain(s, l.core.Now)
	}
	s.Endpoint.Speak(iface, src)
}

func (s *Sock) setIP(name, value int) syscall.Errno {
	switch name {
	case syscall.IP_TTL:
		if value == -1 { // the default again
			value = 0
		} else if value < 1 || value > 255 { // RFC 1122 3.2.1.7: never zero
			return syscall.EINVAL
		}
		s.TTL = uint8(value)
	case syscall.IP_TOS:
		s.TOS = uint8(value)
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

// GetOption reads what SetOption sets, and the path's MTU of a connected
// socket.
func (l *Layer) GetOption(sk *sock.Sock, level, name int, v []byte) (int, syscall.Errno) {
	s := of(sk)
	switch {
	case l.isLite(level, name) && name == LiteSendCoverage:
		return sock.PutInt(v, int(s.lite.send))
	case l.isLite(level, name):
		return sock.PutInt(v, int(s.lite.recv))
	case level == syscall.IPPROTO_UDP && name == udpGRO:
		return sock.PutBool(v, s.train != nil)
	case level != syscall.IPPROTO_IP:
		return 0, syscall.ENOPROTOOPT
	}
	value, errno := l.getIP(s, name)
	if errno != 0 {
		return 0, errno
	}
	return sock.PutIntOrByte(v, value)
}

func (l *Layer) getIP(s *Sock, name int) (int, syscall.Errno) {
	switch name {
	case syscall.IP_TTL:
		if s.TTL == 0 {
			return defaultTTL, 0
		}
		return int(s.TTL), 0
	case syscall.IP_TOS:
		return int(s.TOS), 0
	case syscall.IP_MTU_DISCOVER:
		return int(s.pmtu), 0
	case syscall.IP_MTU:
		if s.where != inFlows {
			return 0, syscall.ENOTCONN
		}
		if errno := l.ip.Resolve(&s.Endpoint); errno != 0 {
			return 0, errno
		}
		return s.Dst.MTU, 0
	}
	return s.GetGroups(&s.crowd, name)
}
