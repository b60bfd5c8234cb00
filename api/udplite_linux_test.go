package api

import (
	"encoding/binary"
	"errors"
	"testing"

	"dataplane/ip"
	"dataplane/udp"

	"golang.org/x/sys/unix"
)

// TestUDPLite: datagrams pass whose checksum covers all or the front of them; what was
// changed behind that arrives, what breaks the rules of RFC 3828 does not.
func TestUDPLite(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{Lcores: []int{AnyCPU, AnyCPU}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	}()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	u, v := a.Posix(), b.Posix()
	to := &unix.SockaddrInet4{Addr: [4]byte{10, 0, 0, 2}, Port: 7}
	c, err := u.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	must(err)
	s, err := v.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	must(err)
	must(v.Bind(s, &unix.SockaddrInet4{Port: 7}))
	other, err := v.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0) // UDP's ports are others
	must(err)
	must(v.Bind(other, &unix.SockaddrInet4{Port: 7}))
	if err := v.SetsockoptInt(other, unix.IPPROTO_UDP, udp.LiteSendCoverage, 8); err != unix.ENOPROTOOPT {
		t.Errorf("coverage of UDP: %v", err)
	}
	must(u.Connect(c, to))
	p := make([]byte, 70_000)
	recv := func(what string, want int) {
		t.Helper()
		n, from, err := v.Recvfrom(s, p, 0)
		if n != want || err != nil || from.(*unix.SockaddrInet4).Addr != [4]byte{10, 0, 0, 1} {
			t.Fatalf("%s: %d bytes of %d from %+v, %v", what, n, want, from, err)
		}
	}
	for _, cov := range []struct{ set, get int }{{-1, 8}, {3, 8}, {100, 100}, {70_000, 65535}, {12, 12}, {0, 0}} {
		must(u.SetsockoptInt(c, ip.ProtoUDPLite, udp.LiteSendCoverage, cov.set))
		if n, err := u.GetsockoptInt(c, ip.ProtoUDPLite, udp.LiteSendCoverage); n != cov.get || err != nil {
			t.Errorf("coverage %d is %d, %v", cov.set, n, err)
		}
		for _, n := range []int{0, 1, 13, 1472, 9000} {
			_, err := u.Write(c, p[:n])
			must(err)
			recv("sent", n)
		}
	}
	// The receiver wants so many bytes covered, or all.
	must(u.SetsockoptInt(c, ip.ProtoUDPLite, udp.LiteSendCoverage, 12))
	for _, want := range []struct {
		least int
		takes bool
	}{{12, true}, {13, false}, {0, false}, {8, true}} {
		must(v.SetsockoptInt(s, ip.ProtoUDPLite, udp.LiteRecvCoverage, want.least))
		_, err := u.Write(c, p[:100])
		must(err)
		_, err = u.Write(c, p[:4]) // all of it is covered
		must(err)
		if want.takes {
			recv("partly covered", 100)
		}
		recv("wholly covered", 4)
	}
	// Packets made by hand, of the same flow: another's may come by another lcore, out of order.
	stack := a.Stacks()[0]
	local, err := u.Getsockname(c)
	must(err)
	for _, x := range []struct {
		what    string
		covered uint16
		change  int // of this byte, after the checksum was made
		zero    bool
		takes   bool
	}{
		{"all covered", 0, -1, false, true}, {"all covered, changed", 0, 29, false, false},
		{"the front covered", 20, -1, false, true}, {"changed behind it", 20, 25, false, true}, {"changed in it", 20, 19, false, false},
		{"less than the header", 7, -1, false, false}, {"more than there is", 31, -1, false, false}, {"without a checksum", 0, -1, true, false},
	} {
		d := make([]byte, 30)
		binary.BigEndian.PutUint16(d[0:], uint16(local.(*unix.SockaddrInet4).Port))
		binary.BigEndian.PutUint16(d[2:], 7)
		binary.BigEndian.PutUint16(d[4:], x.covered)
		n := int(x.covered)
		if n == 0 || n > len(d) {
			n = len(d)
		}
		src, dst := ip.From4([4]byte{10, 0, 0, 1}), ip.From4(to.Addr)
		if !x.zero {
			binary.BigEndian.PutUint16(d[6:], ^ip.Fold(ip.Sum(d[:n], ip.PseudoSum(src, dst, ip.ProtoUDPLite, len(d)))))
		}
		if x.change >= 0 {
			d[x.change] ^= 0xff
		}
		stack.Core.Call(func() { stack.SendIP(&ip.Endpoint{Remote: dst}, ip.ProtoUDPLite, d, stack.Core.Now) })
		_, err := u.Write(c, p[:1]) // behind it, always right
		must(err)
		if x.takes {
			recv(x.what, len(d)-8)
		}
		recv(x.what+", and the next", 1)
	}
	must(v.Close(s)) // nobody has the port any more
	_, err = u.Write(c, p[:50])
	must(err)
	if _, err := u.Read(c, p); err != unix.ECONNREFUSED {
		t.Errorf("to nobody: %v", err)
	}
}

// The same over IPv6, with fragments.
func TestUDPLite6(t *testing.T) {
	n := open(t, Config{})
	u := n.Posix()
	s, err := u.Socket(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	if err != nil {
		t.Fatal(err)
	}
	lo := [16]byte{15: 1}
	if err := u.Bind(s, &unix.SockaddrInet6{Addr: lo, Port: 7}); err != nil {
		t.Fatal(err)
	}
	c, _ := u.Socket(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	if err := u.Connect(c, &unix.SockaddrInet6{Addr: lo, Port: 7}); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 20000)
	for _, cov := range []int{0, 8, 100} {
		if err := u.SetsockoptInt(c, ip.ProtoUDPLite, udp.LiteSendCoverage, cov); err != nil {
			t.Fatal(err)
		}
		for _, k := range []int{0, 1, 1000, 15000} {
			if _, err := u.Write(c, p[:k]); err != nil {
				t.Fatal(err)
			}
			if got, from, err := u.Recvfrom(s, p, 0); got != k || err != nil || from.(*unix.SockaddrInet6).Addr != lo {
				t.Fatal(got, from, err)
			}
		}
	}
}
