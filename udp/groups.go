package udp

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Options of groups that package syscall does not name, or names by others' numbers.
const ipMulticastAll = 49

// hears reports whether s wants the datagram of p to a group. As Linux's ip_mc_sf_allow:
// what it has joined decides; what others have joined is heard unless it said no.
func (s *Sock) hears(p *ip.Packet) bool {
	if wants, joined := s.heard.Hears(p.Iface.Index, p.Dst.Wire(), p.Src.Wire()); joined {
		return wants
	}
	return s.heardAll
}

// Hear tells what sk has joined.
func (l *Layer) Hear(sk *sock.Sock, h ip.Heard) { of(sk).heard = h }

// Speak tells by which link sk sends to groups (its number plus 1; 0: by the routes), and
// from which address.
func (l *Layer) Speak(sk *sock.Sock, iface uint16, src ip.Addr) {
	s := of(sk)
	if s.where != nowhere {
		l.drain(s, l.core.Now)
	}
	w := s.groupWay()
	w.Iface, w.Src = iface, src
	s.Group = &w
}

// groupWay is a copy of how s sends to groups.
func (s *Sock) groupWay() ip.GroupWay {
	if s.Group == nil {
		return ip.GroupWay{TTL: 1}
	}
	return *s.Group
}

// setGroups sets the options of level IPPROTO_IP that are about groups.
func (s *Sock) setGroups(name, value int) syscall.Errno {
	w := s.groupWay()
	switch name {
	case syscall.IP_MULTICAST_TTL:
		switch {
		case value == -1: // the default again
			value = 1
		case value < 0 || value > 255:
			return syscall.EINVAL
		}
		w.TTL = uint8(value)
	case syscall.IP_MULTICAST_LOOP:
		w.NoLoop = value == 0
	case ipMulticastAll:
		if value != 0 && value != 1 {
			return syscall.EINVAL
		}
		s.heardAll = value == 1
		return 0
	default:
		return syscall.ENOPROTOOPT
	}
	s.Group = &w
	return 0
}

// getGroups reads what setGroups sets.
func (s *Sock) getGroups(name int) (int, syscall.Errno) {
	w := s.groupWay()
	switch name {
	case syscall.IP_MULTICAST_TTL:
		return int(w.TTL), 0
	case syscall.IP_MULTICAST_LOOP:
		return b2i(!w.NoLoop), 0
	case ipMulticastAll:
		return b2i(s.heardAll), 0
	}
	return 0, syscall.ENOPROTOOPT
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
