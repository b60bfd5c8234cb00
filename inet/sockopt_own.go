package inet

import (
	"syscall"
	"time"

	"dataplane/sock"
)

// Options that only goroutines look at: they are not the lcores' business.

// option is the number of an option.
type option struct{ level, name int }

// setOwn sets an option that only goroutines look at; false: s has none of that number.
func setOwn(s *sock.Socket, o option, v []byte) (known bool, errno syscall.Errno) {
	p, value := of(s), sock.IntOrByte(v)
	if bit := wantOf(o.level, o.name); bit != 0 && p.dgramPart != nil {
		if value != 0 {
			p.wants.Or(bit)
		} else {
			p.wants.And(^bit)
		}
		return true, 0
	}
	switch o {
	case option{syscall.IPPROTO_UDP, udpSegment}:
		if value < 0 || value > 0xffff {
			return true, syscall.EINVAL
		}
		p.segment.Store(uint32(value))
	case option{syscall.SOL_SOCKET, soBusyPoll}:
		if value < 0 {
			return true, syscall.EINVAL
		}
		s.Rd.SetBusyPoll(time.Duration(value) * time.Microsecond)
	default:
		return false, 0
	}
	return true, 0
}

// getOwn reads what the lcores need not be asked for.
func getOwn(s *sock.Socket, o option, v []byte) (n int, known bool, errno syscall.Errno) {
	p := of(s)
	if bit := wantOf(o.level, o.name); bit != 0 && p.dgramPart != nil {
		return put(o.level, v, b2i(p.wants.Load()&bit != 0))
	}
	switch o {
	case option{syscall.IPPROTO_UDP, udpSegment}:
		return put(o.level, v, int(p.segment.Load()))
	case option{syscall.SOL_SOCKET, syscall.SO_TYPE}:
		return put(o.level, v, int(s.Type))
	case option{syscall.SOL_SOCKET, soDomain}:
		return put(o.level, v, int(s.Family))
	case option{syscall.SOL_SOCKET, soProtocol}:
		return put(o.level, v, int(s.Protocol))
	case option{syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN}:
		return put(o.level, v, b2i(s.State() == sock.Listening))
	case option{syscall.SOL_SOCKET, soBusyPoll}:
		return put(o.level, v, int(s.Rd.BusyPoll()/time.Microsecond))
	case option{syscall.SOL_SOCKET, syscall.SO_ERROR}:
		return put(o.level, v, int(takeError(s)))
	}
	return 0, false, 0
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

// put writes an int for getsockopt, by the rules of its level.
func put(level int, v []byte, value int) (n int, known bool, errno syscall.Errno) {
	if level == syscall.IPPROTO_IP {
		n, errno = sock.PutIntOrByte(v, value)
	} else {
		n, errno = sock.PutInt(v, value)
	}
	return n, true, errno
}
