package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// echoInside sends back what comes, as far as there is room; the rest waits in the
// receive ring.
type echoInside struct {
	NoHandler
	ends *atomic.Int32
}

func (h *echoInside) DataReady(c *Inside) {
	for {
		x, y, err := c.ReadBuffers(1)
		if err == syscall.EAGAIN {
			return
		}
		if err != nil {
			h.ends.Add(1)
			c.Close()
			return
		}
		for _, b := range [2][]byte{x, y} {
			n, err := c.Send(b)
			c.Release(n) //nolint:errcheck // so many are there
			if err != nil {
				return // WriteSpace or StateChange come
			}
		}
	}
}

func (h *echoInside) WriteSpace(c *Inside) { h.DataReady(c) }

// serveHandlers echoes on b's port 7 until the test ends, and returns how many
// connections have ended.
func serveHandlers(t testing.TB, b *Net) *atomic.Int32 {
	t.Helper()
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	ends := new(atomic.Int32)
	done := make(chan error, 1)
	go func() {
		done <- l.(*TCPListener).ServeHandler(func(*Inside) Handler { return &echoInside{ends: ends} })
	}()
	t.Cleanup(func() {
		l.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ServeHandler: %v", err)
		}
	})
	return ends
}

// TestHandlerEcho: messages, and more than the rings hold, come back whole.
func TestHandlerEcho(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		ends := serveHandlers(t, b)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				c := call(t, a)
				defer c.Close()
				buf := make([]byte, 1<<20)
				for k := range 50 {
					exchange(t, c, fmt.Appendf(nil, "message %d of %d", k, i), buf)
				}
				big := bytes.Repeat([]byte{byte(i)}, len(buf))
				go c.Write(big) //nolint:errcheck // the reader sees
				if _, err := io.ReadFull(c, buf); err != nil || !bytes.Equal(buf, big) {
					t.Error("the big message is damaged:", err)
				}
			})
		}
		wg.Wait()
		eventually(t, "all ends were seen", func() bool { return ends.Load() == 20 })
	})
}

// udpEcho sends each datagram back to where it came from.
type udpEcho struct {
	NoDatagrams
	t testing.TB
}

func (h udpEcho) Datagram(c *Inside, b []byte) {
	if err := c.Reply(b); err != nil {
		h.t.Errorf("to %v: %v", c.From(), err)
	}
}

func (h udpEcho) ErrorReport(_ *Inside, err syscall.Errno) { h.t.Error(err) }

func TestHandlerDatagrams(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		pc, err := b.ListenPacket("udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		cores := make(map[int]bool)
		var mu sync.Mutex
		if err := pc.(*UDPConn).Handle(func(c *Inside) DatagramHandler {
			mu.Lock()
			defer mu.Unlock()
			cores[c.Lcore()] = true
			return udpEcho{t: t}
		}); err != nil {
			t.Fatal(err)
		}
		if len(cores) != len(b.host.Stacks()) {
			t.Errorf("on %d lcores of %d", len(cores), len(b.host.Stacks()))
		}
		for _, n := range []int{0, 1, 64, 1400, 9000} { // the last in fragments
			c, err := a.Dial("udp", "10.0.0.2:7")
			if err != nil {
				t.Fatal(err)
			}
			soon(t, c)
			buf := make([]byte, 10000)
			for k := range 40 {
				msg := bytes.Repeat([]byte{byte(k)}, n)
				c.Write(msg) //nolint:errcheck // the reader sees
				if got, err := c.Read(buf); err != nil || !bytes.Equal(buf[:got], msg) {
					t.Fatalf("%d bytes of %d, %v", got, n, err)
				}
			}
			c.Close()
		}
		if _, _, err := pc.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a goroutine's read: %v", err)
		}
		if err := pc.(*UDPConn).Handle(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a second Handle: %v", err)
		}
		if err := pc.Close(); err != nil {
			t.Error(err)
		}
	})
}

// asker sends a question and collects the answer until the end of the stream.
type asker struct {
	NoHandler
	got  []byte
	done chan string
}

func (a *asker) DataReady(c *Inside) {
	b := make([]byte, 100)
	for {
		n, err := c.Recv(b)
		a.got = append(a.got, b[:n]...)
		if err == syscall.EAGAIN {
			return
		}
		if err != nil {
			a.done <- fmt.Sprintf("%s, %v", a.got, err)
			c.Close()
			return
		}
	}
}

// TestHandlerDials: an outgoing connection becomes a Handler's.
func TestHandlerDials(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveHandlers(t, b)
		c := call(t, a).(*TCPConn)
		h := &asker{done: make(chan string, 1)}
		err := c.Handle(func(in *Inside) Handler {
			if in.RemoteAddr() != netip.MustParseAddrPort("10.0.0.2:7") || in.LocalAddr().Addr() != netip.MustParseAddr("10.0.0.1") {
				t.Error(in.LocalAddr(), in.RemoteAddr())
			}
			in.Send([]byte("question")) //nolint:errcheck // the answer shows
			in.CloseWrite()             //nolint:errcheck // as above
			return h
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-h.done; got != "question, EOF" {
			t.Error(got)
		}
	})
}

// panicky is a Handler with a fault.
type panicky struct{ NoHandler }

func (panicky) DataReady(*Inside) { panic("as it was told") }

func TestHandlerPanic(t *testing.T) {
	log := new(logged)
	a, b := pipe(t, Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go l.(*TCPListener).ServeHandler(func(c *Inside) Handler { //nolint:errcheck // ends with l
		if c.Lcore() < 0 {
			return nil
		}
		return panicky{}
	})
	c := call(t, a)
	defer c.Close()
	c.Write([]byte("die"))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	eventually(t, "it is logged", func() bool { return log.has("as it was told") && log.has("handler_test.go") })
}

// TestHandlerClose: the plane ends while handlers have connections.
func TestHandlerClose(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b, err := Pipe(cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			done <- l.(*TCPListener).ServeHandler(func(*Inside) Handler { return &echoInside{ends: new(atomic.Int32)} })
		}()
		buf := make([]byte, 10)
		for range 10 {
			exchange(t, call(t, a), []byte("hello"), buf)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestHandlerDoesNotAllocate: neither way, on either kind of socket.
func TestHandlerDoesNotAllocate(t *testing.T) {
	overHosts(t, func(t *testing.T, a, b *Net, h host) {
		serveHandlers(t, b)
		pc, err := b.ListenPacket("udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		if err := pc.(*UDPConn).Handle(func(*Inside) DatagramHandler { return udpEcho{t: t} }); err != nil {
			t.Fatal(err)
		}
		u, err := a.Dial("udp", h.b+":7")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, u)
		s, err := a.Dial("tcp", h.b+":7")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, s)
		msg, buf := make([]byte, 64), make([]byte, 64)
		for _, c := range []net.Conn{s, u} {
			for range 200 {
				exchange(t, c, msg, buf)
			}
			if n := testing.AllocsPerRun(rounds(1000), func() { exchange(t, c, msg, buf) }); n != 0 {
				t.Errorf("%T: %v allocations for a message there and back", c, n)
			}
		}
	})
}
