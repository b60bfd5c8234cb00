package config

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"dataplane/api"
	"dataplane/cmd/dataplane/service"
	"dataplane/lcore"
)

// load reads flags, and a file where there is a text for one (named by FILE).
func load(t *testing.T, text string, args ...string) (*Plan, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "plane.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		args = append(args, "-c", name)
	}
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	c, err := Load(f)
	if err != nil {
		return nil, err
	}
	return c.Plan()
}

func TestFlags(t *testing.T) {
	p, err := load(t, "", strings.Fields(`--driver tap --device dp3 --addr 10.9.0.2/24 --addr 10.9.1.2/24,fd00::2/64 --gateway6 fe80::1 --host-addr 10.9.0.1/24
		--gateway 10.9.0.1 --mtu 9000 --queues 2 --vlan 5 --mac 02:00:00:00:00:07 --option a=b --capture x.pcapng --impair seed=7,lose=0.01
		--cpus 3,1 --mode locked --idle spin --realtime --buffers 512 --dns 10.9.0.1 --services http=8080,http=80,echo --drain 1s --log debug`)...)
	if err != nil {
		t.Fatal(err)
	}
	want := api.Port{
		Driver: "tap", Device: "dp3", Addrs: prefixes("10.9.0.2/24", "10.9.1.2/24", "fd00::2/64"), Gateway: netip.MustParseAddr("10.9.0.1"), Gateway6: netip.MustParseAddr("fe80::1"), MTU: 9000,
		Queues: 2, VLAN: 5, MAC: [6]byte{2, 0, 0, 0, 0, 7}, Options: map[string]string{"a": "b", "host-addr": "10.9.0.1/24"},
	}
	if len(p.API.Ports) != 1 || !reflect.DeepEqual(p.API.Ports[0], want) {
		t.Errorf("%+v", p.API.Ports)
	}
	a := p.API
	if !reflect.DeepEqual(a.Lcores, []int{3, 1}) || a.Mode != lcore.Locked || a.Idle != lcore.Spin || !a.Realtime || a.Buffers != 512 || len(a.DNS) != 1 {
		t.Errorf("%+v", a)
	}
	if !reflect.DeepEqual(p.Services, []service.Spec{{Name: "echo", Address: ":7"}, {Name: "http", Address: ":80"}, {Name: "http", Address: ":8080"}}) {
		t.Errorf("%+v", p.Services)
	}
	x := p.ports[0]
	if p.Drain != time.Second || p.Level != slog.LevelDebug || x.capture != "x.pcapng" || x.impair.Seed != 7 || x.impair.Tx.Lose != 0.01 {
		t.Errorf("%+v", p)
	}
}

