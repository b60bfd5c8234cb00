package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/lcore"
)

// The tests named TestAsNet… run one scenario over package net and the kernel,
// and over planes, and compare what it wrote down. Package net is the measure.

// world is somewhere to dial and listen.
type world struct {
	testing.TB
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	listen    func(network, address string) (net.Listener, error)
	packet    func(network, address string) (net.PacketConn, error)
	host      string // of those who listen, as those who dial know it
	blackhole string // an address that does not answer; "": there is none
	lines     []string
	moment    time.Duration // which lets what is on its way arrive, and calls block
}

// settle lets what is on its way arrive.
func (w *world) settle() { time.Sleep(w.moment) }

func (w *world) logf(format string, a ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, a...))
}

// result writes down what a call returned.
func (w *world) result(what string, n int, err error) {
	w.logf("%s: %d, %s", what, n, describe(err))
}

func (w *world) err(what string, err error) { w.logf("%s: %s", what, describe(err)) }

// identities are what a program asks errors.Is for.
var identities = []error{
	net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded, net.ErrWriteToConnected,
	io.EOF, io.ErrUnexpectedEOF,
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EADDRINUSE, syscall.EADDRNOTAVAIL, syscall.ENOTCONN,
	syscall.EMSGSIZE, syscall.EINVAL, syscall.EDESTADDRREQ, syscall.EACCES, syscall.ETIMEDOUT, syscall.EHOSTUNREACH,
	syscall.ENETUNREACH, syscall.EAGAIN, syscall.ECONNABORTED,
}

// describe is all of err that a program may look at, without addresses.
func describe(err error) string {
	if err == nil || err == io.EOF {
		return fmt.Sprint(err)
	}
	var b strings.Builder
	for e := err; ; {
		op, ok := e.(*net.OpError)
		if !ok {
			if _, own := e.(*net.AddrError); !own { // its text names the address
				fmt.Fprintf(&b, "%q", e.Error())
			}
			fmt.Fprintf(&b, " syscall %v", errors.As(e, new(*os.SyscallError)))
			break
		}
		fmt.Fprintf(&b, "%s %s %s %s: ", op.Op, op.Net, kind(op.Source), kind(op.Addr))
		e = op.Err
	}
	for _, id := range identities {
		if errors.Is(err, id) {
			if dial := strings.HasPrefix(b.String(), "dial"); dial && (id == os.ErrDeadlineExceeded || id == context.DeadlineExceeded) {
				b.WriteString(" is a deadline")
				break // package net returns now one, now the other
			}
			fmt.Fprintf(&b, " is %v", id)
		}
	}
	if ne, ok := err.(net.Error); ok {
		fmt.Fprintf(&b, " timeout %v", ne.Timeout())
	}
	if te, ok := err.(interface{ Temporary() bool }); ok { // deprecated, but programs ask for it
		fmt.Fprintf(&b, " temporary %v", te.Temporary())
	}
	var ae *net.AddrError
	var ue net.UnknownNetworkError
	fmt.Fprintf(&b, " addr %v unknown %v", errors.As(err, &ae), errors.As(err, &ue))
	return b.String()
}

// kind is the type of an address: package net has types of its own beside
// *net.UDPAddr.
func kind(a net.Addr) string {
	if a == nil {
		return "nobody"
	}
	return a.Network()
}

// moments: on a busy machine things may come later than a scenario waits for, so what
// differs is tried again with longer ones.
var moments = []time.Duration{30 * time.Millisecond, 200 * time.Millisecond, 600 * time.Millisecond}

// asNet runs a scenario everywhere.
func asNet(t *testing.T, scenario func(w *world)) {
	wants := make(map[time.Duration][]string)
	for _, k := range []struct {
		name  string
		world func(t *testing.T) *world
	}{
		{"loopback", loopbackWorld(Config{Mode: lcore.Shared})},
		{"loopback, two lcores", loopbackWorld(Config{Mode: lcore.Shared, Lcores: []int{AnyCPU, AnyCPU}})},
		{"wire", pipeWorld(Config{Mode: lcore.Shared})},
		{"wire, locked", pipeWorld(Config{Mode: lcore.Locked})},
		{"wire, two lcores", pipeWorld(Config{Mode: lcore.Shared, Lcores: []int{AnyCPU, AnyCPU}})},
	} {
		t.Run(k.name, func(t *testing.T) {
			for i, m := range moments {
				if wants[m] == nil {
					wants[m] = kernel(t).play(scenario, m)
				}
				say := t.Logf
				if i == len(moments)-1 {
					say = t.Errorf
				}
				if sameLines(say, k.world(t).play(scenario, m), wants[m]) {
					return
				}
			}
		})
	}
}

