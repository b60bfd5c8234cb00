package sctp

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	pion "github.com/pion/sctp"
	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
)

// pair is two planes with a wire between them; both are closed, and nothing is left.
func pair(t *testing.T) (a, b *api.Net) {
	t.Helper()
	return pairOf(t, api.AnyCPU, api.AnyCPU)
}

// pairOf is pair where a has these lcores.
func pairOf(t *testing.T, lcores ...int) (a, b *api.Net) {
	t.Helper()
	before := runtime.NumGoroutine()
	a, b, err := api.Pipe(api.Config{Lcores: lcores}, api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				buf := make([]byte, 1<<20)
				t.Errorf("%d goroutines are left of %d:\n%s", runtime.NumGoroutine()-before, before, buf[:runtime.Stack(buf, true)])
				return
			}
		}
	})
	return a, b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var at = &unix.SockaddrInet4{Addr: [4]byte{10, 0, 0, 2}, Port: 7}

// serve echoes messages on b with sockets of SCTP.
func serve(t *testing.T, b *api.Net, typ int) {
	t.Helper()
	u := b.Posix()
	l, err := u.Socket(unix.AF_INET, typ, unix.IPPROTO_SCTP)
	must(t, err)
	must(t, u.Bind(l, &unix.SockaddrInet4{Port: at.Port}))
	must(t, u.Listen(l, 5))
	go func() {
		for {
			c, _, err := u.Accept(l)
			if err != nil {
				return
			}
			go func() {
				p := make([]byte, maxMessage)
				for {
					n, err := u.Read(c, p)
					if n <= 0 || err != nil {
						u.Close(c)
						return
					}
					for sent := 0; sent < n; {
						k, err := u.Write(c, p[sent:n])
						if err != nil {
							return
						}
						sent += k
					}
				}
			}()
		}
	}()
}

// TestSockets: messages of every size pass in both directions between sockets of both types.
func TestSockets(t *testing.T) {
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET} {
		a, b := pair(t)
		must(t, Register(a))
		must(t, Register(b))
		serve(t, b, typ)
		u := a.Posix()
		fd, err := u.Socket(unix.AF_INET, typ, unix.IPPROTO_SCTP)
		must(t, err)
		must(t, u.Connect(fd, at))
		if sa, err := u.Getpeername(fd); err != nil || *sa.(*unix.SockaddrInet4) != *at {
			t.Errorf("peer %v, %v", sa, err)
		}
		p := make([]byte, maxMessage)
		for _, n := range []int{1, 100, 1500, 20_000, maxMessage} {
			msg := bytes.Repeat([]byte{byte(n), 1, 2, 3}, n/4+1)[:n]
			if k, err := u.Write(fd, msg); k != n || err != nil {
				t.Fatalf("%d bytes: %d, %v", n, k, err)
			}
			k, _, flags, _, err := u.Recvmsg(fd, p[:n/2+1], nil, 0)
			if err != nil || k != n/2+1 || (flags&unix.MSG_EOR != 0) != (k == n) && typ == unix.SOCK_SEQPACKET {
				t.Fatalf("%d bytes: %d at first, flags %#x, %v", n, k, flags, err)
			}
			if k < n {
				rest, err := u.Read(fd, p[k:])
				if k += rest; err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(p[:k], msg) {
				t.Fatalf("%d bytes: %d, or wrong ones", n, k)
			}
		}
		must(t, u.Shutdown(fd, unix.SHUT_WR))
		if n, err := u.Read(fd, p); n != 0 || err != nil {
			t.Errorf("the end: %d, %v", n, err)
		}
		if _, err := u.Write(fd, p[:1]); err != unix.EPIPE {
			t.Errorf("after the end: %v", err)
		}
		must(t, u.Close(fd))
	}
}

