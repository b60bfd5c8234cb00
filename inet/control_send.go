package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// parseControl reads what a sender asks for: into d, and the segment size into
// seg. EINVAL: what this is nobody knows, or it cannot be.
func parseControl(h *Host, b []byte, d *sock.Datagram, seg *int) error {
	for {
		c, rest, more, err := sock.NextControl(b)
		if err != nil || !more {
			return err
		}
		errno := syscall.Errno(0)
		switch c.Level {
		case syscall.IPPROTO_UDP:
			errno = segmentControl(c.Type, c.Data, seg)
		case syscall.IPPROTO_IP:
			errno = ipControl(h, c.Type, c.Data, d)
		case syscall.IPPROTO_IPV6:
			errno = ipv6Control(h, c.Type, c.Data, d)
		case syscall.SOL_SOCKET:
			errno = syscall.EINVAL
		}
		if errno != 0 {
			return errno
		}
		b = rest
	}
}

func segmentControl(typ int, data []byte, seg *int) syscall.Errno {
	if typ != udpSegment || len(data) != 2 {
		return syscall.EINVAL
	}
	*seg = int(native.Uint16(data))
	return 0
}

// ipControl is one message of level IPPROTO_IP.
func ipControl(h *Host, typ int, data []byte, d *sock.Datagram) syscall.Errno {
	switch typ {
	case syscall.IP_PKTINFO: // interface, source; the third field is for receivers
		if len(data) != 12 {
			return syscall.EINVAL
		}
		return sourceControl(h, native.Uint32(data), ip.From4([4]byte(data[4:8])), d)
	case syscall.IP_TTL:
		if len(data) != 4 || native.Uint32(data) < 1 || native.Uint32(data) > 255 {
			return syscall.EINVAL
		}
		d.TTL = uint8(native.Uint32(data))
	case syscall.IP_TOS:
		switch {
		case len(data) == 1:
			d.TOS = data[0]
		case len(data) == 4 && native.Uint32(data) <= 255:
			d.TOS = uint8(native.Uint32(data))
		default:
			return syscall.EINVAL
		}
		d.Flags |= sock.FlagTOS
	default:
		return syscall.EINVAL
	}
	return 0
}

// sourceControl is the wish for a source address. The interface must exist; the
// way is the routes' choice all the same.
func sourceControl(h *Host, iface uint32, from ip.Addr, d *sock.Datagram) syscall.Errno {
	r := h.Routes.Load()
	if r == nil {
		return syscall.ENETUNREACH
	}
	if iface > uint32(len(r.Ifaces())) {
		return syscall.ENODEV
	}
	if from.IsZero() {
		return 0
	}
	if !r.IsLocal(from) {
		return syscall.ENETUNREACH
	}
	d.Local.Addr = from
	return 0
}

// ipv6Control is one message of level IPPROTO_IPV6.
func ipv6Control(h *Host, typ int, data []byte, d *sock.Datagram) syscall.Errno {
	if typ == syscall.IPV6_PKTINFO { // source, interface
		if len(data) < 20 {
			return syscall.EINVAL
		}
		return sourceControl(h, native.Uint32(data[16:]), ip.FromName([16]byte(data[:16]), native.Uint32(data[16:])), d)
	}
	if len(data) != 4 {
		return syscall.EINVAL
	}
	value := int(int32(native.Uint32(data)))
	if value < -1 || value > 255 {
		return syscall.EINVAL
	}
	switch typ {
	case syscall.IPV6_HOPLIMIT:
		d.TTL = uint8(max(value, 0)) // -1, and what could go nowhere: the default
	case syscall.IPV6_TCLASS:
		d.TOS = uint8(max(value, 0))
		d.Flags |= sock.FlagTOS
	default:
		return syscall.EINVAL
	}
	return 0
}
