package api

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// bsd is a socket of either kind, so that one scenario runs over the kernel and
// over the plane.
type bsd interface {
	Bind(unix.Sockaddr) error
	Connect(unix.Sockaddr) error
	Listen(int) error
	Accept() (bsd, unix.Sockaddr, error)
	Sendto([]byte, int, unix.Sockaddr) (int, error)
	Recvfrom([]byte, int) (int, unix.Sockaddr, error)
	Shutdown(int) error
	Getsockname() (unix.Sockaddr, error)
	Getpeername() (unix.Sockaddr, error)
	SetsockoptInt(level, opt, value int) error
	GetsockoptInt(level, opt int) (int, error)
	SetsockoptLinger(level, opt int, l *unix.Linger) error
	Close() error
}

type planeSocket struct{ *testSocket }

func (p planeSocket) Accept() (bsd, unix.Sockaddr, error) {
	s, sa, err := p.Accept4(0)
	return planeSocket{s}, sa, err
}

// fdSocket is the kernel's.
type fdSocket int

func (f fdSocket) Bind(sa unix.Sockaddr) error    { return unix.Bind(int(f), sa) }
func (f fdSocket) Connect(sa unix.Sockaddr) error { return unix.Connect(int(f), sa) }
func (f fdSocket) Listen(n int) error             { return unix.Listen(int(f), n) }
func (f fdSocket) Accept() (bsd, unix.Sockaddr, error) {
	n, sa, err := unix.Accept4(int(f), unix.SOCK_CLOEXEC)
	return fdSocket(n), sa, err
}
func (f fdSocket) Sendto(p []byte, flags int, to unix.Sockaddr) (int, error) {
	return unix.SendmsgN(int(f), p, nil, to, flags)
}
func (f fdSocket) Recvfrom(p []byte, flags int) (int, unix.Sockaddr, error) {
	return unix.Recvfrom(int(f), p, flags)
}
func (f fdSocket) Shutdown(how int) error              { return unix.Shutdown(int(f), how) }
func (f fdSocket) Getsockname() (unix.Sockaddr, error) { return unix.Getsockname(int(f)) }
func (f fdSocket) Getpeername() (unix.Sockaddr, error) { return unix.Getpeername(int(f)) }
func (f fdSocket) SetsockoptInt(level, opt, v int) error {
	return unix.SetsockoptInt(int(f), level, opt, v)
}
func (f fdSocket) GetsockoptInt(level, opt int) (int, error) {
	return unix.GetsockoptInt(int(f), level, opt)
}
func (f fdSocket) SetsockoptLinger(level, opt int, l *unix.Linger) error {
	return unix.SetsockoptLinger(int(f), level, opt, l)
}
func (f fdSocket) Close() error { return unix.Close(int(f)) }

// bsdWorld writes down what a scenario finds.
type bsdWorld struct {
	testing.TB
	make   func(typ int) (bsd, error)
	lines  []string
	moment time.Duration // as a world's
}

func (w *bsdWorld) logf(format string, a ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, a...))
}

// call writes down an errno by its name.
func (w *bsdWorld) call(what string, err error) {
	var e unix.Errno
	if err != nil && !errors.As(err, &e) {
		w.Errorf("%s: %v is no errno", what, err)
	}
	w.logf("%s: %s", what, unix.ErrnoName(e))
}

func (w *bsdWorld) io(what string, n int, err error) {
	w.call(fmt.Sprintf("%s: %d", what, max(n, 0)), err)
}

func (w *bsdWorld) socket(typ int) bsd {
	w.Helper()
	s, err := w.make(typ)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { s.Close() })
	return s
}

func local(port int) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
}

func same(a, b unix.Sockaddr) bool {
	x, y := a.(*unix.SockaddrInet4), b.(*unix.SockaddrInet4)
	return x.Addr == y.Addr && x.Port == y.Port
}

// listening returns a listener and its address.
func (w *bsdWorld) listening() (bsd, unix.Sockaddr) {
	w.Helper()
	l := w.socket(unix.SOCK_STREAM)
	if err := errors.Join(l.Bind(local(0)), l.Listen(5)); err != nil {
		w.Fatal(err)
	}
	sa, err := l.Getsockname()
	if err != nil {
		w.Fatal(err)
	}
	return l, sa
}

func (w *bsdWorld) streams() (c, s bsd) {
	w.Helper()
	l, sa := w.listening()
	c = w.socket(unix.SOCK_STREAM)
	if err := c.Connect(sa); err != nil {
		w.Fatal(err)
	}
	s, _, err := l.Accept()
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { s.Close() })
	return c, s
}

// asBSD runs a scenario over the kernel and over a plane's loopback.
func asBSD(t *testing.T, scenario func(w *bsdWorld)) {
	for name, cfg := range map[string]Config{
		"one lcore":  {Mode: lcore.Shared},
		"two lcores": {Mode: lcore.Shared, Lcores: []int{AnyCPU, AnyCPU}},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, cfg)
			for i, m := range moments {
				want := &bsdWorld{TB: t, moment: m, make: func(typ int) (bsd, error) {
					fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
					return fdSocket(fd), err
				}}
				scenario(want)
				w := &bsdWorld{TB: t, moment: m, make: func(typ int) (bsd, error) {
					s, err := n.testSocket(unix.AF_INET, typ, 0)
					return planeSocket{s}, err
				}}
				scenario(w)
				say := t.Logf
				if i == len(moments)-1 {
					say = t.Errorf
				}
				if sameLines(say, w.lines, want.lines) {
					return
				}
			}
		})
	}
}

