package inet

import (
	"syscall"

	"dataplane/sock"
)

// Options of how a Socket gets its name.

// Options that package syscall does not name.
const (
	ipFreeBind   = 15
	ipNoPort     = 24
	ipPortRange  = 51
	ipv6FreeBind = 78
)

// setBindOption sets an option of how s gets its name; false: o is none.
func setBindOption(s *sock.Socket, o option, value int) (known bool, errno syscall.Errno) {
	switch o {
	case option{syscall.IPPROTO_IP, ipFreeBind}, option{syscall.IPPROTO_IPV6, ipv6FreeBind}:
		more(s).freeBind.Store(value != 0)
	case option{syscall.IPPROTO_IP, ipNoPort}:
		more(s).noPort.Store(value != 0)
	case option{syscall.IPPROTO_IP, ipPortRange}:
		low, high := uint16(value), uint16(value>>16)
		if low != 0 && high != 0 && low > high {
			return true, syscall.EINVAL
		}
		more(s).ports.Store(uint32(value))
	default:
		return false, 0
	}
	return true, 0
}

// getBindOption reads what setBindOption sets.
func getBindOption(s *sock.Socket, o option) (value int, known bool) {
	switch o {
	case option{syscall.IPPROTO_IP, ipFreeBind}, option{syscall.IPPROTO_IPV6, ipv6FreeBind}:
		return b2i(freeBind(s)), true
	case option{syscall.IPPROTO_IP, ipNoPort}:
		return b2i(portLater(s)), true
	case option{syscall.IPPROTO_IP, ipPortRange}:
		if x := extraOf(s); x != nil {
			value = int(x.ports.Load())
		}
		return value, true
	}
	return 0, false
}

// freeBind: the address need not be ours, yet.
func freeBind(s *sock.Socket) bool {
	x := extraOf(s)
	return x != nil && x.freeBind.Load()
}

// portLater: bind chooses no port, connect or listen will.
func portLater(s *sock.Socket) bool {
	x := extraOf(s)
	return x != nil && x.noPort.Load()
}

// portRange is where a port is chosen from: of the range that was set, as much as lies
// between those that are given out, as in Linux.
func portRange(s *sock.Socket) (low, high int) {
	low, high = FirstEphemeral, LastEphemeral
	x := extraOf(s)
	if x == nil || x.ports.Load() == 0 {
		return low, high
	}
	v := x.ports.Load()
	if n := int(v & 0xffff); n >= low && n <= high {
		low = n
	}
	if n := int(v >> 16); n >= low && n <= high {
		high = n
	}
	return low, high
}

// chooseInRange gives a stream that is to connect a port of the range that was set, if
// it was. Under Wr's lock.
func chooseInRange(s *sock.Socket) error {
	x := extraOf(s)
	if x == nil || x.ports.Load() == 0 {
		return nil
	}
	local, _ := s.Names()
	if local.Port != 0 {
		return nil
	}
	err := of(s).reserve(s, local)
	if err == syscall.EADDRINUSE {
		return syscall.EADDRNOTAVAIL // as Linux: connect has found no port
	}
	return err
}
