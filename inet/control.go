package inet

import (
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/raw"
	"dataplane/sock"
	"dataplane/udp"
)

// Control messages of datagrams (sock.Controls).

var native = binary.NativeEndian

// PutControl writes the control messages that s wants with the datagram h into b,
// in Linux's order, and returns how many bytes that took. Where there was not
// enough room flags gets MsgCtrunc. With the reader's lock.
func PutControl(s *sock.Socket, h *sock.Record, b []byte, flags *int) int {
	p := of(s)
	want, seg := s.Extra().Wants(), h.Seg()
	if want == 0 && seg == 0 {
		return 0
	}
	c := sock.Controls{B: b}
	c.PutStamps(want, h.Time())
	if want&sock.WantDrops != 0 {
		c.PutDrops(want, dropped(s))
	}
	if seg != 0 {
		putInt(&c, syscall.IPPROTO_UDP, udpGRO, uint32(seg))
	}
	if want&wantPktinfo6 != 0 {
		local := replyFrom(p.host, h, true).Wire()
		var data [20]byte
		copy(data[:], local[:])
		native.PutUint32(data[16:], uint32(h.Iface())+1)
		c.Put(syscall.IPPROTO_IPV6, syscall.IPV6_PKTINFO, data[:])
	}
	if local := ip.Addr(h.Local().Addr); local.Is4() {
		putControl4(&c, p.host, want, h)
	} else {
		putControl6(&c, want, h)
	}
	if c.Short {
		*flags |= sock.MsgCtrunc
	}
	return c.N
}

// dropped is how many datagrams have found no room in s.
func dropped(s *sock.Socket) (n uint32) {
	for _, sk := range s.Group() {
		n += dropsOf(sk)
	}
	return n
}

// putControl4 writes what is wanted of an IPv4 packet.
func putControl4(c *sock.Controls, host *Host, want uint32, h *sock.Record) {
	if want&wantPktinfo != 0 {
		var data [12]byte
		reply, local := replyFrom(host, h, false), h.Local().Addr
		native.PutUint32(data[:], uint32(h.Iface())+1)
		copy(data[4:8], reply[12:])
		copy(data[8:12], local[12:])
		c.Put(syscall.IPPROTO_IP, syscall.IP_PKTINFO, data[:12])
	}
	if want&wantTTL != 0 {
		putInt(c, syscall.IPPROTO_IP, syscall.IP_TTL, uint32(h.TTL()))
	}
	if want&wantTOS != 0 {
		c.Put(syscall.IPPROTO_IP, syscall.IP_TOS, []byte{h.TOS()})
	}
	if want&wantOrigDst != 0 {
		var data [maxSockaddr]byte
		local := h.Local()
		c.Put(syscall.IPPROTO_IP, ipRecvOrigDst, data[:putSockaddr(&data, false, &local)])
	}
}

// putControl6 writes what is wanted of an IPv6 packet, but for IPV6_PKTINFO.
func putControl6(c *sock.Controls, want uint32, h *sock.Record) {
	if want&wantHopLimit6 != 0 {
		putInt(c, syscall.IPPROTO_IPV6, syscall.IPV6_HOPLIMIT, uint32(h.TTL()))
	}
	if want&wantClass6 != 0 {
		putInt(c, syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, uint32(h.TOS()))
	}
	if want&wantOrigDst6 != 0 {
		var data [maxSockaddr]byte
		local := outer(h.Local())
		c.Put(syscall.IPPROTO_IPV6, ipv6RecvOrigDst, data[:putSockaddr(&data, true, &local)])
	}
}

// replyFrom is the address that an answer to h is to come from: the one it was sent to,
// unless that is a broadcast or, for IPv4, a group.
func replyFrom(host *Host, h *sock.Record, six bool) ip.Addr {
	local := ip.Addr(h.Local().Addr)
	if r := host.Routes.Load(); !six && r != nil && !r.IsLocal(local) {
		local, _ = host.source(h.Peer().Addr)
	}
	return local
}

// dropsOf is how many datagrams have found no room in sk. Any thread.
func dropsOf(sk *sock.Sock) uint32 {
	switch o := sk.Owner.(type) {
	case *udp.Sock:
		return o.Drops.Load()
	case *raw.Sock:
		return o.Drops.Load()
	}
	return 0
}

func putInt(c *sock.Controls, level, typ int, x uint32) {
	var data [4]byte
	native.PutUint32(data[:], x)
	c.Put(level, typ, data[:])
}

const maxSockaddr = 28

// putSockaddr writes a struct sockaddr_in, or a struct sockaddr_in6, and returns its length.
func putSockaddr(v *[maxSockaddr]byte, six bool, n *sock.Name) int {
	binary.BigEndian.PutUint16(v[2:], n.Port)
	if !six {
		native.PutUint16(v[:], syscall.AF_INET)
		copy(v[4:], n.Addr[12:])
		return 16
	}
	native.PutUint16(v[:], syscall.AF_INET6)
	copy(v[8:], n.Addr[:])
	native.PutUint32(v[24:], n.Zone)
	return maxSockaddr
}
