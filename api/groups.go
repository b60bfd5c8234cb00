package api

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"

	"dataplane/sock"
)

// Options of groups for both families (RFC 3678 5), which package syscall does not name,
// and the sizes of what they take.
const (
	mcastJoinGroup   = 42
	mcastLeaveGroup  = 45
	mcastJoinSource  = 46
	mcastLeaveSource = 47
	sizeStorage      = 128
)

// ListenMulticastUDP listens to a group on a port's link, as net.ListenMulticastUDP does
// on an interface: any number of sockets may share the port, and what they send to groups
// does not come back. Networks: "udp", "udp4" and "udp6". device is the port's, "" leaves the
// link to the routes.
func (n *Net) ListenMulticastUDP(network, device string, group netip.AddrPort) (*UDPConn, error) {
	addr := net.UDPAddrFromAddrPort(group)
	typ, err := typeOf(network)
	if err == nil && (typ != sock.TypeDgram || !group.Addr().IsMulticast()) {
		err = syscall.EINVAL
	}
	if err != nil {
		return nil, opError("listen", network, nil, addr, "", err)
	}
	at := n.nameOf(group)
	s, err := n.newSocket(network, typ, &at)
	if err != nil {
		return nil, opError("listen", network, nil, addr, "socket", err)
	}
	c, err := n.listenGroup(s, network, device, group)
	if err != nil {
		n.close(s) //nolint:errcheck // the reason is err
		return nil, opError("listen", network, nil, addr, "setsockopt", err)
	}
	return c, nil
}

func (n *Net) listenGroup(s *sock.Socket, network, device string, group netip.AddrPort) (*UDPConn, error) {
	if err := s.SetInt(syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	if err := s.Ops.Bind(s, n.nameOf(group)); err != nil {
		return nil, err
	}
	local, _ := s.Names()
	c := newUDPConn(n, s, network, local, nil)
	if err := c.SetMulticastLoopback(false); err != nil {
		return nil, err
	}
	return c, c.JoinGroup(device, group.Addr())
}

// JoinGroup lets c hear a group on the link of a port, known by its device; "" leaves the
// link to the routes.
func (c *UDPConn) JoinGroup(device string, group netip.Addr) error {
	return c.groups(mcastJoinGroup, device, group)
}

// LeaveGroup ends JoinGroup.
func (c *UDPConn) LeaveGroup(device string, group netip.Addr) error {
	return c.groups(mcastLeaveGroup, device, group)
}

// JoinSourceGroup lets c hear what one source sends to a group.
func (c *UDPConn) JoinSourceGroup(device string, group, source netip.Addr) error {
	return c.groups(mcastJoinSource, device, group, source)
}

// LeaveSourceGroup ends JoinSourceGroup.
func (c *UDPConn) LeaveSourceGroup(device string, group, source netip.Addr) error {
	return c.groups(mcastLeaveSource, device, group, source)
}

// groups sets an option that takes a struct group_req or group_source_req.
func (c *UDPConn) groups(option int, device string, addrs ...netip.Addr) error {
	index, err := c.n.deviceIndex(device)
	if err != nil {
		return c.fail("set", "setsockopt", err)
	}
	level := syscall.IPPROTO_IP
	v := make([]byte, 8, 8+2*sizeStorage)
	binary.NativeEndian.PutUint32(v, index)
	for _, a := range addrs {
		b := make([]byte, sizeStorage)
		if a = a.Unmap(); a.Is4() {
			binary.NativeEndian.PutUint16(b, syscall.AF_INET)
			copy(b[4:], a.AsSlice())
		} else {
			level = syscall.IPPROTO_IPV6
			binary.NativeEndian.PutUint16(b, syscall.AF_INET6)
			copy(b[8:], a.AsSlice())
		}
		v = append(v, b...)
	}
	return c.fail("set", "setsockopt", c.s.SetOption(level, option, v))
}

// deviceIndex is the number by which options know a port; 0: none is named.
func (n *Net) deviceIndex(device string) (uint32, error) {
	if device == "" {
		return 0, nil
	}
	for i, p := range n.ports {
		if p.Info().Device == device {
			return uint32(i + 1), nil
		}
	}
	return 0, syscall.ENODEV
}

// SetMulticastInterface lets c send to groups by the link of a port; "" leaves the link
// to the routes.
func (c *UDPConn) SetMulticastInterface(device string) error {
	index, err := c.n.deviceIndex(device)
	if err != nil {
		return c.fail("set", "setsockopt", err)
	}
	var v [12]byte // a struct ip_mreqn
	binary.NativeEndian.PutUint32(v[8:], index)
	return c.fail("set", "setsockopt", c.s.SetOption(syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, v[:]))
}

// SetMulticastTTL bounds how far what c sends to groups goes; the default is the link.
func (c *UDPConn) SetMulticastTTL(ttl int) error {
	return c.set(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, ttl)
}

// SetMulticastLoopback lets what c sends to groups come to this plane's own sockets, too,
// which is the default.
func (c *UDPConn) SetMulticastLoopback(on bool) error {
	return c.set(syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP, b2i(on))
}
