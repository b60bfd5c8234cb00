// Package options is the table of Linux's socket options: which work here on which type
// of socket, and with which errno the others are refused. The socket layers ask it before
// they serve an option, on the goroutine that calls; docs/options.md is printed from it.
package options

import "syscall"

// Types is a set of types of sockets.
type Types uint8

// Types of sockets.
const (
	TCP     Types = 1 << iota // SOCK_STREAM of AF_INET and AF_INET6
	UDP                       // SOCK_DGRAM of both, UDP-Lite's too
	Raw                       // SOCK_RAW of both, and ping sockets
	Packet                    // AF_PACKET
	Unix                      // AF_UNIX
	Netlink                   // AF_NETLINK
	Lite                      // UDP-Lite, which is UDP, too
)

// Of is the type of a socket; 0: the table does not know it.
func Of(family, typ, protocol int) Types {
	switch family {
	case syscall.AF_INET, syscall.AF_INET6:
		return ofInet(typ, protocol)
	case syscall.AF_PACKET:
		return Packet
	case syscall.AF_UNIX:
		return Unix
	case syscall.AF_NETLINK:
		return Netlink
	}
	return 0
}

func ofInet(typ, protocol int) Types {
	switch typ {
	case syscall.SOCK_STREAM:
		if protocol == syscall.IPPROTO_TCP {
			return TCP
		}
		return 0
	case syscall.SOCK_DGRAM:
		switch protocol {
		case syscall.IPPROTO_ICMP, syscall.IPPROTO_ICMPV6:
			return Raw
		case ForLite:
			return UDP | Lite
		}
		return UDP
	case syscall.SOCK_RAW:
		return Raw
	}
	return 0
}

const (
	inet    = TCP | UDP
	inetRaw = TCP | UDP | Raw
	dgrams  = UDP | Raw
	all     = inetRaw | Packet | Unix | Netlink
	none    = Types(0)
)

// Levels of options.
const (
	Socket     = syscall.SOL_SOCKET
	IP         = syscall.IPPROTO_IP
	IPv6       = syscall.IPPROTO_IPV6
	ForTCP     = syscall.IPPROTO_TCP
	ForUDP     = syscall.IPPROTO_UDP
	ForLite    = 136 // SOL_UDPLITE, the same as IPPROTO_UDP
	Link       = 263 // SOL_PACKET
	ForNetlink = 270 // SOL_NETLINK
	ForRaw     = 255 // SOL_RAW
	ForICMPv6  = syscall.IPPROTO_ICMPV6
)

// Kind is what the value of an option is, and with it what a short one gets.
type Kind uint8

// Kinds of values.
const (
	Int    Kind = iota // an int; shorter: EINVAL
	Loose              // an int, a byte, or nothing, which is 0: level IPPROTO_IP
	Byte               // an int or a byte; nothing: EINVAL
	Linger             // struct linger; shorter: EINVAL
	Time               // struct timeval; shorter: EINVAL
	Other              // a struct of its own
	Text               // a name, of any length
)

// least is the length of a value.
var least = [...]int{Int: 4, Byte: 1, Linger: 8, Time: 16, Text: 0}

// Len is the least length of such a value.
func (k Kind) Len() int { return least[k] }

// Mode says which calls know an option.
type Mode uint8

// Modes of options.
const (
	Both Mode = iota
	ReadOnly
	WriteOnly
)

// Row is one option.
type Row struct {
	Level, Num int
	Name       string // Linux's; after a comma, others with the same number
	Kind       Kind
	Mode       Mode
	Works      Types         // it does on them what it does in Linux
	Kept       Types         // on them it is taken and given back, and no more, as in Linux
	Errno      syscall.Errno // what setting it gives on the other types; 0: ENOPROTOOPT
	Note       string        // what it does here, or why not
	Differs    string        // where it works: how what it does differs from Linux
}

// Table returns all rows, in the order of levels and numbers.
func Table() (all []Row) {
	for _, t := range [][]Row{socketRows, ipRows, ipv6Rows, tcpRows, udpRows, rawRows, packetRows, netlinkRows} {
		all = append(all, t...)
	}
	return all
}

type key struct{ level, num int }

// rows finds an option by its number; never written after the start.
var rows = func() map[key]*Row {
	m := make(map[key]*Row)
	all := Table()
	for i := range all {
		m[key{all[i].Level, all[i].Num}] = &all[i]
	}
	return m
}()

// Find returns the row of an option, nil if Linux has none.
func Find(level, num int) *Row {
	if level == ForLite {
		level = ForUDP
	}
	return rows[key{level, num}]
}

// Knows reports whether sockets of type t, of AF_INET6 if six, have a level.
func (t Types) Knows(level int, six bool) bool {
	switch level {
	case Socket:
		return true
	case IP:
		return t&(TCP|UDP) != 0 || t&Raw != 0 && !six
	case IPv6:
		return t&inetRaw != 0 && six
	case ForTCP:
		return t&TCP != 0
	case ForUDP, ForLite:
		return t&UDP != 0
	case ForRaw:
		return t&Raw != 0
	case ForICMPv6:
		return t&Raw != 0 && six
	case ForNetlink:
		return t&Netlink != 0
	case Link:
		return t&Packet != 0
	}
	return false
}

// strange is the errno for a level that sockets of type t do not have.
func (t Types) strange(six, get bool) syscall.Errno {
	if t&Unix != 0 || get && !six && t&inetRaw != 0 {
		return syscall.EOPNOTSUPP
	}
	return syscall.ENOPROTOOPT
}

// hasty reports whether Linux looks at the length of a value before anything else.
func (r *Row) hasty(level int) bool {
	switch level {
	case Socket, ForTCP, ForUDP, ForLite:
		return r == nil || r.Kind != Text
	}
	return false
}

// Set says whether a socket of type t, of AF_INET6 if six, has an option that may be set
// to a value of n bytes: 0 or the errno that setsockopt is to return.
func Set(t Types, six bool, level, num, n int) syscall.Errno {
	if !t.Knows(level, six) {
		return t.strange(six, false)
	}
	r := Find(level, num)
	if r.hasty(level) && n < least[Int] {
		return syscall.EINVAL
	}
	switch {
	case r == nil:
		return syscall.ENOPROTOOPT
	case (r.Works|r.Kept)&t == 0 && r.Errno != 0:
		return r.Errno
	case (r.Works|r.Kept)&t == 0 || r.Mode == ReadOnly:
		return syscall.ENOPROTOOPT
	case n < least[r.Kind]:
		return syscall.EINVAL
	}
	return 0
}

// Get says whether a socket of type t has an option that may be read: 0 or the errno that
// getsockopt is to return.
func Get(t Types, six bool, level, num int) syscall.Errno {
	r := Find(level, num)
	switch {
	case !t.Knows(level, six):
		return t.strange(six, true)
	case r == nil:
		return syscall.ENOPROTOOPT
	case (r.Works|r.Kept)&t == 0 && r.Errno == syscall.EOPNOTSUPP:
		return r.Errno
	case (r.Works|r.Kept)&t == 0 || r.Mode == WriteOnly:
		return syscall.ENOPROTOOPT
	}
	return 0
}
