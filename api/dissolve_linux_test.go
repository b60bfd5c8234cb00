package api

import (
	"sync"
	"testing"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// A socket may be dissolved while others set its options: a test for the race detector.
func TestDissolveMeanwhile(t *testing.T) {
	t.Parallel()
	n, err := Open(Config{Mode: lcore.Shared, Lcores: []int{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	u, to := n.Posix(), &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 99}
	l, err := n.Listen("tcp", "127.0.0.1:99")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 100 {
		fd, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM+i%2, 0)
		if err == nil {
			err = u.Connect(fd, to)
		}
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { u.Connect(fd, SockaddrUnspec{}) })
		wg.Go(func() { u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MINTTL, 1) })
		wg.Go(func() { u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1) })
		wg.Go(func() { u.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MINTTL) })
		wg.Wait()
		u.Close(fd)
	}
}
