package unix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// bed is a family with a table of descriptors.
type bed struct {
	t *testing.T
	f *Family
	*table
}

// table is a Table; a descriptor stands for a Socket.
type table struct {
	mu    sync.Mutex
	files []*file
	most  int
}

type file struct {
	s    *sock.Socket
	held int
	mu   sync.Mutex
}

func (x *file) Hold() { x.mu.Lock(); x.held++; x.mu.Unlock() }
func (x *file) Let() {
	x.mu.Lock()
	x.held--
	last := x.held == 0
	x.mu.Unlock()
	if last {
		x.s.Close()
	}
}

func (t *table) Hold(fd int) (File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fd < 0 || fd >= len(t.files) || t.files[fd] == nil {
		return nil, syscall.EBADF
	}
	t.files[fd].Hold()
	return t.files[fd], nil
}

func (t *table) Install(f File) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fd := slices.Index(t.files, nil)
	if fd < 0 {
		if fd = len(t.files); fd >= t.most {
			return 0, syscall.EMFILE
		}
		t.files = append(t.files, nil)
	}
	t.files[fd] = f.(*file)
	return fd, nil
}

func (t *table) close(fd int) {
	t.mu.Lock()
	x := t.files[fd]
	t.files[fd] = nil
	t.mu.Unlock()
	x.Let()
}

func newBed(t *testing.T) *bed {
	tab := &table{most: 300}
	return &bed{t, New(nil, tab), tab}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) socket(typ int) *sock.Socket {
	s, err := b.f.Create(typ, 0)
	b.must(err)
	return s
}

func (b *bed) pair(typ int) (x, y *sock.Socket) {
	x, y = b.socket(typ), b.socket(typ)
	b.must(x.Ops.(sock.PairOps).Pair(x, y))
	return x, y
}

// open makes a descriptor of s.
func (b *bed) open(s *sock.Socket) int {
	fd, err := b.Install(&file{s: s, held: 1})
	b.must(err)
	return fd
}

