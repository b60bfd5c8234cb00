package api

import (
	"io"
	"testing"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// mmsgRoom is n messages of 64 bytes.
func mmsgRoom(n int) []Mmsghdr {
	ms := make([]Mmsghdr, n)
	for i := range ms {
		ms[i] = Mmsghdr{Buffers: [][]byte{make([]byte, 64)}, Addr: new(unix.SockaddrInet4)}
	}
	return ms
}

// exchangeMmsg sends 32 datagrams, and receives them.
func exchangeMmsg(t testing.TB, u *Posix, a, b int, out, in []Mmsghdr) {
	if n, err := u.Sendmmsg(a, out, 0); n != len(out) || err != nil {
		t.Fatal(n, err)
	}
	for got := 0; got < len(in); {
		n, err := u.Recvmmsg(b, in[got:], unix.MSG_WAITFORONE, nil)
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
}

// Sendmmsg and Recvmmsg allocate nothing.
func TestMmsgAllocs(t *testing.T) {
	u := open(t, Config{Mode: lcore.Shared}).Posix()
	a, b := dgramPair(t, u)
	to, err := u.Getsockname(b)
	if err != nil {
		t.Fatal(err)
	}
	out, in := mmsgRoom(32), mmsgRoom(32)
	for i := range out {
		if out[i].Addr = to; i%2 == 0 {
			out[i].Addr = nil
		}
	}
	if n := testing.AllocsPerRun(300, func() { exchangeMmsg(t, u, a, b, out, in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkMmsg moves 32 datagrams a turn.
func BenchmarkMmsg(b *testing.B) {
	n, err := Open(Config{Mode: lcore.Shared})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	u := n.Posix()
	x, y := dgramPair(b, u)
	out, in := mmsgRoom(32), mmsgRoom(32)
	for i := range out {
		out[i].Addr = nil
	}
	for b.Loop() {
		exchangeMmsg(b, u, x, y, out, in)
	}
}

// Of a stream no message follows a part of another one: what was not sent has a hole else.
func TestSendmmsgPart(t *testing.T) {
	t.Parallel()
	n, err := Open(Config{Mode: lcore.Shared})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	l, err := n.Listen("tcp", "127.0.0.1:99")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, c)
		}
	}()
	const size = 70000
	u := n.Posix()
	for range 60 {
		fd, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err == nil {
			err = u.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 99})
		}
		if err != nil {
			t.Fatal(err)
		}
		u.SetNonblock(fd, true)
		ms := make([]Mmsghdr, 30)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, size)}
		}
		k, err := u.Sendmmsg(fd, ms, 0)
		for i := range k - 1 {
			if ms[i].N != size {
				t.Fatalf("%d messages of which the %dth has sent %d bytes", k, i, ms[i].N)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		u.Close(fd)
	}
}
