package bench

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"dataplane/api"
	"dataplane/cmd/dataplane/config"
)

// plan is what flags say of a plane.
func plan(t *testing.T, args string) *config.Plan {
	t.Helper()
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	config.AddPlaneFlags(f)
	if err := f.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// echoes wants a message back.
func echoes(t *testing.T, c net.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 5)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestEchoOnPlane(t *testing.T) {
	for name, resident := range map[string]bool{"bench-echo-g": false, "bench-echo-r": true} {
		e, err := StartEcho("7", plan(t, "--driver wire --device "+name+":0 --addr 10.9.0.2/24"), resident, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		n, err := api.Open(api.Config{Ports: []api.Port{{Driver: "wire", Device: name + ":1", Addrs: []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24")}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, network := range []string{"tcp", "udp"} {
			c, err := n.Dial(network, "10.9.0.2:7")
			echoes(t, c, err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(e.String(), "10.9.0.2/24") {
			t.Error(e)
		}
	}
}

func TestEchoOnKernel(t *testing.T) {
	e, err := StartEcho("127.0.0.1:0", nil, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Skip("no loopback here:", err)
	}
	for i, network := range []string{"tcp", "udp"} {
		c, err := net.Dial(network, e.set.Addrs("echo")[i].String())
		echoes(t, c, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestEchoRefuses(t *testing.T) {
	if _, err := StartEcho("x:y:z", nil, false, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an address that is none")
	}
}
