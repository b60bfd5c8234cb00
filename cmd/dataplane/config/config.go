// Package config is what `dataplane serve` runs: read from a YAML file and from
// flags, which win, checked, and turned into a running plane.
//
// It runs on the main goroutine.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dataplane/api"
	"dataplane/cmd/dataplane/service"
	"dataplane/lcore"
	"dataplane/pmd/dpdk"
	"dataplane/pmd/fault"
)

// Config is a plane and its services, as it is written.
type Config struct {
	Ports    []Port              `koanf:"ports"`
	Routes   []Route             `koanf:"routes"`
	DNS      []string            `koanf:"dns"`
	Lcores   int                 `koanf:"lcores"`
	CPUs     []int               `koanf:"cpus"`
	Mode     string              `koanf:"mode"`
	Idle     string              `koanf:"idle"`
	Elastic  bool                `koanf:"elastic"`
	Realtime bool                `koanf:"realtime"`
	Buffers  int                 `koanf:"buffers"`
	Services map[string][]string `koanf:"services"`
	Drain    time.Duration       `koanf:"drain"`
	Log      string              `koanf:"log"`
	Stats    bool                `koanf:"stats"`
	EAL      *EAL                `koanf:"eal"`
	Control  string              `koanf:"control"`
}

// Port is one network interface.
type Port struct {
	Driver   string            `koanf:"driver"`
	Device   string            `koanf:"device"`
	Addrs    []string          `koanf:"addrs"`
	Gateway  string            `koanf:"gateway"`
	Gateway6 string            `koanf:"gateway6"`
	SLAAC    bool              `koanf:"slaac"`
	Private  bool              `koanf:"private"`
	DHCP     bool              `koanf:"dhcp"`
	Secret   string            `koanf:"secret"`
	Optimist bool              `koanf:"optimistic"`
	MTU      int               `koanf:"mtu"`
	Queues   int               `koanf:"queues"`
	VLAN     int               `koanf:"vlan"`
	MAC      string            `koanf:"mac"`
	HostAddr []string          `koanf:"host-addr"`
	Options  map[string]string `koanf:"options"`
	Capture  string            `koanf:"capture"`
	Impair   string            `koanf:"impair"`
}

// Route sends packets for a subnet to a gateway.
type Route struct {
	Dst    string `koanf:"dst"`
	Via    string `koanf:"via"`
	Metric int    `koanf:"metric"`
}

// Plan is a Config that was found right.
type Plan struct {
	API      api.Config // without the ports' Wrap
	Services []service.Spec
	Drain    time.Duration
	Level    slog.Level
	Stats    bool      // print the counters at the end
	EAL      *dpdk.EAL // how DPDK starts; nil: as the first port says
	Control  string    // where the plane listens to commands; "": at the default path, "none": nowhere
	ports    []extras
}

// extras is what stands between a port's driver and the plane.
type extras struct {
	capture string
	impair  *fault.Config
	host    string
}

// defaults is what applies where nothing is written.
func defaults() Config {
	return Config{Lcores: 1, Mode: "auto", Idle: "adaptive", Drain: 3 * time.Second, Log: "warn"}
}

// problems gathers what is wrong, each with the name of where it is written.
type problems struct{ errs []error }

func (p *problems) add(where string, err error) {
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("%s: %w", where, err))
	}
}

// Plan checks c. The error has one line for everything that is wrong.
func (c *Config) Plan() (*Plan, error) {
	var bad problems
	p := &Plan{Drain: c.Drain, Stats: c.Stats, Control: c.Control}
	c.planCores(p, &bad)
	if len(c.Ports) == 0 {
		bad.add("ports", errors.New("none: give --addr 10.9.0.2/24 and --host-addr 10.9.0.1/24, say, or -c FILE"))
	}
	for i := range c.Ports {
		where := ""
		if len(c.Ports) > 1 {
			where = fmt.Sprintf("ports[%d].", i)
		}
		c.Ports[i].plan(p, where, &bad)
	}
	for i, r := range c.Routes {
		dst, err := netip.ParsePrefix(r.Dst)
		bad.add(fmt.Sprintf("routes[%d].dst", i), err)
		via, err := netip.ParseAddr(r.Via)
		bad.add(fmt.Sprintf("routes[%d].via", i), err)
		p.API.Routes = append(p.API.Routes, api.Route{Dst: dst, Via: via, Metric: r.Metric})
	}
	for _, s := range c.DNS {
		a, err := netip.ParseAddr(s)
		bad.add("dns", err)
		p.API.DNS = append(p.API.DNS, a)
	}
	c.planServices(p, &bad)
	c.planEAL(p, &bad)
	return p, errors.Join(bad.errs...)
}

// Cores is how lcores run, for planes whose ports the program makes itself.
type Cores struct {
	Lcores   []int
	Mode     lcore.Mode
	Idle     lcore.Idle
	Realtime bool
	Buffers  int
}

// Cores checks what c says of lcores, and nothing else.
func (c *Config) Cores() (Cores, error) {
	var bad problems
	var p Plan
	c.planCores(&p, &bad)
	return Cores{p.API.Lcores, p.API.Mode, p.API.Idle, p.API.Realtime, p.API.Buffers}, errors.Join(bad.errs...)
}

