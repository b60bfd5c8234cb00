package e2e

import (
	"bytes"
	"testing"
	"time"

	"dataplane/ip"
	"dataplane/udp"

	"golang.org/x/sys/unix"
)

// UDP-Lite between the plane and the kernel, over both versions of IP, with checksums
// over all, over a part and over the header alone, in one packet and in fragments; and
// who asks for more coverage than there is hears nothing.
func TestUDPLite(t *testing.T) {
	b := newBed6(t)
	u := b.plane.Posix()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	own6, far6 := [16]byte{0xfd, 0, 0, 9, 15: 2}, [16]byte{0xfd, 0, 0, 9, 15: 1}
	for _, c := range []struct {
		family      int
		plane, kern unix.Sockaddr
	}{
		{unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{10, 9, 0, 2}, Port: 7}, &unix.SockaddrInet4{Addr: [4]byte{10, 9, 0, 1}, Port: 8}},
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: own6, Port: 7}, &unix.SockaddrInet6{Addr: far6, Port: 8}},
	} {
		p, err := u.Socket(c.family, unix.SOCK_DGRAM, ip.ProtoUDPLite)
		must(err)
		k, err := unix.Socket(c.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ip.ProtoUDPLite)
		must(err)
		defer unix.Close(k)
		must(u.Bind(p, c.plane))
		must(unix.Bind(k, c.kern))
		must(u.Connect(p, c.kern))
		must(unix.Connect(k, c.plane))
		must(u.SetsockoptTimeval(p, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}))
		must(unix.SetsockoptTimeval(k, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}))
		in := make([]byte, 1<<16)
		for _, cov := range []int{0, 8, 20, 1000} {
			must(u.SetsockoptInt(p, ip.ProtoUDPLite, udp.LiteSendCoverage, cov))
			must(unix.SetsockoptInt(k, ip.ProtoUDPLite, udp.LiteSendCoverage, cov))
			for _, n := range []int{1, 100, 1400, 5000} {
				out := bytes.Repeat([]byte{byte(n), byte(cov), 3}, n)[:n]
				_, err := u.Write(p, out)
				must(err)
				if m, err := unix.Read(k, in); err != nil || !bytes.Equal(in[:max(m, 0)], out) {
					t.Fatalf("family %d, coverage %d, to the kernel: %d of %d, %v", c.family, cov, m, n, err)
				}
				_, err = unix.Write(k, out)
				must(err)
				if m, err := u.Read(p, in); err != nil || !bytes.Equal(in[:max(m, 0)], out) {
					t.Fatalf("family %d, coverage %d, from the kernel: %d of %d, %v", c.family, cov, m, n, err)
				}
			}
		}
		must(u.SetsockoptInt(p, ip.ProtoUDPLite, udp.LiteRecvCoverage, 500))
		must(unix.SetsockoptInt(k, ip.ProtoUDPLite, udp.LiteSendCoverage, 8))
		_, err = unix.Write(k, in[:1000])
		must(err)
		time.Sleep(20 * time.Millisecond)
		if _, _, err := u.Recvfrom(p, in, unix.MSG_DONTWAIT); err != unix.EAGAIN {
			t.Errorf("family %d: too little was covered: %v", c.family, err)
		}
		must(u.Close(p))
		if _, err := unix.Write(k, in[:10]); err != nil {
			t.Error(err)
		}
		if _, err := unix.Read(k, in); err != unix.ECONNREFUSED {
			t.Errorf("family %d: nobody is there: %v", c.family, err)
		}
	}
}
