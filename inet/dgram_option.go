package inet

import (
	"syscall"

	"dataplane/sock"
)

// SetOption sets an option of a datagram socket. Those that only its goroutines
// look at are not the lcores' business.
func (o *dgramOps) SetOption(s *sock.Socket, level, name int, v []byte) error {
	p := of(s)
	if bit := wantOf(level, name); bit != 0 {
		value, errno := intOf(level, v)
		if errno != 0 {
			return errno
		}
		if value != 0 {
			p.wants.Or(bit)
		} else {
			p.wants.And(^bit)
		}
		return nil
	}
	if level == syscall.IPPROTO_UDP && name == udpSegment {
		value, errno := sock.Int(v)
		if errno != 0 {
			return errno
		}
		if value < 0 || value > 0xffff {
			return syscall.EINVAL
		}
		p.segment.Store(uint32(value))
		return nil
	}
	return o.inetOps.SetOption(s, level, name, v)
}

// GetOption reads an option.
func (o *dgramOps) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	p := of(s)
	if bit := wantOf(level, name); bit != 0 {
		return putInt(level, v, b2i(p.wants.Load()&bit != 0)), nil
	}
	if level == syscall.IPPROTO_UDP && name == udpSegment {
		return putInt(level, v, int(p.segment.Load())), nil
	}
	return o.inetOps.GetOption(s, level, name, v)
}
