package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dataplane/pmd"
)

// A plane without TAP: one end of a wire whose other end nobody opens.
func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pcapng")
	p, err := load(t, "", "--driver", "wire", "--device", "config-test:0", "--addr", "10.9.0.2/24", "--vlan", "6",
		"--impair", "seed=3,lose=0.1", "--capture", file, "--mode", "shared")
	if err != nil {
		t.Fatal(err)
	}
	pl, err := p.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"wire config-test:0 10.9.0.2/24 vlan 6 (impaired)", "lcores shared"} {
		if !strings.Contains(pl.String(), want) {
			t.Errorf("%q lacks %q", pl, want)
		}
	}
	if err := pl.Close(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file); err != nil || len(b) < 28 || string(b[:4]) != "\x0a\x0d\x0d\x0a" {
		t.Errorf("the capture has %d bytes, %v", len(b), err)
	}
}

// counting is a port whose device counts.
type counting struct{ pmd.Port }

func (counting) XStats() map[string]uint64 { return map[string]uint64{"rx_good_packets": 7} }

func TestDevice(t *testing.T) {
	pl := &Plane{drivers: []pmd.Port{counting{}, struct{ pmd.Port }{}}}
	if n := pl.Device(0)["rx_good_packets"]; n != 7 || pl.Device(1) != nil || pl.Device(2) != nil {
		t.Errorf("%d %v %v", n, pl.Device(1), pl.Device(2))
	}
}

func TestOpenFails(t *testing.T) {
	for args, want := range map[string]string{
		"--driver foo --addr 10.9.0.2/24":                                       `unknown driver "foo" (known: `,
		"--driver wire --device t:0 --addr 10.9.0.2/24 --gateway 10.8.0.1":      "gateway 10.8.0.1 is in none",
		"--driver wire --device t:0 --addr 10.9.0.2/24 --capture /nonexistent/": "capture: ",
		"--driver wire --device t:0 --addr 10.9.0.2/24 --buffers 3":             "too few",
	} {
		p, err := load(t, "", strings.Fields(args)...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Open(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// A plane that does not open leaves no capture behind; a name that is no file's stays.
func TestOpenFailsWithCapture(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "x.pcapng"), filepath.Join(dir, "null")
	if err := os.Symlink(os.DevNull, other); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, other} {
		p, err := load(t, "ports: [{driver: wire, device: 't:0', addrs: 10.9.0.2/24, capture: "+name+"}, {driver: wire, device: 't2:9', addrs: 10.8.0.2/24}]")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Open(slog.New(slog.DiscardHandler)); err == nil {
			t.Error("it opens")
		}
	}
	if _, err := os.Lstat(file); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", file, err)
	}
	if _, err := os.Lstat(other); err != nil {
		t.Error(err)
	}
}
