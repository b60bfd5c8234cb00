package posix

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A family is what cases run over that are the same for several.
type family struct {
	name   string
	domain int
	at     func(port int) unix.Sockaddr // an address of the loopback
}

// families are the columns of the page. The third is IPv4 by a socket of AF_INET6.
var families = []family{
	{"IPv4", unix.AF_INET, func(port int) unix.Sockaddr {
		return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
	}},
	{"IPv6", unix.AF_INET6, func(port int) unix.Sockaddr {
		return &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: port}
	}},
	{"IPv4 in IPv6", unix.AF_INET6, func(port int) unix.Sockaddr {
		return &unix.SockaddrInet6{Addr: mapped([4]byte{127, 0, 0, 1}), Port: port}
	}},
	{"unix", unix.AF_UNIX, func(int) unix.Sockaddr { return &unix.SockaddrUnix{} }},
}

// Sets of families: over what a case runs.
const (
	four = 1 << iota
	six
	both // IPv4 in IPv6
	unixes
	internet = four | six | both
	every    = internet | unixes
	once     = four // it is the same for all, or has no family
)

func mapped(a [4]byte) [16]byte {
	return [16]byte{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}
}

// local is an address of the loopback, of the family that the program runs over.
func (p *program) local(port int) unix.Sockaddr { return p.family.at(port) }

// ip reports whether the program runs over IP.
func (p *program) ip() bool { return p.domain != unix.AF_UNIX }

// addr is what of an address does not change from run to run.
func addr(sa unix.Sockaddr) any {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return fmt.Sprint(a.Addr, a.Port != 0)
	case *unix.SockaddrInet6:
		return fmt.Sprint(a.Addr, a.Port != 0, a.ZoneId)
	case *unix.SockaddrUnix:
		if len(a.Name) == 6 && a.Name[0] == '@' {
			return "chosen"
		}
		return fmt.Sprintf("%q", a.Name)
	}
	return sa
}
