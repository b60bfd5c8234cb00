package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// over is which of the two families' control messages a sender may use.
type over uint8

const (
	overIPv4   over = iota // a socket of AF_INET
	overIPv6               // one of AF_INET6 to an IPv6 address
	overMapped             // one of AF_INET6 to an IPv4 address
)

// overOf tells what m is sent over.
func overOf(s *sock.Socket, m *sock.Msg) over {
	if !six(s) {
		return overIPv4
	}
	to := m.Name
	if !m.Named {
		_, to = s.Names()
	}
	if ip.Addr(to.Addr).Is4() {
		return overMapped
	}
	return overIPv6
}

// parseControl reads what a sender asks for: into d, and the segment size into
// seg. Messages of levels that are not the sender's are not looked at, as in Linux
// (ip_cmsg_send, ip6_datagram_send_ctl). EINVAL: what this is nobody knows, or it cannot
// be.
func parseControl(h *Host, how over, b []byte, d *sock.Datagram, seg *int) error {
	for {
		c, rest, more, err := sock.NextControl(b)
		if err != nil || !more {
			return err
		}
		errno := syscall.Errno(0)
		switch {
		case c.Level == syscall.IPPROTO_UDP:
			errno = segmentControl(c.Type, c.Data, seg)
		case c.Level == syscall.IPPROTO_IP && how != overIPv6:
			errno = ipControl(h, c.Type, c.Data, d)
		case c.Level == syscall.IPPROTO_IPV6 && how == overIPv6:
			errno = ipv6Control(h, c.Type, c.Data, d)
		case c.Level == syscall.IPPROTO_IPV6 && how == overMapped && c.Type == syscall.IPV6_PKTINFO:
			errno = mappedControl(h, c.Data, d)
		case c.Level == syscall.SOL_SOCKET:
			errno = socketControl(c.Type)
		}
		if errno != 0 {
			return errno
		}
		b = rest
	}
}

// socketControl is one message of level SOL_SOCKET: those of AF_UNIX are not looked at.
func socketControl(typ int) syscall.Errno {
	if typ == syscall.SCM_RIGHTS || typ == syscall.SCM_CREDENTIALS {
		return 0
	}
	return syscall.EINVAL
}

// streamControl reports what is wrong with the control messages of a stream, which has
// no use for any.
func streamControl(b []byte) error {
	for {
		c, rest, more, err := sock.NextControl(b)
		if err != nil || !more {
			return err
		}
		if c.Level == syscall.SOL_SOCKET {
			if errno := socketControl(c.Type); errno != 0 {
				return errno
			}
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
	case syscall.IP_RETOPTS: // none
		if len(data) > 0 {
			return syscall.EINVAL
		}
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

// mappedControl is IPV6_PKTINFO with an IPv4 address. EINVAL: with another.
func mappedControl(h *Host, data []byte, d *sock.Datagram) syscall.Errno {
	if len(data) < 20 {
		return syscall.EINVAL
	}
	from := ip.Addr(data[:16])
	if !from.Is4() {
		return syscall.EINVAL
	}
	if from == ip.Any4 {
		from = ip.Addr{}
	}
	return sourceControl(h, native.Uint32(data[16:]), from, d)
}

// ipv6Control is one message of level IPPROTO_IPV6.
func ipv6Control(h *Host, typ int, data []byte, d *sock.Datagram) syscall.Errno {
	if typ == syscall.IPV6_PKTINFO { // source, interface
		if len(data) < 20 {
			return syscall.EINVAL
		}
		iface := native.Uint32(data[16:])
		errno := sourceControl(h, iface, ip.FromName([16]byte(data[:16]), iface), d)
		if errno == syscall.ENETUNREACH || errno == 0 && ip.Addr(data[:16]).Is4() {
			errno = syscall.EINVAL
		}
		return errno
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
