package api

import (
	"encoding/binary"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// Addresses of BSD's calls, which are those of golang.org/x/sys/unix, and names, which
// are package sock's. The family of the socket says how one is read as the other.

// SockaddrUnspec is an address of no family (AF_UNSPEC), which golang.org/x/sys/unix
// does not have. Connect to it dissolves the connection to a peer.
type SockaddrUnspec struct{ unix.Sockaddr }

// maxUnixPath is the length of a path in Linux's sockaddr_un.
const maxUnixPath = 108

// nameOf reads sa as an address of family. Errors: those of Linux's bind, EAFNOSUPPORT
// or EINVAL for an address of another family, EINVAL for one that is out of range.
func nameOf(family int, sa unix.Sockaddr) (sock.Name, error) {
	switch family {
	case unix.AF_INET:
		if a, ok := sa.(*unix.SockaddrInet4); ok && a != nil {
			return nameOf4(a)
		}
		return sock.Name{}, unix.EAFNOSUPPORT
	case unix.AF_INET6:
		return nameOf6(sa)
	case unix.AF_UNIX:
		if a, ok := sa.(*unix.SockaddrUnix); ok && a != nil {
			return nameOfUnix(a)
		}
	case unix.AF_PACKET:
		if a, ok := sa.(*unix.SockaddrLinklayer); ok && a != nil {
			return nameOfLink(a)
		}
	case unix.AF_NETLINK:
		if a, ok := sa.(*unix.SockaddrNetlink); ok && a != nil {
			return sock.NetlinkName(a.Pid, a.Groups), nil
		}
	default: // a family that a program registered: it has names like those of AF_INET
		if a, ok := sa.(*unix.SockaddrInet4); ok && a != nil {
			return nameOf4(a)
		}
		return nameOf6(sa)
	}
	return sock.Name{}, unix.EINVAL
}

func nameOf4(a *unix.SockaddrInet4) (n sock.Name, err error) {
	if a.Port < 0 || a.Port > 65535 {
		return n, unix.EINVAL
	}
	n.Set4(a.Addr, uint16(a.Port))
	return n, nil
}

// nameOf6 is for AF_INET6. An address of AF_INET is too short for it.
func nameOf6(sa unix.Sockaddr) (sock.Name, error) {
	a, ok := sa.(*unix.SockaddrInet6)
	switch {
	case sa == SockaddrUnspec{}:
		return sock.Name{}, unix.EAFNOSUPPORT
	case !ok || a == nil || a.Port < 0 || a.Port > 65535:
		return sock.Name{}, unix.EINVAL
	}
	return sock.Name{Addr: a.Addr, Port: uint16(a.Port), Zone: a.ZoneId}, nil
}

func nameOfUnix(a *unix.SockaddrUnix) (sock.Name, error) {
	if len(a.Name) >= maxUnixPath {
		return sock.Name{}, unix.EINVAL
	}
	path := a.Name
	if path != "" && path[0] == '@' {
		path = "\x00" + path[1:]
	}
	return sock.Name{Path: path}, nil
}

func nameOfLink(a *unix.SockaddrLinklayer) (sock.Name, error) {
	if a.Ifindex < 0 || a.Ifindex > 0x7fffffff {
		return sock.Name{}, unix.EINVAL
	}
	l := sock.Link{
		Iface: uint32(a.Ifindex), Protocol: swap16(a.Protocol), HaType: a.Hatype,
		PktType: a.Pkttype, HaLen: a.Halen, Addr: a.Addr,
	}
	return l.Name(), nil
}

// swap16 turns the network's order into the host's, and back.
func swap16(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// sockaddr returns n as a new address of family.
func sockaddr(family int, n *sock.Name) unix.Sockaddr {
	switch family {
	case unix.AF_INET6:
		return &unix.SockaddrInet6{Addr: n.Addr, Port: int(n.Port), ZoneId: n.Zone}
	case unix.AF_UNIX:
		return &unix.SockaddrUnix{Name: shownPath(n.Path)}
	case unix.AF_PACKET:
		l := n.Link()
		return &unix.SockaddrLinklayer{
			Protocol: swap16(l.Protocol), Ifindex: int(l.Iface), Hatype: l.HaType,
			Pkttype: l.PktType, Halen: l.HaLen, Addr: l.Addr,
		}
	case unix.AF_NETLINK:
		port, groups := n.Netlink()
		return &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: port, Groups: groups}
	}
	a := &unix.SockaddrInet4{Port: int(n.Port)}
	copy(a.Addr[:], n.Addr[12:]) // the wildcard is 0.0.0.0
	return a
}

// shownPath is a path of AF_UNIX as golang.org/x/sys/unix shows it: "@" stands for the
// zero byte of an abstract name, and for no name.
func shownPath(path string) string {
	if path == "" || path[0] == 0 {
		return "@" + path[min(1, len(path)):]
	}
	return path
}
