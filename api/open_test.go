package api

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/wire"
	"dataplane/tcp"
)

// leftovers are what a plane that is gone must not leave behind.
type leftovers struct{ goroutines, fds int }

func count(t testing.TB) leftovers {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return leftovers{runtime.NumGoroutine(), len(fds)}
}

// nothingLeft waits until the process is as it was. Goroutines may still be on
// their way out.
func nothingLeft(t testing.TB, before leftovers) {
	t.Helper()
	var now leftovers
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if now = count(t); now.goroutines <= before.goroutines && now.fds <= before.fds {
			return
		}
	}
	buf := make([]byte, 1<<20)
	t.Errorf("before %+v, now %+v\n%s", before, now, buf[:runtime.Stack(buf, true)])
}

// cable is a port of ours that knows whether it was closed.
type cable struct {
	pmd.Port
	failStart bool
	closed    bool
}

func (c *cable) Start(pools []*mbuf.Pool) error {
	if c.failStart {
		return errors.New("does not start")
	}
	return c.Port.Start(pools)
}

func (c *cable) Close() error {
	c.closed = true
	return c.Port.Close()
}

// cables returns n ports; their far ends are closed with the test.
func cables(t *testing.T, n int) []*cable {
	t.Helper()
	var out []*cable
	for range n {
		a, b, err := wire.Pair(wire.Config{}, wire.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		out = append(out, &cable{Port: a})
	}
	return out
}

var prefix = netip.MustParsePrefix("10.9.0.1/24")

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want string // in the error
	}{
		{"few buffers", Config{Buffers: 10}, "at least 256"},
		{"no buffers", Config{Buffers: -1}, "at least 256"},
		{"data room", Config{DataRoom: -5}, ""},
		{"one CPU twice", Config{Lcores: []int{1, 1}}, "another CPU"},
		{"negative CPU", Config{Lcores: []int{-7}}, "another CPU"},
		{"CPU that is not there", Config{Lcores: []int{9999}, Mode: lcore.Locked}, "9999"},
		{"too many lcores", Config{Lcores: make([]int, 1000)}, ""},
		{"no driver", Config{Ports: []Port{{}}}, "no driver"},
		{"unknown driver", Config{Ports: []Port{{Driver: "warp"}}}, "tap"},
		{"bad device", Config{Ports: []Port{{Driver: "wire", Device: "nonsense"}}}, "name:0"},
		{"MTU", Config{Ports: []Port{{Driver: "wire", Device: "x:0", MTU: 10}}}, "68"},
		{"VLAN", Config{Ports: []Port{{Driver: "wire", Device: "x:0", VLAN: 5000}}}, "4094"},
		{"no prefix", Config{Ports: []Port{{Driver: "wire", Device: "x:0", Addrs: []netip.Prefix{{}}}}}, "prefix"},
		{"multicast", Config{Ports: []Port{{Driver: "wire", Device: "x:0", Addrs: []netip.Prefix{netip.MustParsePrefix("224.0.0.1/24")}}}}, "own"},
		{"address twice", Config{Ports: []Port{{Driver: "wire", Device: "x:0", Addrs: []netip.Prefix{prefix, prefix}}}}, "twice"},
		{"gateway", Config{Ports: []Port{{Driver: "wire", Device: "x:0", Addrs: []netip.Prefix{prefix}, Gateway: netip.MustParseAddr("10.8.0.1")}}}, "gateway"},
		{"route", Config{Routes: []Route{{Dst: prefix, Via: netip.MustParseAddr("10.8.0.1")}}}, "10.8.0.1"},
		{"congestion control", Config{Mode: lcore.Locked, TCP: tcp.Config{Congestion: "hope"}}, "hope"},
		{"congestion control, shared", Config{Mode: lcore.Shared, TCP: tcp.Config{Congestion: "hope"}}, "hope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := count(t)
			extra := cables(t, 2)
			extra[0].failStart = len(c.cfg.Ports) == 0 && c.want == "" // unless something else goes wrong first
			cfg := c.cfg
			cfg.Ports = append([]Port{{Opened: extra[0]}}, cfg.Ports...)
			cfg.Ports = append(cfg.Ports, Port{Opened: extra[1]})
			n, err := Open(cfg)
			if err == nil {
				n.Close()
				t.Fatal("it runs")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not speak of %q, or has more than one line", err, c.want)
			}
			for i, x := range extra {
				if !x.closed {
					t.Errorf("port %d was not closed", i)
				}
			}
			nothingLeft(t, before)
		})
	}
}

