package sctp

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	pion "github.com/pion/sctp"
	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/perf"
)

// unreachable is the ICMP message that nobody has SCTP, about a packet of which this much
// is quoted.
func unreachable(from, to [4]byte, quoted []byte) []byte {
	b := make([]byte, 8+ip.HdrLen4, 8+ip.HdrLen4+len(quoted))
	b[0], b[1] = ip.ICMPUnreachable, ip.CodeProtocol
	q := b[8:]
	q[0], q[8], q[9] = 0x45, 64, number
	be.PutUint16(q[2:], uint16(ip.HdrLen4+len(quoted)))
	copy(q[12:], from[:])
	copy(q[16:], to[:])
	b = append(b, quoted...)
	be.PutUint16(b[2:], ^ip.Checksum(b, 0))
	return b
}

// listening is a listener on a, and what carries pion's own peer on b.
func listening(t *testing.T, a, b *api.Net) (l int, w *wirePeer) {
	t.Helper()
	u := a.Posix()
	l, err := u.Socket(unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
	must(t, err)
	must(t, u.Bind(l, &unix.SockaddrInet4{Port: 7}))
	must(t, u.Listen(l, 1))
	w = &wirePeer{in: make(chan []byte, 1000), done: make(chan struct{}), ports: [2]uint16{4444, 7}}
	w.to.Remote = ip.FromNetip(netip.MustParseAddr("10.0.0.1"))
	must(t, b.RegisterProtocol(number, func(s *inet.Stack) ip.Protocol { w.stack = s; return w }))
	return l, w
}

// accepted is a socket on a of an association with pion's own peer on b.
func accepted(t *testing.T, a, b *api.Net) (c int, peer *pion.Association, w *wirePeer) {
	t.Helper()
	l, w := listening(t, a, b)
	peer, err := pion.ClientWithOptions(pion.Config{NetConn: w})
	must(t, err)
	c, _, err = a.Posix().Accept(l)
	must(t, err)
	return c, peer, w
}

// RFC 9260 10: an ICMP message of somebody who does not know the verification tag ends no
// association.
func TestForged(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	c, peer, w := accepted(t, a, b)
	u := a.Posix()
	icmp := func(quoted []byte) {
		w.stack.Core.Call(func() {
			m := unreachable([4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, quoted)
			w.stack.SendIP(&ip.Endpoint{Remote: w.to.Remote}, ip.ProtoICMP, m, w.stack.Core.Now)
		})
	}
	for _, tag := range []uint32{0, 0x12345678} {
		q := make([]byte, 20)
		be.PutUint16(q, 7)
		be.PutUint16(q[2:], 4444)
		be.PutUint32(q[4:], tag)
		q[headerLen] = chunkInit
		icmp(q)
		icmp(q[:8])
	}
	time.Sleep(50 * time.Millisecond)

	st, err := peer.OpenStream(0, 51)
	must(t, err)
	p := make([]byte, 100)
	if _, err := st.WriteSCTP([]byte("still here"), 51); err != nil {
		t.Fatal(err)
	}
	if n, err := u.Read(c, p); !bytes.Equal(p[:max(n, 0)], []byte("still here")) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	peer.Abort("enough")
	w.Close()
}

// knock sends a packet of one chunk to a's port 7, as from another port of b.
func (w *wirePeer) knock(port uint16, tag uint32, chunk []byte) {
	p := append(make(header, headerLen), chunk...)
	be.PutUint32(p[4:], tag)
	p.setPorts(port, 7)
	w.stack.Core.Call(func() {
		w.stack.SendIP(&ip.Endpoint{Remote: w.to.Remote}, number, p, w.stack.Core.Now) //nolint:errcheck // as lost
	})
}

// RFC 9260 8.5.1: an ABORT of somebody who does not know the tag is none, and nobody is told
// of a reset when the association ends well.
func TestForgedAbort(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	c, peer, w := accepted(t, a, b)
	for _, flags := range []byte{0, flagT} {
		for _, tag := range []uint32{0, 0x12345678} {
			w.knock(4444, tag, []byte{chunkAbort, flags, 0, chunkLen})
		}
	}
	st, err := peer.OpenStream(0, 51)
	must(t, err)
	if _, err := st.WriteSCTP([]byte("still here"), 51); err != nil {
		t.Fatal(err)
	}
	u, p := a.Posix(), make([]byte, 100)
	if n, err := u.Read(c, p); !bytes.Equal(p[:max(n, 0)], []byte("still here")) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(t, peer.Shutdown(ctx))
	if n, err := u.Read(c, p); n != 0 || err != nil {
		t.Errorf("the end: %d, %v", n, err)
	}
	w.Close()
}

// Who asks for associations and never goes on keeps nobody else out.
func TestHalfOpen(t *testing.T) {
	a, b := pairOf(t, api.AnyCPU) // or what is sent last may come first
	must(t, Register(a))
	_, w := listening(t, a, b) // with a backlog of 1
	init := make([]byte, 20)
	init[0], init[3] = chunkInit, byte(len(init))
	be.PutUint32(init[4:], 99) // the tag
	be.PutUint32(init[8:], 1<<16)
	be.PutUint32(init[12:], 1<<16|1)
	for i := range 50 {
		w.knock(uint16(5000+i), 0, init)
	}
	peer, err := pion.ClientWithOptions(pion.Config{NetConn: w})
	must(t, err)
	peer.Abort("enough")
	must(t, w.Close())
}

// A second lets so many through, and the next one as many again.
func TestLimiter(t *testing.T) {
	var b limiter
	for second := range perf.Tick(3) {
		n := 0
		for i := range perf.Tick(3000) {
			if b.ok(second*perf.Second + i) {
				n++
			}
		}
		if n != perSecond {
			t.Errorf("second %d: %d", second, n)
		}
	}
}
