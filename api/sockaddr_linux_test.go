package api

import (
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// An address that went to a name and back is the same.
func TestSockaddrs(t *testing.T) {
	for _, c := range []struct {
		family int
		sa     unix.Sockaddr
	}{
		{unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{10, 1, 2, 3}, Port: 80}},
		{unix.AF_INET, &unix.SockaddrInet4{Port: 65535}},
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{0xfe, 0x80, 15: 1}, Port: 7, ZoneId: 3}},
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{10: 0xff, 0xff, 10, 1, 2, 3}, Port: 7}},
		{unix.AF_INET6, &unix.SockaddrInet6{}},
		{unix.AF_UNIX, &unix.SockaddrUnix{Name: "/a/b"}},
		{unix.AF_UNIX, &unix.SockaddrUnix{Name: "@b"}},
		{unix.AF_PACKET, &unix.SockaddrLinklayer{Protocol: 0x0806, Ifindex: 2, Hatype: 772, Pkttype: 4, Halen: 6, Addr: [8]byte{1, 2, 3}}},
		{unix.AF_NETLINK, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 5, Groups: 0x11}},
	} {
		n, err := nameOf(c.family, c.sa)
		if err != nil {
			t.Errorf("%#v: %v", c.sa, err)
		}
		if got := sockaddr(c.family, &n); !reflect.DeepEqual(got, c.sa) {
			t.Errorf("%#v came back as %#v", c.sa, got)
		}
	}
}

// What is no address of the family is refused as by Linux's bind.
func TestSockaddrErrors(t *testing.T) {
	var no *unix.SockaddrInet4
	for _, c := range []struct {
		family int
		sa     unix.Sockaddr
		want   error
	}{
		{unix.AF_INET, nil, unix.EAFNOSUPPORT},
		{unix.AF_INET, no, unix.EAFNOSUPPORT},
		{unix.AF_INET, &unix.SockaddrInet6{}, unix.EAFNOSUPPORT},
		{unix.AF_INET, &unix.SockaddrInet4{Port: -1}, unix.EINVAL},
		{unix.AF_INET6, &unix.SockaddrInet4{}, unix.EINVAL},
		{unix.AF_INET6, SockaddrUnspec{}, unix.EAFNOSUPPORT},
		{unix.AF_INET6, &unix.SockaddrInet6{Port: 65536}, unix.EINVAL},
		{unix.AF_UNIX, &unix.SockaddrInet4{}, unix.EINVAL},
		{unix.AF_UNIX, &unix.SockaddrUnix{Name: string(make([]byte, maxUnixPath))}, unix.EINVAL},
		{unix.AF_PACKET, &unix.SockaddrInet4{}, unix.EINVAL},
		{unix.AF_PACKET, &unix.SockaddrLinklayer{Ifindex: -1}, unix.EINVAL},
		{unix.AF_NETLINK, &unix.SockaddrInet4{}, unix.EINVAL},
	} {
		if _, err := nameOf(c.family, c.sa); err != c.want {
			t.Errorf("family %d, %#v: %v, want %v", c.family, c.sa, err, c.want)
		}
	}
	n, err := nameOf(unix.AF_UNIX, &unix.SockaddrUnix{})
	if err != nil || n.Path != "" {
		t.Errorf("no path: %q, %v", n.Path, err)
	}
	if sa := sockaddr(unix.AF_UNIX, &n).(*unix.SockaddrUnix); sa.Name != "@" { // as golang.org/x/sys/unix
		t.Errorf("no path is shown as %q", sa.Name)
	}
}
