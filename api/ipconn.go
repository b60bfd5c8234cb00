package api

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"dataplane/sock"
)

// IPConn is a raw socket, made by ListenPacket or Dial with a network like "ip4:icmp" or
// "ip6:58": a net.PacketConn and a net.Conn, as *net.IPConn is. Its addresses are
// *net.IPAddr. ReadFrom takes the header off a packet of IPv4, Read leaves it on.
type IPConn struct{ conn }

var (
	_ net.Conn       = (*IPConn)(nil)
	_ net.PacketConn = (*IPConn)(nil)
)

// ipProtocols are the names that package net knows without a file.
var ipProtocols = map[string]int{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6-icmp": 58}

// ipNetwork splits a network like ip4:icmp; false: it is none of these.
func ipNetwork(network string) (name string, proto int, ok bool) {
	name, after, ok := strings.Cut(network, ":")
	if !ok || name != "ip" && name != "ip4" && name != "ip6" {
		return "", 0, false
	}
	proto, known := ipProtocols[after]
	if !known {
		var err error
		if proto, err = strconv.Atoi(after); err != nil || proto < 0 || proto > 255 {
			return "", 0, false
		}
	}
	return name, proto, true
}

// rawAt returns a raw socket for a network and an address, which is the wildcard if it is
// empty, and the name of the address.
func (n *Net) rawAt(ctx context.Context, network, address string) (*sock.Socket, sock.Name, error) {
	var at sock.Name
	name, proto, _ := ipNetwork(network)
	if address != "" {
		addrs, err := n.lookup(ctx, name, address)
		if err != nil {
			return nil, at, err
		}
		found := false
		for _, a := range addrs {
			if !found && (name == "ip" || a.Unmap().Is4() == (name == "ip4")) {
				at, found = n.nameOf(netip.AddrPortFrom(a.Unmap(), 0)), true
			}
		}
		if !found {
			return nil, at, &net.AddrError{Err: "no suitable address", Addr: address}
		}
	}
	family := familyInet
	if name == "ip6" || name == "ip" && !at.IsWildcard() && !at.AddrPort().Addr().Is4() {
		family = familyInet6
	}
	s, err := n.create(family, sock.TypeRaw, proto)
	return s, at, err
}

// listenIP is ListenPacket for a raw socket.
func (n *Net) listenIP(network, address string) (net.PacketConn, error) {
	s, at, err := n.rawAt(context.Background(), network, address)
	if err == nil && !at.IsWildcard() {
		if err = s.Ops.Bind(s, at); err != nil {
			n.close(s) //nolint:errcheck // the reason is err
		}
	}
	if err != nil {
		return nil, opError("listen", network, nil, nil, "", err)
	}
	return newIPConn(n, s, network), nil
}

// dialIP is Dial for a raw socket.
func (n *Net) dialIP(ctx context.Context, network, address string) (net.Conn, error) {
	if address == "" {
		return nil, opError("dial", network, nil, nil, "", errMissingAddress)
	}
	s, to, err := n.rawAt(ctx, network, address)
	if err == nil {
		if err = s.Ops.Connect(s, to, 0); err != nil {
			n.close(s) //nolint:errcheck // the reason is err
		}
	}
	if err != nil {
		return nil, opError("dial", network, nil, nil, "", err)
	}
	return newIPConn(n, s, network), nil
}

func newIPConn(n *Net, s *sock.Socket, network string) *IPConn {
	name, _, _ := strings.Cut(network, ":")
	c := &IPConn{conn{n: n, s: s, kind: kindOf(name)}}
	local, remote := s.Names()
	e := &ends{local: n.ipAddr(s, &local)}
	if s.State() == sock.Connected {
		e.remote = n.ipAddr(s, &remote)
	}
	c.ends.Store(e)
	return c
}

// ipAddr is an end of s.
func (n *Net) ipAddr(s *sock.Socket, m *sock.Name) *net.IPAddr {
	a := n.shown(s, m).Addr()
	return &net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()}
}

// ReadFrom reads a packet, without its header if it is one of IPv4.
func (c *IPConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.s.RecvFrom(b, 0)
	if err != nil {
		return 0, nil, c.fail("read", "recvfrom", err)
	}
	if c.s.Family == familyInet && n > 0 {
		if h := int(b[0]&15) * 4; h <= n {
			n = copy(b, b[h:n])
		}
	}
	return n, c.n.ipAddr(c.s, &from), nil
}

// WriteTo sends a packet to addr, a *net.IPAddr.
func (c *IPConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.IPAddr)
	switch {
	case !ok:
		return 0, c.fail("write", "", syscall.EINVAL)
	case to == nil:
		return 0, c.fail("write", "", errMissingAddress)
	case c.s.State() == sock.Connected:
		return 0, c.fail("write", "", net.ErrWriteToConnected)
	}
	a, ok := netip.AddrFromSlice(to.IP)
	if !ok {
		return 0, c.fail("write", "", &net.AddrError{Err: "invalid address", Addr: to.String()})
	}
	name := c.n.nameOf(netip.AddrPortFrom(a.Unmap().WithZone(to.Zone), 0))
	n, err := c.s.SendTo(b, 0, name)
	return n, c.fail("write", "sendto", err)
}
