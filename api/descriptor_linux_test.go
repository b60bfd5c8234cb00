package api

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Options set through the descriptor are those of the connection.
func TestDescriptorConn(t *testing.T) {
	before := count(t)
	t.Cleanup(func() { nothingLeft(t, before) })
	a, _ := pipe(t, Config{})
	d, err := listenUDP(t, a, "10.0.0.1:7").WithDescriptor()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := d.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	set := func(level, opt, value int) (errno error) {
		t.Helper()
		if err := raw.Control(func(fd uintptr) { errno = unix.SetsockoptInt(int(fd), level, opt, value) }); err != nil {
			t.Errorf("option %d of level %d: %v", opt, level, err)
		}
		return errno
	}
	for _, o := range [][3]int{
		{unix.IPPROTO_IP, unix.IP_RECVTOS, 1}, {unix.IPPROTO_IP, unix.IP_PKTINFO, 1}, {unix.IPPROTO_IP, unix.IP_TTL, 9},
		{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE}, {unix.IPPROTO_UDP, unix.UDP_GRO, 1},
		{unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1200}, {unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0}, {unix.SOL_SOCKET, unix.SO_BROADCAST, 1},
	} {
		if err := set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
		if v, err := d.GetsockoptInt(o[0], o[1]); v != o[2] || err != nil {
			t.Errorf("option %d of level %d is %d, %v, want %d", o[1], o[0], v, err, o[2])
		}
	}
	if err := set(unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1); err == nil {
		t.Error("an option of IPv6 was taken")
	}
	if err := set(unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT); err != nil {
		t.Error(err)
	}
	if v, err := d.GetsockoptInt(unix.IPPROTO_IP, unix.IP_MTU_DISCOVER); v != unix.IP_PMTUDISC_OMIT || err != nil {
		t.Errorf("IP_MTU_DISCOVER is %d, %v", v, err)
	}
	if err := d.SetReadBuffer(100_000); err != nil {
		t.Error(err)
	}
	if err := raw.Read(func(uintptr) bool { return true }); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Error(err)
	}
	if err := raw.Write(func(uintptr) bool { return true }); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Error(err)
	}
	// Package ipv4 can set options, too.
	if err := ipv4.NewPacketConn(d).SetTOS(4); err != nil {
		t.Error(err)
	}
	if v, _ := d.GetsockoptInt(unix.IPPROTO_IP, unix.IP_TOS); v != 4 {
		t.Errorf("TOS is %d", v)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := raw.Control(func(uintptr) { t.Error("called") }); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := d.Close(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
