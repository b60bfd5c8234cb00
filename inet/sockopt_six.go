package inet

import (
	"syscall"

	"dataplane/sock"
)

// A socket has one set of what both families call by other names: IPV6_UNICAST_HOPS is
// IP_TTL, and so on.

// ipMulticastAll is IP_MULTICAST_ALL, which package syscall does not name.
const (
	ipMulticastAll   = 49
	ipv6MulticastAll = 29
)

// four returns the option of level IPPROTO_IP that is the same as one of IPPROTO_IPV6.
func four(o option) (option, bool) {
	if o.level != syscall.IPPROTO_IPV6 {
		return o, false
	}
	name := 0
	switch o.name {
	case syscall.IPV6_UNICAST_HOPS:
		name = syscall.IP_TTL
	case syscall.IPV6_TCLASS:
		name = syscall.IP_TOS
	case syscall.IPV6_MTU_DISCOVER:
		name = syscall.IP_MTU_DISCOVER
	case syscall.IPV6_MTU:
		name = syscall.IP_MTU
	case syscall.IPV6_MULTICAST_HOPS:
		name = syscall.IP_MULTICAST_TTL
	case syscall.IPV6_MULTICAST_LOOP:
		name = syscall.IP_MULTICAST_LOOP
	case ipv6MulticastAll:
		name = ipMulticastAll
	default:
		return o, false
	}
	return option{syscall.IPPROTO_IP, name}, true
}

// setSix sets an option of IPPROTO_IPV6 on the lcores; false: it is none of those that
// IPPROTO_IP has as well.
func setSix(s *sock.Socket, o option, value int) (known bool, err error) {
	same, ok := four(o)
	if !ok {
		return false, nil
	}
	if o.name == syscall.IPV6_TCLASS {
		if value < -1 || value > 255 {
			return true, syscall.EINVAL
		}
		value = max(value, 0) // -1: the default again
	}
	switch o.name {
	case syscall.IPV6_MULTICAST_LOOP:
		if value != 0 && value != 1 {
			return true, syscall.EINVAL
		}
	case ipv6MulticastAll:
		value = b2i(value != 0)
	}
	return true, visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		return sk.SetInt(same.level, same.name, value)
	})
}

// getSix reads what setSix sets.
func getSix(s *sock.Socket, o option) (value int, known bool, err error) {
	same, ok := four(o)
	if !ok {
		return 0, false, nil
	}
	err = visit(s, s.Group()[:1], func(sk *sock.Sock) (errno syscall.Errno) {
		value, errno = sk.GetInt(same.level, same.name)
		return errno
	})
	return value, true, err
}

// setGroupIface6 is IPV6_MULTICAST_IF, an interface by its number.
func setGroupIface6(s *sock.Socket, index int) syscall.Errno {
	if index < 0 || index != 0 && index > 0xffff {
		return syscall.ENODEV
	}
	var mreqn [12]byte
	native.PutUint32(mreqn[8:], uint32(index))
	if errno := setGroupIface(s, mreqn[:]); errno != syscall.EADDRNOTAVAIL {
		return errno
	}
	return syscall.ENODEV
}

// groupIface6 reads it.
func groupIface6(s *sock.Socket) int {
	g := &of(s).groups
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.iface)
}
