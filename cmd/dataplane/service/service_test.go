package service

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// kernel is package net as a Network.
type kernel struct{}

func (kernel) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (kernel) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

// start starts services that are stopped at the end of the test.
func start(t *testing.T, specs ...Spec) *Set {
	t.Helper()
	s, err := Start(kernel{}, specs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(s, 20*time.Second) })
	return s
}

func stop(s *Set, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	s.Stop(ctx)
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func TestEcho(t *testing.T) {
	s := start(t, Spec{"echo", "127.0.0.1:0"})
	a := s.Addrs("echo")
	tcp := dial(t, a[0])
	sent := bytes.Repeat([]byte("0123456789"), 200_000)
	go func() {
		tcp.Write(sent)
		tcp.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(tcp); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("tcp: %d of %d bytes, %v", len(got), len(sent), err)
	}
	udp := dial(t, a[1])
	for _, n := range []int{0, 1, 1400, 9000} {
		udp.Write(sent[:n])
		b := make([]byte, 10000)
		if got, err := udp.Read(b); err != nil || !bytes.Equal(b[:got], sent[:n]) {
			t.Errorf("udp: %d of %d bytes, %v", got, n, err)
		}
	}
}

// Two echo services must not keep each other busy.
func TestEchoNotToEcho(t *testing.T) {
	c := &recorder{local: &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 7}}
	echoPacket(c, []byte("x"), (&net.UDPAddr{IP: net.IPv4(10, 0, 0, 3), Port: 7}).AddrPort())
	if c.wrote {
		t.Error("answered another echo service")
	}
	echoPacket(c, []byte("x"), (&net.UDPAddr{IP: net.IPv4(10, 0, 0, 3), Port: 4007}).AddrPort())
	if !c.wrote {
		t.Error("did not answer a client")
	}
}

func TestDiscard(t *testing.T) {
	s := start(t, Spec{"discard", "127.0.0.1:0"})
	a := s.Addrs("discard")
	tcp := dial(t, a[0])
	if _, err := tcp.Write(make([]byte, 10<<20)); err != nil {
		t.Error(err)
	}
	tcp.(*net.TCPConn).CloseWrite()
	if n, err := tcp.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	udp := dial(t, a[1])
	udp.Write([]byte("x"))
	udp.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := udp.Read(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes came back", n)
	}
}

func random(seed uint64, n int) string {
	b := make([]byte, n)
	io.ReadFull(Random(seed), b)
	return string(b)
}

func TestHTTP(t *testing.T) {
	s := start(t, Spec{"http", "127.0.0.1:0"})
	base := "http://" + s.Addrs("http")[0].String()
	for _, c := range []struct {
		method, path, body string
		status             int
		want               func(b string) bool
	}{
		{"GET", "/", "", 200, func(b string) bool { return strings.Contains(b, "net/http") }},
		{"GET", "/bytes/0", "", 200, func(b string) bool { return b == "" }},
		{"GET", "/bytes/1000000", "", 200, func(b string) bool { return len(b) == 1_000_000 }},
		{"HEAD", "/bytes/7", "", 200, func(b string) bool { return b == "" }},
		{"GET", "/bytes/x", "", 400, func(b string) bool { return strings.Contains(b, "no number") }},
		{"GET", "/bytes/-1", "", 400, func(b string) bool { return true }},
		{"POST", "/echo", "hello", 200, func(b string) bool { return b == "hello" }},
		{"POST", "/echo", strings.Repeat("0123456789", 300_000), 200, func(b string) bool { return len(b) == 3_000_000 }},
		{"GET", "/random/1000000?seed=7", "", 200, func(b string) bool { return b == random(7, 1_000_000) }},
		{"GET", "/random/5", "", 200, func(b string) bool { return b == random(0, 5) }},
		{"GET", "/random/5?seed=-1", "", 400, func(b string) bool { return strings.Contains(b, "no seed") }},
		{"POST", "/sha256", "abc", 200, func(b string) bool {
			return b == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3\n" // FIPS 180-4
		}},
		{"GET", "/echo", "", 405, func(b string) bool { return true }},
		{"GET", "/nothing", "", 404, func(b string) bool { return true }},
	} {
		req, _ := http.NewRequest(c.method, base+c.path, strings.NewReader(c.body))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !c.want(string(b)) {
			t.Errorf("%s %s: %s, %d bytes, %v", c.method, c.path, resp.Status, len(b), err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// A request in progress is finished, idle connections do not hold Stop up.
func TestStopDrains(t *testing.T) {
	s := start(t, Spec{"http", "127.0.0.1:0"}, Spec{"echo", "127.0.0.1:0"}, Spec{"discard", "127.0.0.1:0"})
	idle := dial(t, s.Addrs("echo")[0])
	io.WriteString(idle, "x")
	io.ReadFull(idle, make([]byte, 1))
	resp, err := http.Get("http://" + s.Addrs("http")[0].String() + "/bytes/10000000")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan time.Duration)
	begun := time.Now()
	go func() { stop(s, 30*time.Second); done <- time.Since(begun) }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || len(b) != 10_000_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if d := <-done; d > 20*time.Second {
		t.Errorf("Stop took %v", d)
	}
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("idle connection: %v", err)
	}
}

// When time is up connections are cut.
func TestStopCuts(t *testing.T) {
	s := start(t, Spec{"http", "127.0.0.1:0"}, Spec{"echo", "127.0.0.1:0"})
	resp, err := http.Get("http://" + s.Addrs("http")[0].String() + "/bytes/1000000000000")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stuck := dial(t, s.Addrs("echo")[0]) // never reads its echo
	go stuck.Write(make([]byte, 100<<20))
	time.Sleep(50 * time.Millisecond)
	begun := time.Now()
	stop(s, 100*time.Millisecond)
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("Stop took %v", d)
	}
}

func TestCheck(t *testing.T) {
	for in, want := range map[Spec]string{
		{"http", ""}:              ":80",
		{"http", "8080"}:          ":8080",
		{"echo", "10.0.0.1:7000"}: "10.0.0.1:7000",
		{"iperf3", ""}:            ":5201",
		{"discard", ":0"}:         ":0",
	} {
		if got, err := Check(in); err != nil || got.Address != want {
			t.Errorf("%v: %v, %v", in, got, err)
		}
	}
	for in, want := range map[Spec]string{
		{"htpt", ""}:      "known: http, echo, discard, iperf3",
		{"http", "70000"}: "no port",
		{"http", "a:b:c"}: "no port",
		{"http", "-1"}:    "no port",
	} {
		if _, err := Check(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", in, err)
		}
	}
}

// An address in use stops what was started before.
func TestStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first := freePort(t)
	_, err = Start(kernel{}, []Spec{{"echo", first}, {"http", l.Addr().String()}}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "service http") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
	if l, err := net.Listen("tcp", first); err != nil {
		t.Errorf("echo is still there: %v", err)
	} else {
		l.Close()
	}
	if _, err := Start(kernel{}, []Spec{{"nothing", ""}}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("unknown service started")
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestString(t *testing.T) {
	s := start(t, Spec{"iperf3", "127.0.0.1:0"}, Spec{"discard", "127.0.0.1:0"})
	if got := s.String(); !strings.HasPrefix(got, "iperf3 127.0.0.1:") || !strings.Contains(got, ", discard 127.0.0.1:") {
		t.Error(got)
	}
	if got := (&Set{}).String(); got != "no services" {
		t.Error(got)
	}
	if !slices.Contains(Names(), "iperf3") || s.Addrs("http") != nil {
		t.Error(Names())
	}
}