func (b *bed) fails(what string, err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func cmsg(typ int, data []byte) []byte {
	c := sock.Controls{B: make([]byte, sock.CmsgSpace(len(data)))}
	c.Put(syscall.SOL_SOCKET, typ, data)
	return c.B
}

func rightsOf(fds ...int) []byte {
	var data []byte
	for _, fd := range fds {
		data = binary.NativeEndian.AppendUint32(data, uint32(fd))
	}
	return cmsg(syscall.SCM_RIGHTS, data)
}

// fdsOf returns the descriptors that came.
func (b *bed) fdsOf(m *sock.Msg) (fds []int) {
	for rest := m.Control[:m.NControl]; len(rest) > 0; {
		c, next, more, err := sock.NextControl(rest)
		b.must(err)
		if rest = next; !more {
			break
		}
		for d := c.Data; c.Type == syscall.SCM_RIGHTS && len(d) >= 4; d = d[4:] {
			fds = append(fds, int(binary.NativeEndian.Uint32(d)))
		}
	}
	return fds
}

// recv receives with room for control messages.
func (b *bed) recv(s *sock.Socket, room, control, flags int) (string, sock.Msg) {
	b.t.Helper()
	m := sock.Msg{Buf: make([]byte, room), Control: make([]byte, control), Flags: flags | sock.MsgDontwait}
	n, err := s.RecvMsg(&m)
	b.must(err)
	return string(m.Buf[:n]), m
}

// Descriptors pass; copies by MSG_PEEK; what has no room is closed, and so is what nobody
// ever reads.
func TestRights(t *testing.T) {
	for _, typ := range types {
		b := newBed(t)
		x, y := b.pair(typ)
		gift, _ := b.pair(sock.TypeStream)
		fd := b.open(gift)
		send := func(data string, control []byte) error {
			_, err := x.SendMsg(&sock.Msg{Buf: []byte(data), Control: control})
			return err
		}
		b.must(send("abc", rightsOf(fd, fd)))
		b.close(fd)
		_, m := b.recv(y, 2, 100, sock.MsgPeek)
		copies := b.fdsOf(&m)
		if len(copies) != 2 || gift.Closed() || b.f.inFlight.Load() != 2 {
			t.Fatalf("type %d: looked at %v, %d in flight", typ, copies, b.f.inFlight.Load())
		}
		b.close(copies[0])
		b.close(copies[1])
		_, m = b.recv(y, 2, sock.CmsgSpace(4)-4, 0)
		fds := b.fdsOf(&m)
		if len(fds) != 1 || m.Flags&sock.MsgCtrunc == 0 || gift.Closed() || b.f.inFlight.Load() != 0 {
			t.Errorf("type %d: %v, flags %#x, %d in flight", typ, fds, m.Flags, b.f.inFlight.Load())
		}
		b.must(send("d", rightsOf(fds[0])))
		b.close(fds[0])
		if gift.Closed() {
			t.Errorf("type %d: closed while it is in flight", typ)
		}
		b.must(y.Close())
		if !gift.Closed() || b.f.inFlight.Load() != 0 {
			t.Errorf("type %d: nobody closed what was in flight", typ)
		}
		want := map[int]error{sock.TypeStream: syscall.EPIPE, sock.TypeDgram: syscall.ECONNREFUSED, sock.TypeSeqpacket: syscall.ECONNRESET}
		b.fails("to nobody", send("e", nil), want[typ])
	}
}

func TestRightsRefused(t *testing.T) {
	b := newBed(t)
	x, y := b.pair(sock.TypeStream)
	gift, _ := b.pair(sock.TypeStream)
	fd := b.open(gift)
	many := make([]int, maxDescriptor+1)
	for i := range many {
		many[i] = fd
	}
	pid, uid, gid := uint32(os.Getpid()), uint32(os.Getuid()), uint32(os.Getgid())
	cred := func(v ...uint32) (b []byte) {
		for _, x := range v {
			b = binary.NativeEndian.AppendUint32(b, x)
		}
		return cmsg(syscall.SCM_CREDENTIALS, b)
	}
	for _, c := range []struct {
		what    string
		control []byte
		want    error
	}{
		{"no such descriptor", rightsOf(fd, 99), syscall.EBADF},
		{"too many", rightsOf(many...), syscall.EINVAL},
		{"an unknown message", cmsg(77, nil), syscall.EINVAL},
		{"a length that cannot be", bytes.Repeat([]byte{255}, 32), syscall.EINVAL},
		{"somebody else", cred(1, uid, gid), syscall.EPERM},
		{"short credentials", cred(pid), syscall.EINVAL},
		{"oneself", cred(pid, uid, gid), nil},
	} {
		_, err := x.SendMsg(&sock.Msg{Buf: []byte("x"), Control: c.control})
		b.fails(c.what, err, c.want)
	}
	for range maxInFlight / maxDescriptor {
		_, err := x.SendMsg(&sock.Msg{Buf: []byte("x"), Control: rightsOf(many[1:]...)})
		b.must(err)
	}
	_, err := x.SendMsg(&sock.Msg{Buf: []byte("x"), Control: rightsOf(many[1:]...)})
	b.fails("too many in flight", err, syscall.ETOOMANYREFS)
	y.Close()
	if b.f.inFlight.Load() != 0 || b.files[fd].held != 1 {
		t.Errorf("%d in flight, held %d times", b.f.inFlight.Load(), b.files[fd].held)
	}
}

// A socket that travels through itself is closed when both ends are.
func TestRightsCycle(t *testing.T) {
	b := newBed(t)
	x, y := b.pair(sock.TypeStream)
	fx, fy := b.open(x), b.open(y)
	_, err := x.SendMsg(&sock.Msg{Buf: []byte("1"), Control: rightsOf(fx, fy)})
	b.must(err)
	b.close(fx)
	b.close(fy)
	if x.Closed() || y.Closed() {
		t.Fatal("closed while in flight")
	}
	x.Close() // as the plane does when it ends
	y.Close()
	if b.f.inFlight.Load() != 0 {
		t.Errorf("%d in flight", b.f.inFlight.Load())
	}
}

// SO_PASSCRED says who sends; a socket without a name gets one.
func TestCredentials(t *testing.T) {
	b := newBed(t)
	for _, typ := range types {
		x, y := b.pair(typ)
		b.must(y.SetInt(syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1))
		_, err := x.Send([]byte("hello"), 0)
		b.must(err)
		got, m := b.recv(y, 10, 100, 0)
		c, _, more, err := sock.NextControl(m.Control[:m.NControl])
		want := credentials{int32(os.Getpid()), uint32(os.Getuid()), uint32(os.Getgid())}.bytes()
		if err != nil || !more || got != "hello" || !bytes.Equal(c.Data, want[:]) {
			t.Errorf("type %d: %q with %+v, %v", typ, got, c, err)
		}
		_, err = x.Send([]byte("hello"), 0)
		b.must(err)
		if _, m = b.recv(y, 10, 0, 0); m.Flags&sock.MsgCtrunc == 0 {
			t.Errorf("type %d: no room, but flags %#x", typ, m.Flags)
		}
	}
	s := b.socket(sock.TypeDgram)
	l := b.socket(sock.TypeDgram)
	b.must(l.Ops.Bind(l, sock.Name{Path: "l"}))
	b.must(s.SetInt(syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1))
	_, err := s.SendTo([]byte("x"), 0, sock.Name{Path: "l"})
	b.must(err)
	if n, _ := s.Ops.GetName(s, false); len(n.Path) != 6 {
		t.Errorf("name %q", n.Path)
	}
}

// Whoever waits is woken by data, by room, by a shutdown, by the peer's end, by a
// deadline and by its own.
func TestWaits(t *testing.T) {
	fill := func(s *sock.Socket) {
		for {
			if _, err := s.Send(make([]byte, 5000), sock.MsgDontwait); err == syscall.EAGAIN {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, typ := range types {
		for i, c := range []struct {
			what  string
			full  bool
			event func(x, y *sock.Socket)
			want  error
		}{
			{"data", false, func(_, y *sock.Socket) { y.Send([]byte("x"), 0) }, nil},
			{"the peer ends writing", false, func(_, y *sock.Socket) { y.Ops.Shutdown(y, syscall.SHUT_WR) }, nil},
			{"shutdown", false, func(x, _ *sock.Socket) { x.Ops.Shutdown(x, syscall.SHUT_RD) }, nil},
			{"a deadline", false, func(x, _ *sock.Socket) { x.Rd.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
			{"close", false, func(x, _ *sock.Socket) { x.Close() }, sock.ErrClosed},
			{"the peer's end", false, func(_, y *sock.Socket) { y.Close() }, nil},
			{"room", true, func(_, y *sock.Socket) {
				for range 100 {
					y.Recv(make([]byte, 9000), sock.MsgDontwait)
				}
			}, nil},
			{"the peer ends reading", true, func(_, y *sock.Socket) { y.Ops.Shutdown(y, syscall.SHUT_RD) }, syscall.EPIPE},
			{"shutdown", true, func(x, _ *sock.Socket) { x.Ops.Shutdown(x, syscall.SHUT_WR) }, syscall.EPIPE},
			{"a deadline", true, func(x, _ *sock.Socket) { x.Wr.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
			{"close", true, func(x, _ *sock.Socket) { x.Close() }, sock.ErrClosed},
			{"the peer's end", true, func(_, y *sock.Socket) { y.Close() }, syscall.EPIPE},
		} {
			if typ == sock.TypeDgram && (i == 1 || i == 5 || i == 7) {
				continue // it does not hear of it
			}
			b := newBed(t)
			x, y := b.pair(typ)
			if c.full {
				fill(x)
			}
			done := make(chan error)
			go func() {
				var err error
				if c.full {
					_, err = x.Send(make([]byte, 5000), 0)
				} else {
					_, err = x.Recv(make([]byte, 10), 0)
				}
				done <- err
			}()
			time.Sleep(2 * time.Millisecond)
			c.event(x, y)
			want := c.want
			if typ == sock.TypeDgram && i == 11 {
				want = syscall.ECONNREFUSED
			}
			if typ == sock.TypeSeqpacket && i == 11 { // it left without reading everything
				want = syscall.ECONNRESET
			}
			select {
			case err := <-done:
				b.fails(fmt.Sprintf("type %d, full %v: %s", typ, c.full, c.what), err, want)
			case <-time.After(10 * time.Second):
				t.Fatalf("type %d, full %v: %s wakes nobody", typ, c.full, c.what)
			}
			x.Close()
			y.Close()
		}
	}
}

// Many connect to one that accepts slowly, all at once; everybody gets through.
func TestBacklog(t *testing.T) {
	const clients = 50
	b := newBed(t)
	l := b.socket(sock.TypeSeqpacket)
	b.must(l.Ops.Bind(l, sock.Name{Path: "\x00l"}))
	b.must(l.Ops.Listen(l, 1))
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			s := b.socket(sock.TypeSeqpacket)
			if err := s.Ops.Connect(s, sock.Name{Path: "\x00l"}, 0); err != nil {
				t.Error(err)
			}
			s.Send([]byte{byte(i)}, 0)
			var got [10]byte
			if n, err := s.Recv(got[:], 0); n != 1 || got[0] != byte(i) {
				t.Errorf("%v, %v", got[:n], err)
			}
			s.Close()
		})
	}
	for range clients {
		c, err := l.Ops.Accept(l, 0)
		b.must(err)
		wg.Go(func() {
			var got [10]byte
			n, _ := c.Recv(got[:], 0)
			c.Send(got[:n], 0)
			c.Close()
		})
	}
	wg.Wait()
	done := make(chan error)
	go func() { _, err := l.Ops.Accept(l, 0); done <- err }()
	l.Close()
	b.fails("accept", <-done, sock.ErrClosed)
	if len(b.f.names) != 0 {
		t.Errorf("names are left: %v", b.f.names)
	}
}

// Reading and writing allocate nothing.
func TestAllocs(t *testing.T) {
	b := newBed(t)
	for _, typ := range types {
		x, y := b.pair(typ)
		p, m := make([]byte, 3000), &sock.Msg{}
		if n := testing.AllocsPerRun(500, func() {
			x.Send(p, 0)
			y.Recv(p, 0)
			x.Send(p, 0)
			m.Buf = p
			y.RecvMsg(m)
		}); n > 0 {
			t.Errorf("type %d: %v allocations", typ, n)
		}
	}
}