func TestOpenPortFails(t *testing.T) {
	for _, c := range []string{"start", "wrap"} {
		before := count(t)
		x := cables(t, 3)
		ports := []Port{{Opened: x[0]}, {Opened: x[1]}, {Opened: x[2]}}
		if c == "start" {
			x[1].failStart = true
		} else {
			ports[1].Wrap = func(pmd.Port) (pmd.Port, error) { return nil, errors.New("does not fit") }
		}
		if _, err := Open(Config{Ports: ports}); err == nil {
			t.Fatal("it runs")
		}
		for i := range x {
			if !x[i].closed {
				t.Errorf("%s: port %d was not closed", c, i)
			}
		}
		nothingLeft(t, before)
	}
}

func TestPlaneLeavesNothing(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		before := count(t)
		a, b, err := Pipe(cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			c, err := a.Dial("tcp", "10.0.0.2:80")
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(time.Hour))
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			s.Write([]byte("nobody reads this"))
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error("second Close:", err)
		}
		nothingLeft(t, before)
	})
}

// Close of a plane ends every call that waits in it.
func TestCloseWithBlockedUsers(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		before := count(t)
		a, b, err := Pipe(cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, _ := b.Listen("tcp", ":80")
		p, _ := b.ListenPacket("udp", ":80")
		c, err := a.Dial("tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s.(*TCPConn).SetLinger(3600) // does not hold up the plane
		s.Write(make([]byte, 100))
		var wg sync.WaitGroup
		ended := func(what string, f func() error) {
			wg.Go(func() {
				if err := f(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v, want net.ErrClosed", what, err)
				}
			})
		}
		one := make([]byte, 1)
		ended("accept", func() error { _, err := l.Accept(); return err })
		ended("read", func() error { _, err := s.Read(one); return err })
		ended("write", func() error { _, err := s.Write(lots); return err })
		ended("readfrom", func() error { _, _, err := p.ReadFrom(one); return err })
		ended("dial", func() error { _, err := b.Dial("tcp", "10.0.0.99:1"); return err })
		time.Sleep(50 * time.Millisecond)
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("Close took %v", d)
		}
		c.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		nothingLeft(t, before)
	})
}

func TestUseAfterClose(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := b.Listen("tcp", ":80")
	c, err := a.Dial("tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := a.ListenPacket("udp", ":80")
	var wg sync.WaitGroup
	for range 3 { // at once, too
		wg.Go(func() { a.Close() })
	}
	wg.Wait()
	closed := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v, want net.ErrClosed", what, err)
		}
	}
	_, err = a.Dial("tcp", "10.0.0.2:80")
	closed("dial", err)
	_, err = a.Dial("udp", "10.0.0.2:80")
	closed("dial UDP", err)
	_, err = a.Listen("tcp", ":0")
	closed("listen", err)
	_, err = a.ListenPacket("udp", ":0")
	closed("packet", err)
	_, err = c.Read(make([]byte, 1))
	closed("read", err)
	_, err = c.Write(make([]byte, 1))
	closed("write", err)
	_, err = p.WriteTo(make([]byte, 1), p.LocalAddr())
	closed("writeto", err)
	closed("close", c.Close())
	a.Stats()
	a.Ports()
	a.Mode()
	if used, _ := a.Buffers(); used != 0 {
		t.Errorf("%d buffers in use", used)
	}
	b.Close()
	closed("accept", func() error { _, err := l.Accept(); return err }())
}

// Planes in one process know nothing of each other.
func TestTwoPlanes(t *testing.T) {
	x, y := open(t, Config{Mode: lcore.Shared}), open(t, Config{Mode: lcore.Shared})
	lx, err := x.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer lx.Close()
	if _, err := y.Dial("tcp", "127.0.0.1:80"); err == nil {
		t.Error("another plane's loopback answers")
	}
	ly, err := y.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	ly.Close()
}
