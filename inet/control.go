package inet

import (
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// Control messages of datagrams (sock.Controls).

// Options that package syscall does not name.
const (
	ipRecvOrigDst = 20
	soTimestampNS = 35
	udpSegment    = 103
	udpGRO        = 104
)

// Bits of private.wants: the control messages that a datagram comes with.
const (
	wantTimestamp uint32 = 1 << iota
	wantTimestampNS
	wantPktinfo
	wantTTL
	wantTOS
	wantOrigDst
)

// wantOf returns the bit that an option sets, 0: it is none of these.
func wantOf(level, name int) uint32 {
	switch {
	case level == syscall.SOL_SOCKET && name == syscall.SO_TIMESTAMP:
		return wantTimestamp
	case level == syscall.SOL_SOCKET && name == soTimestampNS:
		return wantTimestampNS
	case level != syscall.IPPROTO_IP:
		return 0
	}
	switch name {
	case syscall.IP_PKTINFO:
		return wantPktinfo
	case syscall.IP_RECVTTL:
		return wantTTL
	case syscall.IP_RECVTOS:
		return wantTOS
	case ipRecvOrigDst:
		return wantOrigDst
	}
	return 0
}

var native = binary.NativeEndian

// PutControl writes the control messages that s wants with the datagram h into b,
// in Linux's order, and returns how many bytes that took. Where there was not
// enough room flags gets MsgCtrunc. With the reader's lock.
func PutControl(s *sock.Socket, h *sock.Record, b []byte, flags *int) int {
	p := of(s)
	want, seg := p.wants.Load(), h.Seg()
	if want == 0 && seg == 0 {
		return 0
	}
	c := sock.Controls{B: b}
	var data [16]byte
	if want&(wantTimestamp|wantTimestampNS) != 0 {
		c.PutTime(h.Time(), want&wantTimestampNS != 0)
	}
	if seg != 0 {
		native.PutUint32(data[:], uint32(seg))
		c.Put(syscall.IPPROTO_UDP, udpGRO, data[:4])
	}
	if want&wantPktinfo != 0 {
		local := ip.Addr(h.Local().Addr)
		reply := local
		if r := p.host.Routes.Load(); r != nil && !r.IsLocal(local) { // a broadcast, a group
			reply, _ = p.host.source(h.Peer().Addr)
		}
		native.PutUint32(data[:], uint32(h.Iface())+1)
		copy(data[4:8], reply[12:])
		copy(data[8:12], local[12:])
		c.Put(syscall.IPPROTO_IP, syscall.IP_PKTINFO, data[:12])
	}
	if want&wantTTL != 0 {
		native.PutUint32(data[:], uint32(h.TTL()))
		c.Put(syscall.IPPROTO_IP, syscall.IP_TTL, data[:4])
	}
	if want&wantTOS != 0 {
		data[0] = h.TOS()
		c.Put(syscall.IPPROTO_IP, syscall.IP_TOS, data[:1])
	}
	if want&wantOrigDst != 0 { // a struct sockaddr_in
		clear(data[:])
		local := h.Local()
		native.PutUint16(data[:], syscall.AF_INET)
		binary.BigEndian.PutUint16(data[2:], local.Port)
		copy(data[4:8], local.Addr[12:])
		c.Put(syscall.IPPROTO_IP, ipRecvOrigDst, data[:16])
	}
	if c.Short {
		*flags |= sock.MsgCtrunc
	}
	return c.N
}

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