// TestErrors: nobody listens, nobody has the protocol, calls that have no meaning.
func TestErrors(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	u := a.Posix()
	fd, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP)
	must(t, err)
	if err := u.Connect(fd, at); err != unix.ECONNREFUSED {
		t.Errorf("a host without SCTP: %v", err)
	}
	must(t, Register(b))
	if err := u.Connect(fd, at); err != unix.ECONNREFUSED {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := u.Write(fd, []byte("x")); err != unix.ENOTCONN {
		t.Errorf("not connected: %v", err)
	}
	if err := Register(b); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("twice: %v", err)
	}
	if _, err := u.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_SCTP); err != unix.EPROTONOSUPPORT {
		t.Errorf("datagrams: %v", err)
	}
	tcp, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, err)
	if v, err := u.GetsockoptInt(tcp, unix.SOL_SOCKET, unix.SO_PROTOCOL); v != unix.IPPROTO_TCP || err != nil {
		t.Errorf("protocol 0 is %d now, %v", v, err)
	}
	other, err := u.Socket(unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
	must(t, err)
	for _, want := range []error{nil, unix.EINVAL} {
		if err := u.Bind(other, &unix.SockaddrInet4{Port: 99}); err != want {
			t.Errorf("bind: %v, want %v", err, want)
		}
	}
	if err := u.Bind(fd, &unix.SockaddrInet4{Port: 99}); err != unix.EINVAL { // Connect has bound it
		t.Errorf("bind: %v", err)
	}
}

// wirePeer is pion/sctp's net.Conn over the packets of a plane that knows nothing else of
// SCTP.
type wirePeer struct {
	stack *inet.Stack
	in    chan []byte
	to    ip.Endpoint
	ports [2]uint16
	done  chan struct{}
}

func (w *wirePeer) Input(m *mbuf.Mbuf, p *ip.Packet) perf.Verdict {
	b := make([]byte, m.PktLen)
	if m.CopyTo(0, b); w.ports[0] != 0 && header(b).dst() != w.ports[0] {
		return perf.Delivered // an answer to what is not the association's
	}
	select {
	case w.in <- b:
	default:
	}
	return perf.Delivered
}
func (w *wirePeer) Error(*ip.Error) perf.Verdict { return perf.Delivered }

func (w *wirePeer) Read(b []byte) (int, error) {
	select {
	case p := <-w.in:
		header(p).setPorts(pionPort, pionPort)
		return copy(b, p), nil
	case <-w.done:
		return 0, io.EOF
	}
}

func (w *wirePeer) Write(b []byte) (int, error) {
	p := header(bytes.Clone(b))
	p.setPorts(w.ports[0], w.ports[1])
	w.stack.Core.Call(func() {
		e := w.to
		w.stack.SendIP(&e, number, p, w.stack.Core.Now)
	})
	return len(b), nil
}

func (w *wirePeer) Close() error {
	select {
	case <-w.done:
	default:
		close(w.done)
	}
	return nil
}
func (*wirePeer) LocalAddr() net.Addr              { return &net.IPAddr{} }
func (*wirePeer) RemoteAddr() net.Addr             { return &net.IPAddr{} }
func (*wirePeer) SetDeadline(time.Time) error      { return nil }
func (*wirePeer) SetReadDeadline(time.Time) error  { return nil }
func (*wirePeer) SetWriteDeadline(time.Time) error { return nil }

