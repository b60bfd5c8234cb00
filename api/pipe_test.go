package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/pmd/wire"
)

// pipe returns two planes on a wire, closed (and accounted for) at the end of
// the test.
func pipe(t testing.TB, cfg Config) (a, b *Net) {
	t.Helper()
	a, b, err := Pipe(cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	closeBoth(t, a, b)
	return a, b
}

// badPipe is pipe with a wire that loses, doubles and swaps frames.
func badPipe(t testing.TB, cfg Config) (a, b *Net) {
	t.Helper()
	pa, pb, err := wire.Pair(wire.Config{}, wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	plane := func(p pmd.Port, addr string, seed uint64) *Net {
		c := cfg
		c.Ports = []Port{{Opened: p, Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}, Wrap: lossy(seed)}}
		n, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b = plane(pa, "10.0.0.1/24", 1), plane(pb, "10.0.0.2/24", 2)
	closeBoth(t, a, b)
	return a, b
}

// closeBoth closes two planes with the test.
func closeBoth(t testing.TB, a, b *Net) {
	t.Cleanup(func() {
		done := make(chan error)
		for _, n := range []*Net{a, b} { // at once: each waits for the other's last acknowledgements
			go func() { done <- n.Close() }()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
}

// open returns a plane with a loopback only, closed (and accounted for) at the
// end of the test.
func open(t testing.TB, cfg Config) *Net {
	t.Helper()
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// setups are the ways to run a plane that every behaviour must hold in.
func setups(t *testing.T, f func(t *testing.T, cfg Config)) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"shared", Config{Mode: lcore.Shared}},
		{"locked", Config{Mode: lcore.Locked}},
		{"two lcores", Config{Mode: lcore.Shared, Lcores: []int{AnyCPU, AnyCPU}}},
	} {
		t.Run(c.name, func(t *testing.T) { f(t, c.cfg) })
	}
}

// soon bounds a test's waits.
func soon(t testing.TB, c interface{ SetDeadline(time.Time) error }) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func TestUDPEcho(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		srv, err := b.ListenPacket("udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			buf := make([]byte, 2000)
			for {
				n, from, err := srv.ReadFrom(buf)
				if err != nil {
					return
				}
				srv.WriteTo(buf[:n], from)
			}
		}()
		c, err := a.Dial("udp", "10.0.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, c)
		buf := make([]byte, 2000)
		for i := range 100 {
			want := fmt.Sprintf("datagram %d", i)
			if _, err := io.WriteString(c, want); err != nil {
				t.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil || string(buf[:n]) != want {
				t.Fatalf("%q, %v; want %q", buf[:n], err, want)
			}
		}
	})
}

func TestTCPEcho(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		go echoes(l)
		c, err := a.Dial("tcp", "10.0.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, c)
		sent := make([]byte, 3<<20)
		for i := range sent {
			sent[i] = byte(i * i >> 7)
		}
		go func() {
			c.Write(sent)
			c.(*TCPConn).CloseWrite()
		}()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != string(sent) {
			t.Fatalf("%d bytes came back of %d, %v", len(got), len(sent), err)
		}
		c.Close()
	})
}

func TestHTTP(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello "+r.URL.Path) }))
		tr := &http.Transport{DialContext: a.DialContext}
		defer tr.CloseIdleConnections()
		c := http.Client{Transport: tr, Timeout: 20 * time.Second}
		for i := range 50 {
			resp, err := c.Get(fmt.Sprintf("http://10.0.0.2/%d", i))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(body) != fmt.Sprintf("hello /%d", i) {
				t.Fatalf("%q", body)
			}
		}
	})
}

func TestLoopback(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err == nil {
				io.Copy(c, c)
				c.Close()
			}
		}()
		c, err := n.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		soon(t, c)
		io.WriteString(c, "round")
		c.(*TCPConn).CloseWrite()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "round" {
			t.Fatalf("%q, %v", got, err)
		}
		var _ net.Conn = c
	})
}
