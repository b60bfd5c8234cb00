package api

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/pmd"
	"dataplane/pmd/wire"
	"dataplane/sock"
)

// twoFamilies is two planes on a wire with addresses of both families, and a listener of the second.
func twoFamilies(t *testing.T) (a *Net, l net.Listener) {
	t.Helper()
	pa, pb, err := wire.Pair(wire.Config{}, wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	plane := func(p pmd.Port, addrs ...string) *Net {
		port := Port{Opened: p, Optimistic: true}
		for _, s := range addrs {
			port.Addrs = append(port.Addrs, netip.MustParsePrefix(s))
		}
		n, err := Open(Config{Ports: []Port{port}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b := plane(pa, "10.0.0.1/24", "2001:db8::1/64"), plane(pb, "10.0.0.2/24", "2001:db8::2/64")
	closeBoth(t, a, b)
	l, err = b.Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return a, l
}

func namesOf(list string) (names []sock.Name) {
	for _, s := range strings.Fields(list) {
		names = append(names, sock.NameFrom(netip.MustParseAddrPort(s)))
	}
	return names
}

// TestOrder: RFC 6724 6 and RFC 8305 4.
func TestOrder(t *testing.T) {
	a, _ := twoFamilies(t)
	for given, want := range map[string]string{
		"10.0.0.2:1 [2001:db8::2]:1": "[2001:db8::2]:1 10.0.0.2:1",
		"10.0.0.2:1 [fd00::2]:1":     "10.0.0.2:1 [fd00::2]:1",
		"10.0.0.2:1 [::1]:1":         "[::1]:1 10.0.0.2:1",
		"10.0.0.2:1 10.0.0.3:1 10.0.0.4:1 [2001:db8::2]:1 [2001:db8::3]:1": "[2001:db8::2]:1 10.0.0.2:1 [2001:db8::3]:1 10.0.0.3:1 10.0.0.4:1",
		"[2a00::1]:1 10.0.0.2:1": "10.0.0.2:1 [2a00::1]:1", // no way there
	} {
		var got []string
		for _, m := range a.order(namesOf(given)) {
			got = append(got, m.AddrPort().String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", given, s, want)
		}
	}
}

// TestRace: RFC 8305 5: an address that does not answer holds nobody up for long, one that
// refuses for no time, and who loses is closed.
func TestRace(t *testing.T) {
	a, l := twoFamilies(t)
	for _, c := range []struct {
		names, want string
		least, most time.Duration
	}{
		{"[2001:db8::2]:80 10.0.0.2:80", "[2001:db8::2]:80", 0, 20 * time.Second},
		{"[2001:db8::99]:80 10.0.0.2:80", "10.0.0.2:80", attemptDelay, 2900 * time.Millisecond}, // before the neighbour is given up
		{"[2001:db8::2]:81 10.0.0.2:80", "10.0.0.2:80", 0, 20 * time.Second},
		{"[2001:db8::99]:80 [2001:db8::2]:81 10.0.0.2:81 [2001:db8::2]:80", "[2001:db8::2]:80", attemptDelay, 2900 * time.Millisecond},
	} {
		took := raced(t, a, l, c.names, c.want)
		for range 3 {
			if took < c.most { // a busy machine may take its time once
				break
			}
			took = raced(t, a, l, c.names, c.want)
		}
		if took < c.least || took > c.most {
			t.Errorf("%s: after %v", c.names, took)
		}
	}
	_, err := a.dialAny(t.Context(), "tcp", sock.TypeStream, namesOf("[2001:db8::2]:81 10.0.0.99:80"))
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr.String() != "[2001:db8::2]:81" || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the error is of %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = a.dialAny(ctx, "tcp", sock.TypeStream, namesOf("[2001:db8::98]:80 10.0.0.98:80 [2001:db8::97]:80"))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// raced dials, looks who answered, and returns how long it took.
func raced(t *testing.T, a *Net, l net.Listener, names, want string) time.Duration {
	t.Helper()
	start := time.Now()
	conn, err := a.dialAny(t.Context(), "tcp", sock.TypeStream, namesOf(names))
	took := time.Since(start)
	if err != nil {
		t.Fatal(names, err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().String(); got != want {
		t.Errorf("%s: %s", names, got)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	return took
}

// TestRaceLosers: both addresses answer late; the connection that comes second is closed.
func TestRaceLosers(t *testing.T) {
	a, l := twoFamilies(t)
	names := namesOf("[2001:db8::2]:80 10.0.0.2:80")
	r := race{n: a, network: "tcp", names: names, first: len(names), results: make(chan attempt, 2)}
	r.begin(t.Context())
	r.begin(t.Context())
	var conns []net.Conn
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	r.lose(2)
	for _, c := range conns {
		c.SetReadDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // an open connection has deadlines
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is open: %d %v", c.RemoteAddr(), n, err)
		}
		c.Close()
	}
}

// TestRaceOnTask: a resident task may not wait as a goroutine does, so it tries one address
// after the other.
func TestRaceOnTask(t *testing.T) {
	a, _ := twoFamilies(t)
	done := make(chan string, 1)
	if err := a.GoResident(0, func() {
		c, err := a.dialAny(context.Background(), "tcp", sock.TypeStream, namesOf("[2001:db8::2]:81 10.0.0.2:80"))
		if err != nil {
			done <- err.Error()
			return
		}
		c.Close()
		done <- c.RemoteAddr().String()
	}); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "10.0.0.2:80" {
		t.Error(got)
	}
	if a.tasks.Here() {
		t.Error("a goroutine is taken for a task")
	}
}