func (c *Config) planCores(p *Plan, bad *problems) {
	var err error
	p.API.Mode, err = lcore.ParseMode(c.Mode)
	bad.add("mode", err)
	p.API.Idle, err = lcore.ParseIdle(c.Idle)
	bad.add("idle", err)
	if p.Level.UnmarshalText([]byte(c.Log)) != nil {
		bad.add("log", fmt.Errorf("%q: want debug, info, warn or error", c.Log))
	}
	p.API.Buffers, p.API.Elastic = c.Buffers, c.Elastic
	p.API.Realtime = c.Realtime
	p.API.Lcores = c.CPUs
	if c.Buffers < 0 {
		bad.add("buffers", fmt.Errorf("%d is negative", c.Buffers))
	}
	if c.Drain < 0 || c.Drain > time.Hour {
		bad.add("drain", fmt.Errorf("%v: want 0s to 1h", c.Drain))
	}
	if len(c.CPUs) > 0 {
		if c.Lcores > 1 && c.Lcores != len(c.CPUs) {
			bad.add("lcores", fmt.Errorf("%d, but %d CPUs are given: each gets one lcore", c.Lcores, len(c.CPUs)))
		}
		return
	}
	if c.Lcores < 1 || c.Lcores > 128 {
		bad.add("lcores", fmt.Errorf("%d: want 1 to 128", c.Lcores))
		return
	}
	for range c.Lcores {
		p.API.Lcores = append(p.API.Lcores, api.AnyCPU)
	}
}

func (c *Config) planServices(p *Plan, bad *problems) {
	if c.Services == nil {
		for _, name := range service.Names() {
			p.Services = append(p.Services, service.Spec{Name: name})
		}
		return
	}
	for name, addrs := range c.Services {
		if len(addrs) == 0 {
			addrs = []string{""}
		}
		for _, a := range addrs {
			s, err := service.Check(service.Spec{Name: name, Address: a})
			bad.add("services", err)
			p.Services = append(p.Services, s)
		}
	}
	// The order of a Go map is random, that of our output should not be.
	slices.SortFunc(p.Services, func(a, b service.Spec) int {
		return strings.Compare(a.Name+" "+a.Address, b.Name+" "+b.Address)
	})
}

// plan adds port c to p. where goes before the names of its settings.
func (c *Port) plan(p *Plan, where string, bad *problems) {
	q := api.Port{Driver: c.Driver, Device: c.Device, SLAAC: c.SLAAC, Private: c.Private, DHCP: c.DHCP, Secret: secretOf(c.Secret), Optimistic: c.Optimist, MTU: c.MTU, Queues: c.Queues, Options: map[string]string{}}
	if q.Driver == "" {
		q.Driver = "tap"
	}
	if len(c.Addrs) == 0 && !c.DHCP {
		bad.add(where+"addrs", errors.New("none: the plane needs an address there, as --addr 10.9.0.2/24"))
	}
	for _, s := range c.Addrs {
		a, err := netip.ParsePrefix(s)
		if err != nil {
			err = fmt.Errorf("%q: want ADDRESS/BITS, as 10.9.0.2/24", s)
		}
		bad.add(where+"addrs", err)
		q.Addrs = append(q.Addrs, a)
	}
	var err error
	if c.Gateway != "" {
		q.Gateway, err = netip.ParseAddr(c.Gateway)
		bad.add(where+"gateway", err)
	}
	if c.Gateway6 != "" {
		q.Gateway6, err = netip.ParseAddr(c.Gateway6)
		bad.add(where+"gateway6", err)
	}
	if c.MAC != "" {
		mac, err := net.ParseMAC(c.MAC)
		if err == nil && len(mac) != len(q.MAC) {
			err = fmt.Errorf("%q has %d bytes: an Ethernet address has %d", c.MAC, len(mac), len(q.MAC))
		}
		bad.add(where+"mac", err)
		copy(q.MAC[:], mac)
	}
	if c.VLAN < 0 || c.VLAN > 4094 {
		bad.add(where+"vlan", fmt.Errorf("%d: want 1 to 4094, or 0 for none", c.VLAN))
	}
	if c.Queues < 0 || c.Queues > 256 {
		bad.add(where+"queues", fmt.Errorf("%d: want 1 to 256", c.Queues))
	}
	q.VLAN = uint16(c.VLAN)
	for k, v := range c.Options {
		q.Options[k] = v
	}
	x := extras{capture: c.Capture, host: strings.Join(c.HostAddr, ",")}
	if x.host != "" {
		q.Options["host-addr"] = x.host
	}
	if c.Impair != "" {
		f, err := fault.Parse(c.Impair)
		bad.add(where+"impair", err)
		x.impair = &f
	}
	if x.capture != "" && slices.ContainsFunc(p.ports, func(y extras) bool { return y.capture == x.capture }) {
		bad.add(where+"capture", fmt.Errorf("%s is another port's already", x.capture))
	}
	p.API.Ports = append(p.API.Ports, q)
	p.ports = append(p.ports, x)
}

// secretOf is a secret's bytes; nil: there is none.
func secretOf(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}
