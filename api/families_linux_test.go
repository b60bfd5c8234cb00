package api

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFamilies: each row of README's table of sockets can be made, and what is not in it
// is refused with Linux's errno.
func TestFamilies(t *testing.T) {
	n := open(t, Config{})
	u := n.Posix()
	check := func(family, typ, proto int, want error) {
		t.Helper()
		name := fmt.Sprintf("family %d, type %d, protocol %d", family, typ, proto)
		fd, err := u.Socket(family, typ, proto)
		if err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err != nil {
			return
		}
		for opt, want := range map[int]int{unix.SO_DOMAIN: family, unix.SO_TYPE: typ} {
			if v, err := u.GetsockoptInt(fd, unix.SOL_SOCKET, opt); v != want || err != nil {
				t.Errorf("%s: option %d is %d, %v", name, opt, v, err)
			}
		}
		if err := u.Close(fd); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
	const stream, dgram, raw, seq = unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET
	for _, f := range []int{unix.AF_INET, unix.AF_INET6} {
		check(f, stream, 0, nil)
		check(f, stream, unix.IPPROTO_TCP, nil)
		check(f, dgram, 0, nil)
		check(f, dgram, unix.IPPROTO_UDP, nil)
		check(f, dgram, unix.IPPROTO_UDPLITE, nil)
		check(f, raw, unix.IPPROTO_RAW, nil)
		check(f, raw, 89, nil) // OSPF: any number will do
		check(f, stream, unix.IPPROTO_UDP, unix.EPROTONOSUPPORT)
		check(f, dgram, unix.IPPROTO_TCP, unix.EPROTONOSUPPORT)
		check(f, raw, 0, unix.EPROTONOSUPPORT)
		check(f, stream, 300, unix.EINVAL)
		check(f, unix.SOCK_RDM, 0, unix.ESOCKTNOSUPPORT)
		check(f, seq, 0, unix.ESOCKTNOSUPPORT)
	}
	check(unix.AF_INET, dgram, unix.IPPROTO_ICMP, nil)
	check(unix.AF_INET, raw, unix.IPPROTO_ICMP, nil)
	check(unix.AF_INET6, dgram, unix.IPPROTO_ICMPV6, nil)
	check(unix.AF_INET6, raw, unix.IPPROTO_ICMPV6, nil)
	for _, typ := range []int{stream, dgram, seq} {
		check(unix.AF_UNIX, typ, 0, nil)
	}
	check(unix.AF_UNIX, stream, 5, unix.EPROTONOSUPPORT)
	check(unix.AF_UNIX, unix.SOCK_RDM, 0, unix.ESOCKTNOSUPPORT)
	for _, typ := range []int{raw, dgram} {
		check(unix.AF_PACKET, typ, 0, nil)
		check(unix.AF_NETLINK, typ, unix.NETLINK_ROUTE, nil)
		check(unix.AF_NETLINK, typ, unix.NETLINK_SOCK_DIAG, nil)
		check(unix.AF_NETLINK, typ, unix.NETLINK_GENERIC, unix.EPROTONOSUPPORT)
	}
	check(unix.AF_PACKET, stream, 0, unix.ESOCKTNOSUPPORT)
	check(unix.AF_NETLINK, stream, 0, unix.ESOCKTNOSUPPORT)
	check(unix.AF_APPLETALK, dgram, 0, unix.EAFNOSUPPORT)
	check(99, stream, 0, unix.EAFNOSUPPORT)
	check(unix.AF_INET, 11, 0, unix.EINVAL)

	// SCTP is registered from outside, and has tests of its own.
	check(unix.AF_INET, stream, unix.IPPROTO_SCTP, unix.EPROTONOSUPPORT)
	check(unix.AF_INET, seq, unix.IPPROTO_SCTP, unix.ESOCKTNOSUPPORT)
}