// TestPionPeer: an association with pion/sctp's own peer, over the wire; it sends on
// another stream, too.
func TestPionPeer(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	u := a.Posix()
	l, err := u.Socket(unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
	must(t, err)
	must(t, u.Bind(l, &unix.SockaddrInet4{Port: 7}))
	must(t, u.Listen(l, 1))

	w := &wirePeer{in: make(chan []byte, 1000), done: make(chan struct{}), ports: [2]uint16{4444, 7}}
	w.to.Remote = ip.FromNetip(netip.MustParseAddr("10.0.0.1"))
	must(t, b.RegisterProtocol(number, func(s *inet.Stack) ip.Protocol { w.stack = s; return w }))
	peer, err := pion.ClientWithOptions(pion.Config{NetConn: w})
	must(t, err)
	defer peer.Close()
	c, from, err := u.Accept(l)
	must(t, err)
	if sa := from.(*unix.SockaddrInet4); sa.Port != 4444 || sa.Addr != [4]byte{10, 0, 0, 2} {
		t.Errorf("from %+v", sa)
	}
	st, err := peer.OpenStream(5, 51)
	must(t, err)
	p := make([]byte, maxMessage)
	for i := range 50 {
		msg := bytes.Repeat([]byte{byte(i)}, 1+i*1000)
		if _, err := st.WriteSCTP(msg, 51); err != nil {
			t.Fatal(err)
		}
		if n, err := u.Read(c, p); !bytes.Equal(p[:n], msg) || err != nil {
			t.Fatalf("message %d: %d bytes, %v", i, n, err)
		}
	}
	must(t, u.SetNonblock(c, true))
	if _, err := u.Read(c, p); err != unix.EAGAIN {
		t.Errorf("nothing to read: %v", err)
	}
	// Much more than the buffers hold: the writer waits for the reader.
	must(t, u.SetNonblock(c, false))
	const total = 4 << 20
	go func() {
		for sent := 0; sent < total; sent += 10_000 {
			if _, err := u.Write(c, p[:min(10_000, total-sent)]); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	back, err := peer.AcceptStream()
	must(t, err)
	sum, q := 0, make([]byte, maxMessage)
	for sum < total {
		n, err := back.Read(q)
		must(t, err)
		sum += n
	}
	peer.Abort("enough")
	if _, err := u.Read(c, p); err != unix.ECONNRESET {
		t.Errorf("after an abort: %v", err)
	}
	w.Close()
}

// Packets that are no packets, or nobody's, do no harm.
func TestGarbage(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	serve(t, a, unix.SOCK_STREAM)
	w := &wirePeer{in: make(chan []byte, 1000), done: make(chan struct{})}
	must(t, b.RegisterProtocol(number, func(s *inet.Stack) ip.Protocol { w.stack = s; return w }))
	r := rand.New(rand.NewPCG(1, 1))
	send := func(p header) {
		w.stack.Core.Call(func() {
			w.stack.SendIP(&ip.Endpoint{Remote: ip.From4([4]byte{10, 0, 0, 1})}, number, p, w.stack.Core.Now)
		})
	}
	for range 2000 {
		p := make(header, r.IntN(60))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		if len(p) > headerLen {
			p[headerLen] = byte(r.IntN(16))
			if r.IntN(2) == 0 {
				clear(p[4:8]) // the tag of an INIT
				be.PutUint16(p[2:], 7)
			}
			p.setChecksum()
		}
		send(p)
	}
	// Somebody else's SHUTDOWN ACK is answered, RFC 9260 8.4; an ABORT is not.
	for len(w.in) > 0 {
		<-w.in
	}
	ask := func(typ byte) {
		p := make(header, 16)
		p[headerLen], p[15] = typ, chunkLen
		be.PutUint32(p[4:], 0x01020304)
		p.setPorts(4444, 9)
		send(p)
	}
	ask(chunkAbort)
	for end := time.Now().Add(10 * time.Second); ; ask(chunkShutdownAck) { // a queue may be full of garbage
		var p header
		select {
		case p = <-w.in:
		case <-time.After(20 * time.Millisecond):
		}
		if p == nil || p.dst() != 4444 {
			if time.Now().After(end) {
				t.Fatal("no answer")
			}
			continue
		}
		if p.first() != chunkShutdownComplete || p[headerLen+1] != flagT || p.tag() != 0x01020304 || !sumOK(p) {
			t.Errorf("answered %x", []byte(p))
		}
		break
	}
}

// The checksum is that of RFC 9260 appendix A, as others compute it.
func TestChecksum(t *testing.T) {
	if crc32.Checksum([]byte("123456789"), castagnoli) != 0xe3069283 {
		t.Error("not CRC32c")
	}
	p := make(header, 20)
	p.setPorts(1, 2)
	if !sumOK(p) {
		t.Error("a checksum that was just made is wrong")
	}
	p[19] ^= 1
	if sumOK(p) {
		t.Error("a wrong checksum is right")
	}
}