func prefixes(s ...string) (p []netip.Prefix) {
	for _, s := range s {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestDefaults(t *testing.T) {
	p, err := load(t, "", "--addr", "10.9.0.2/24")
	if err != nil {
		t.Fatal(err)
	}
	if p.API.Ports[0].Driver != "tap" || !reflect.DeepEqual(p.API.Lcores, []int{api.AnyCPU}) || len(p.Services) != 4 || p.Level != slog.LevelWarn {
		t.Errorf("%+v", p)
	}
	if p, err := load(t, "", "--addr", "10.9.0.2/24", "--services", "none"); err != nil || len(p.Services) != 0 {
		t.Errorf("no services: %+v, %v", p, err)
	}
}

const twoPorts = `
ports:
  - device: dp0
    addrs: [10.9.0.2/24, 10.9.2.2/24]
    host-addr: 10.9.0.1/24
    gateway: 10.9.0.1
    mac: 02:00:00:00:00:01
  - driver: wire
    device: x:0
    addrs: 10.8.0.2/24
    vlan: 7
    impair: lose=0.5
    options: {depth: 9}
routes:
  - {dst: 10.7.0.0/16, via: 10.8.0.1, metric: 3}
lcores: 2
mode: shared
elastic: true
drain: 500ms
services:
  http: [80, 10.8.0.2:8080]
  echo:
  iperf3: 5202
`

func TestFile(t *testing.T) {
	p, err := load(t, twoPorts, "--lcores", "3", "--log", "info")
	if err != nil {
		t.Fatal(err)
	}
	a := p.API
	if len(a.Ports) != 2 || a.Ports[0].Driver != "tap" || a.Ports[1].Driver != "wire" || a.Ports[1].VLAN != 7 || a.Ports[1].Options["depth"] != "9" {
		t.Errorf("%+v", a.Ports)
	}
	if a.Ports[0].Options["host-addr"] != "10.9.0.1/24" || len(a.Ports[0].Addrs) != 2 || a.Ports[0].MAC[5] != 1 || p.ports[1].impair == nil {
		t.Errorf("%+v %+v", a.Ports[0], p.ports)
	}
	if len(a.Lcores) != 3 || a.Mode != lcore.Shared || !a.Elastic || p.Drain != 500*time.Millisecond || p.Level != slog.LevelInfo {
		t.Errorf("flags over file: %+v", p)
	}
	if len(a.Routes) != 1 || a.Routes[0].Metric != 3 || a.Routes[0].Via != netip.MustParseAddr("10.8.0.1") {
		t.Errorf("%+v", a.Routes)
	}
	want := []service.Spec{{Name: "echo", Address: ":7"}, {Name: "http", Address: "10.8.0.2:8080"}, {Name: "http", Address: ":80"}, {Name: "iperf3", Address: ":5202"}}
	if !reflect.DeepEqual(p.Services, want) {
		t.Errorf("%+v", p.Services)
	}
}

// The flags of a port go to the only one that the file has.
func TestPortFlagsOverFile(t *testing.T) {
	one := "ports: [{device: dp0, addrs: 10.9.0.2/24, mtu: 1400}]\nservices: {}\n"
	p, err := load(t, one, "--mtu", "9000", "--capture", "y")
	if err != nil {
		t.Fatal(err)
	}
	if port := p.API.Ports[0]; port.MTU != 9000 || port.Device != "dp0" || p.ports[0].capture != "y" || len(p.Services) != 0 {
		t.Errorf("%+v", p)
	}
	if p, err = load(t, one, "--lcores", "2"); err != nil || p.API.Ports[0].MTU != 1400 || p.API.Ports[0].Driver != "tap" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err = load(t, twoPorts, "--mtu", "9000"); err == nil || !strings.Contains(err.Error(), "2 ports") {
		t.Error(err)
	}
}

// Every mistake has a line of its own, which names it.
func TestMistakes(t *testing.T) {
	for args, want := range map[string][]string{
		"--mtu 9000":      {"addrs: none"},
		"":                {"ports: none: give --addr"},
		"--addr 10.9.0.2": {`addrs: "10.9.0.2": want ADDRESS/BITS`},
		"--addr 10.9.0.2/24 --mode x --idle y --log z":    {"mode:", "idle:", "log:"},
		"--addr 10.9.0.2/24 --gateway x --mac y":          {"gateway:", "mac:"},
		"--addr 10.9.0.2/24 --mac 02:00:00:00:00:00:00:0": {"mac:"},
		"--addr 10.9.0.2/24 --vlan 4095 --queues -1":      {"vlan: 4095", "queues: -1"},
		"--addr 10.9.0.2/24 --impair lose=7":              {"impair: fault: lose=7"},
		"--addr 10.9.0.2/24 --services htpt,http=x":       {"services", "services"},
		"--addr 10.9.0.2/24 --lcores 0":                   {"lcores: 0"},
		"--addr 10.9.0.2/24 --lcores 3 --cpus 1,2":        {"lcores: 3, but 2 CPUs"},
		"--addr 10.9.0.2/24 --drain -1s --buffers -1":     {"drain", "buffers"},
		"--addr 10.9.0.2/24 --dns x":                      {"dns:"},
	} {
		_, err := load(t, "", strings.Fields(args)...)
		wantLines(t, args, err, want)
	}
}

func TestMistakesInFile(t *testing.T) {
	port := "ports: [{addrs: 10.9.0.2/24}]\n"
	for text, want := range map[string][]string{
		"ports:\n  - addrs: x\n bad":                          {"plane.yaml: line 2"},
		"just text":                                           {"plane.yaml: line 1"},
		"ports: [{adrs: 10.9.0.2/24}]\nfoo: 1":                {"ports[0]: unknown setting adrs", "unknown setting foo"},
		port + "lcores: many":                                 {"plane.yaml: lcores: want int"},
		port + "drain: soon":                                  {"drain"},
		port + "routes: [{dst: x, via: y}]":                   {"routes[0].dst", "routes[0].via"},
		"ports: [{addrs: 10.9.0.2/24, mac: x}, {vlan: 9999}]": {"ports[0].mac", "ports[1].addrs", "ports[1].vlan"},
		"ports: [{addrs: 10.9.0.2/24, capture: f}, {addrs: 1.2.3.4/5,capture: f}]": {"ports[1].capture: f is another"},
	} {
		_, err := load(t, text)
		wantLines(t, text, err, want)
	}
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(f)
	f.Parse([]string{"-c", "/nonexistent/file"})
	_, err := Load(f)
	wantLines(t, "no file", err, []string{"cannot read /nonexistent/file: no such file"})
}

// wantLines wants as many lines as there are texts, with one of them in each.
func wantLines(t *testing.T, what string, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%q: no error", what)
		return
	}
	lines := strings.Split(err.Error(), "\n")
	ok := len(lines) == len(want)
	for i := range lines {
		ok = ok && strings.Contains(err.Error(), want[i])
	}
	if !ok {
		t.Errorf("%q:\n%v\nwant %q", what, err, want)
	}
}
