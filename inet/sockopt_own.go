package inet

import (
	"syscall"

	"dataplane/sock"
)

// Options that only goroutines look at: they are not the lcores' business.

// option is the number of an option.
type option struct{ level, name int }

// Options that package syscall does not name.
const (
	soPeekOff     = 42
	soIncomingCPU = 49
	soMemInfo     = 55
	soNAPIID      = 56
	soSelectErr   = 45
	ipProtocol    = 52
	tcpInq        = 36
)

// setOwn sets an option that only goroutines look at; false: s has none of that number.
func setOwn(s *sock.Socket, o option, v []byte) (known bool, errno syscall.Errno) {
	p, value := of(s), sock.IntOrByte(v)
	if p.dgramPart != nil {
		if bits := wantOf(o); bits != 0 {
			s.WantIf(bits, value != 0)
			return true, 0
		}
		if known, errno := setGroupOption(s, o.level, o.name, v); known {
			return true, errno
		}
	}
	if known, errno := setDevice(s, o, v); known {
		return true, errno
	}
	if known, errno := setBindOption(s, o, value); known {
		return true, errno
	}
	switch o {
	case option{syscall.IPPROTO_UDP, udpSegment}:
		if value < 0 || value > 0xffff {
			return true, syscall.EINVAL
		}
		old := p.segment.Load()
		for !p.segment.CompareAndSwap(old, old&corked|uint32(value)) {
			old = p.segment.Load()
		}
	case option{syscall.IPPROTO_UDP, udpCork}:
		return true, setCork(s, value != 0)
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY}:
		return true, setOnly6(s, value != 0)
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF}:
		return true, setGroupIface6(s, value)
	case option{syscall.SOL_SOCKET, soSelectErr}:
		more(s).selectErr.Store(value != 0)
	case option{syscall.SOL_SOCKET, soPeekOff}:
		setPeekOff(s, value)
	case option{syscall.IPPROTO_TCP, tcpInq}:
		if value != 0 && value != 1 {
			return true, syscall.EINVAL
		}
		more(s).inq.Store(value != 0)
	default:
		return false, 0
	}
	return true, 0
}

// getOwn reads what the lcores need not be asked for.
func getOwn(s *sock.Socket, o option, v []byte) (n int, known bool, errno syscall.Errno) {
	p := of(s)
	if p.dgramPart != nil {
		if bits := wantOf(o); bits != 0 {
			return put(o.level, v, b2i(s.Extra().Wants()&bits != 0))
		}
		if n, known, errno := getGroupOption(s, o.level, o.name, v); known {
			return n, true, errno
		}
	}
	switch o {
	case option{syscall.IPPROTO_UDP, udpSegment}:
		return put(o.level, v, int(p.segment.Load()&(corked-1)))
	case option{syscall.IPPROTO_UDP, udpCork}:
		return put(o.level, v, b2i(isCorked(s)))
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF}:
		return put(o.level, v, groupIface6(s))
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY}:
		return put(o.level, v, b2i(p.only6.Load()))
	case option{syscall.IPPROTO_IP, ipProtocol}:
		if s.Type == sock.TypeRaw {
			return put(o.level, v, int(s.Protocol))
		}
		local, _ := s.Names() // Linux's inet_num
		return put(o.level, v, int(local.Port))
	case option{syscall.IPPROTO_TCP, tcpInq}:
		x := extraOf(s)
		return put(o.level, v, b2i(x != nil && x.inq.Load()))
	}
	if n, known, errno := getDevice(s, o, v); known {
		return n, true, errno
	}
	if value, known := getBindOption(s, o); known {
		return put(o.level, v, value)
	}
	if isRecvErr(o) {
		return put(o.level, v, b2i(len(errQueues(s)) > 0))
	}
	if o.level != syscall.SOL_SOCKET {
		return 0, false, 0
	}
	return getOwnSocket(s, o, v)
}

// getOwnSocket is getOwn for level SOL_SOCKET.
func getOwnSocket(s *sock.Socket, o option, v []byte) (n int, known bool, errno syscall.Errno) {
	p := of(s)
	if value, known := getInt(s, o.name); known {
		return put(o.level, v, value)
	}
	switch o.name {
	case syscall.SO_LINGER:
		n, errno = sock.Put(v, sock.Linger(int(p.linger())))
	case syscall.SO_PEERNAME:
		n, errno = putPeer(s, v)
	default:
		return 0, false, 0
	}
	return n, true, errno
}

// getInt reads an option of level SOL_SOCKET that is an int.
func getInt(s *sock.Socket, name int) (value int, known bool) {
	switch name {
	case soSelectErr:
		x := extraOf(s)
		return b2i(x != nil && x.selectErr.Load()), true
	case soPeekOff:
		return peekOff(s), true
	case soIncomingCPU:
		return reader(s).Core().ID, true
	case soNAPIID:
		return reader(s).Core().ID + 1, true
	}
	return 0, false
}

// reader is the Sock of s that was read last.
func reader(s *sock.Socket) *sock.Sock { return sender(s) }

// setPeekOff says where the next MSG_PEEK of a stream begins; less than 0: at the next
// byte, as usual.
func setPeekOff(s *sock.Socket, value int) {
	at := uint64(0)
	if value >= 0 {
		at = s.SK().RX.Tail() + uint64(value) + 1
	}
	more(s).peekAt.Store(at)
}

// peekOff is SO_PEEK_OFF.
func peekOff(s *sock.Socket) int {
	x := extraOf(s)
	if x == nil || x.peekAt.Load() == 0 {
		return -1
	}
	return int(max(int64(x.peekAt.Load()-1-s.SK().RX.Tail()), 0))
}

// takeError is SO_ERROR: any of the lcores may have heard of it.
func takeError(s *sock.Socket) syscall.Errno {
	for _, sk := range s.Group() {
		if e := sk.TakeError(); e != 0 {
			return e
		}
	}
	return 0
}

// putPeer is SO_PEERNAME: the peer's address as getpeername has it.
func putPeer(s *sock.Socket, v []byte) (int, syscall.Errno) {
	remote, err := s.Ops.GetName(s, true)
	if err != nil {
		return 0, errnoOf(err)
	}
	var a [maxSockaddr]byte
	n := putSockaddr(&a, six(s), &remote)
	return sock.PutName(v, a[:n])
}

// put writes an int for getsockopt, by the rules of its level.
func put(level int, v []byte, value int) (n int, known bool, errno syscall.Errno) {
	if level == syscall.IPPROTO_IP {
		n, errno = sock.PutIntOrByte(v, value)
	} else {
		n, errno = sock.PutInt(v, value)
	}
	return n, true, errno
}