func TestAsBSDStates(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		b := make([]byte, 10)
		s := w.socket(unix.SOCK_STREAM)
		n, err := s.Sendto(b, unix.MSG_NOSIGNAL, nil)
		w.io("send unconnected", n, err)
		n, _, err = s.Recvfrom(b, 0)
		w.io("receive unconnected", n, err)
		w.call("shutdown unconnected", s.Shutdown(unix.SHUT_RDWR))
		_, err = s.Getpeername()
		w.call("peer of unconnected", err)
		sa, err := s.Getsockname()
		w.call("name of unbound", err)
		w.logf("%v", sa)
		w.call("bind foreign", s.Bind(&unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}}))
		w.call("bind", s.Bind(local(0)))
		w.call("bind again", s.Bind(local(0)))
		_, _, err = s.Accept()
		w.call("accept without listen", err)
		w.call("listen", s.Listen(1))
		w.call("listen again", s.Listen(2))
		sa, _ = s.Getsockname()
		x := w.socket(unix.SOCK_STREAM)
		w.call("bind to a taken port", x.Bind(sa))
		w.call("listen unbound", x.Listen(0))
		sb, _ := x.Getsockname()
		w.logf("got a port: %v", sb.(*unix.SockaddrInet4).Port != 0)

		c := w.socket(unix.SOCK_STREAM)
		w.call("connect", c.Connect(sa))
		w.call("connect again", c.Connect(sa))
		w.call("listen when connected", c.Listen(1))
		w.call("bind when connected", c.Bind(local(0)))
		w.call("shutdown how", c.Shutdown(7))
		a, from, err := s.Accept()
		w.call("accept", err)
		mine, _ := c.Getsockname()
		w.logf("from the client: %v", same(from, mine))
		w.call("close", a.Close())
		w.call("close", s.Close())
		w.call("connect to a closed port", w.socket(unix.SOCK_STREAM).Connect(sa))
		d := w.socket(unix.SOCK_STREAM)
		w.call("refused", d.Connect(sa))
		l, la := w.listening()
		w.call("connect after it was refused", d.Connect(la))
		w.call("close", l.Close())
	})
}

func TestAsBSDStream(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		c, s := w.streams()
		b := make([]byte, 10)
		n, _, err := s.Recvfrom(b, unix.MSG_DONTWAIT)
		w.io("nothing there", n, err)
		n, err = c.Sendto([]byte("hello"), 0, nil)
		w.io("send", n, err)
		n, from, err := s.Recvfrom(b, unix.MSG_PEEK)
		w.io("peek "+string(b[:max(n, 0)]), n, err)
		w.logf("%v", from)
		done := make(chan bool)
		go func() {
			n, _, err := s.Recvfrom(b, unix.MSG_WAITALL|unix.MSG_PEEK)
			w.io("peek all "+string(b[:max(n, 0)]), n, err)
			n, _, err = s.Recvfrom(b, unix.MSG_WAITALL)
			w.io("all "+string(b[:max(n, 0)]), n, err)
			close(done)
		}()
		time.Sleep(w.moment)
		c.Sendto([]byte("world"), 0, nil)
		<-done
		c.Sendto([]byte("end"), 0, nil)
		w.call("shutdown", c.Shutdown(unix.SHUT_WR))
		n, _, err = s.Recvfrom(b, unix.MSG_WAITALL)
		w.io("all there is "+string(b[:max(n, 0)]), n, err)
		for range 2 {
			n, _, err = s.Recvfrom(b, unix.MSG_PEEK)
			w.io("peek at the end", n, err)
			n, _, err = s.Recvfrom(b, 0)
			w.io("the end", n, err)
		}
		n, err = c.Sendto(b, unix.MSG_NOSIGNAL, nil)
		w.io("send after shutdown", n, err)
		for err = nil; err == nil; { // until nothing more goes in
			_, err = s.Sendto(make([]byte, 1<<20), unix.MSG_DONTWAIT, nil)
		}
		w.call("full", err)

		c, s = w.streams()
		w.call("linger", s.SetsockoptLinger(unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
		w.call("reset", s.Close())
		time.Sleep(w.moment)
		e, err := c.GetsockoptInt(unix.SOL_SOCKET, unix.SO_ERROR)
		w.call("SO_ERROR", err)
		w.call("pending", unix.Errno(e))
		e, _ = c.GetsockoptInt(unix.SOL_SOCKET, unix.SO_ERROR)
		w.call("taken", unix.Errno(e))
		n, _, err = c.Recvfrom(b, 0)
		w.io("receive", n, err)
		n, err = c.Sendto(b, unix.MSG_NOSIGNAL, nil)
		w.io("send", n, err)

		c, s = w.streams() // MSG_PEEK of an error
		s.SetsockoptLinger(unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		s.Close()
		time.Sleep(w.moment)
		n, _, err = c.Recvfrom(b, unix.MSG_PEEK)
		w.io("peek at a reset", n, err)
	})
}
