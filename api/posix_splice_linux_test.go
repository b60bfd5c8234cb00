package api

import (
	"bytes"
	"testing"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// streamPair is a connection between two descriptors.
func streamPair(t testing.TB, u *Posix) (a, b int) {
	t.Helper()
	must := func(fd int, err error) int {
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	l := must(u.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	must(0, u.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(0, u.Listen(l, 1))
	sa, err := u.Getsockname(l)
	must(0, err)
	a = must(u.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	must(0, u.Connect(a, sa))
	b, _, err = u.Accept(l)
	must(b, err)
	must(0, u.Close(l))
	return a, b
}

// TestSendfile moves a stream from one connection to another, which reads slowly.
func TestSendfile(t *testing.T) {
	u := open(t, Config{Mode: lcore.Shared}).Posix()
	a, b := streamPair(t, u)
	c, d := streamPair(t, u)
	want := bytes.Repeat([]byte("what goes from ring to ring "), 50000)
	go func() {
		u.Write(a, want) //nolint:errcheck // the other end counts
		u.Shutdown(a, unix.SHUT_WR)
	}()
	sent := make(chan int)
	go func() {
		n, _ := u.Sendfile(c, b, nil, 1000)
		k, _ := u.Sendfile(c, b, nil, len(want))
		u.Shutdown(c, unix.SHUT_WR)
		sent <- n
		sent <- k
	}()
	var got []byte
	for room := make([]byte, 3000); ; {
		n, err := u.Read(d, room)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		got = append(got, room[:n]...)
	}
	if n, k := <-sent, <-sent; n != 1000 || k != len(want)-1000 || !bytes.Equal(got, want) {
		t.Errorf("%d and %d sent, %d of %d received", n, k, len(got), len(want))
	}
	if n, err := u.Sendfile(c, b, nil, 1); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if n, err := u.Splice(d, nil, a, nil, 10, unix.SPLICE_F_NONBLOCK); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