// play runs a scenario in this world, and returns what it wrote down.
func (w *world) play(scenario func(w *world), moment time.Duration) []string {
	w.moment = moment
	scenario(w)
	return w.lines
}

func sameLines(say func(format string, a ...any), got, want []string) bool {
	for i := range max(len(got), len(want)) {
		if a, b := line(got, i), line(want, i); a != b {
			say("line %d:\n plane  %s\n kernel %s", i, a, b)
		}
	}
	return slices.Equal(got, want)
}

func line(l []string, i int) string {
	if i < len(l) {
		return l[i]
	}
	return "(nothing)"
}

func kernel(t *testing.T) *world {
	var d net.Dialer
	return &world{TB: t, dial: d.DialContext, listen: net.Listen, packet: net.ListenPacket, host: "127.0.0.1", blackhole: deafListener(t)}
}

// deafListener is a kernel's listener whose queue is full.
func deafListener(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for range 3 {
		if c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond); err == nil {
			t.Cleanup(func() { c.Close() })
		}
	}
	return addr
}

func loopbackWorld(cfg Config) func(t *testing.T) *world {
	return func(t *testing.T) *world {
		n := open(t, cfg)
		return &world{TB: t, dial: n.DialContext, listen: n.Listen, packet: n.ListenPacket, host: "127.0.0.1"}
	}
}

func pipeWorld(cfg Config) func(t *testing.T) *world {
	return func(t *testing.T) *world {
		a, b := pipe(t, cfg)
		return &world{TB: t, dial: a.DialContext, listen: b.Listen, packet: b.ListenPacket, host: "10.0.0.2", blackhole: "10.0.0.99:9"}
	}
}

// on is host:port of those who listen.
func (w *world) on(port int) string { return net.JoinHostPort(w.host, fmt.Sprint(port)) }

// server listens for TCP until the end of the test.
func (w *world) server() net.Listener {
	w.Helper()
	l, err := w.listen("tcp4", w.on(0))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	return l
}

// closedPort is where nobody listens.
func (w *world) closedPort() string {
	l := w.server()
	addr := l.Addr().String()
	l.Close()
	return addr
}

// pair is a TCP connection, both ends, with deadlines against hanging.
func (w *world) pair() (c, s net.Conn) {
	w.Helper()
	l := w.server()
	defer l.Close()
	c, err := w.dial(w.Context(), "tcp4", l.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	s, err = l.Accept()
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close(); s.Close() })
	soon(w, c)
	soon(w, s)
	return c, s
}

// udpPair is a dialled UDP socket and the one it talks to.
func (w *world) udpPair() (c, s net.PacketConn) {
	w.Helper()
	s, err := w.packet("udp4", w.on(0))
	if err != nil {
		w.Fatal(err)
	}
	d, err := w.dial(w.Context(), "udp4", s.LocalAddr().String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { d.Close(); s.Close() })
	soon(w, d)
	soon(w, s)
	return d.(net.PacketConn), s
}

// blocked lets f run in a goroutine, long enough to block, then calls cut and
// waits for f.
func (w *world) blocked(f, cut func()) {
	w.Helper()
	started, done := make(chan bool), make(chan bool)
	go func() { close(started); f(); close(done) }()
	<-started
	w.settle()
	cut()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		w.Fatal("the call still blocks")
	}
}

// What both kinds of connections have beyond net.Conn.
type tcpConn interface {
	net.Conn
	io.ReaderFrom
	io.WriterTo
	CloseRead() error
	CloseWrite() error
	SetLinger(sec int) error
	SetNoDelay(bool) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

var (
	_ tcpConn = (*net.TCPConn)(nil)
	_ tcpConn = (*TCPConn)(nil)
)
