package api

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

const familyInet6 = syscall.AF_INET6

// familyOf is the family of the socket for a network and a name, and whether it is to
// have nothing to do with IPv4: as package net does it, a wildcard takes both families
// unless the network names one.
func familyOf(network string, at *sock.Name) (family int, only6 bool) {
	switch {
	case network[len(network)-1] == '4':
		return familyInet, false
	case network[len(network)-1] == '6':
		return familyInet6, true
	case ip.Addr(at.Addr).Is4():
		return familyInet, false
	}
	return familyInet6, false
}

// addrPort is m as package netip has it, with the name of its zone. The wildcard is ::.
func (n *Net) addrPort(m *sock.Name) netip.AddrPort {
	ap := m.AddrPort()
	if m.Zone != 0 {
		ap = netip.AddrPortFrom(ap.Addr().WithZone(n.zoneName(m.Zone)), ap.Port())
	}
	return ap
}

// nameOf is the name that ap means.
func (n *Net) nameOf(ap netip.AddrPort) sock.Name {
	name := sock.NameFrom(ap)
	if z := ap.Addr().Zone(); z != "" {
		name.Zone = n.zoneIndex(z)
	}
	return name
}

// halves is a as SetIP takes it.
func halves(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// zoneName is the name of the interface with a number.
func (n *Net) zoneName(zone uint32) string {
	for _, f := range n.host.Routes.Load().Ifaces() {
		if uint32(f.Index)+1 == zone {
			return f.Name
		}
	}
	return strconv.FormatUint(uint64(zone), 10)
}

// zoneIndex is the number of the interface that a zone names, or that it is; one that
// nobody has if it is neither.
func (n *Net) zoneIndex(zone string) uint32 {
	for _, f := range n.host.Routes.Load().Ifaces() {
		if f.Name == zone {
			return uint32(f.Index) + 1
		}
	}
	if k, err := strconv.ParseUint(zone, 10, 16); err == nil {
		return uint32(k)
	}
	return 1<<16 - 1
}

// shown is m, an end of s, as people and package net see it: the wildcard of an IPv4
// socket is 0.0.0.0.
func (n *Net) shown(s *sock.Socket, m *sock.Name) netip.AddrPort {
	if m.IsWildcard() && s.Family == familyInet {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), m.Port)
	}
	return n.addrPort(m)
}

// addrOf returns m, an end of s, as the network's kind of address.
func (n *Net) addrOf(s *sock.Socket, m *sock.Name) net.Addr {
	if s.Type == sock.TypeStream {
		return net.TCPAddrFromAddrPort(n.shown(s, m))
	}
	return net.UDPAddrFromAddrPort(n.shown(s, m))
}

// asked is m as a dialler or listener was asked for it: without a host, the
// address has none.
func (n *Net) asked(typ int, m *sock.Name) net.Addr {
	var ap netip.AddrPort
	if !m.IsWildcard() {
		ap = n.addrPort(m)
	}
	if typ == sock.TypeStream {
		a := net.TCPAddrFromAddrPort(ap)
		a.Port = int(m.Port)
		return a
	}
	a := net.UDPAddrFromAddrPort(ap)
	a.Port = int(m.Port)
	return a
}
