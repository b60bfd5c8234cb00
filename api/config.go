package api

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/tcp"
)

// Config says what a plane consists of. Zero fields get sensible defaults.
type Config struct {
	Ports    []Port       // none: only loopback
	Lcores   []int        // one lcore per entry, pinned to that CPU in locked mode; AnyCPU leaves the choice. None: one lcore
	Mode     Mode         // default: locked where that leaves two CPUs to the applications, else shared
	Idle     IdlePolicy   // default: adaptive
	Realtime bool         // locked lcores go before ordinary threads of the machine (SCHED_FIFO): needs a privilege
	Elastic  bool         // several lcores: gather flows on as few as the load needs, and let the others sleep
	Routes   []Route      // beyond the subnets and gateways of the ports
	DNS      []netip.Addr // name servers, asked through the plane; none: only addresses can be dialled

	Buffers  int          // packet buffers per lcore; default 8192 (about 19 MB, touched as used)
	DataRoom int          // bytes of data per buffer; default 2048, at least 256
	TCP      tcp.Config   // limits; zero fields get the defaults of package tcp
	Log      *slog.Logger // nil: silent

	TaskLimit time.Duration // a resident task that keeps its lcore for longer is logged; default DefaultTaskLimit
}

// Mode says on what kind of thread the lcores run.
type Mode = lcore.Mode

// The modes: locked where that leaves two CPUs to the applications, else
// shared; a pinned thread each; a goroutine beside the applications'.
const (
	ModeAuto   = lcore.Auto
	ModeLocked = lcore.Locked
	ModeShared = lcore.Shared
)

// IdlePolicy says what an lcore does when there is nothing to do.
type IdlePolicy = lcore.Idle

// The policies: poll for some tens of microseconds, then sleep; poll for ever;
// sleep at once.
const (
	IdleAdaptive = lcore.Adaptive
	IdleSpin     = lcore.Spin
	IdleSleep    = lcore.Sleep
)

// AnyCPU as an entry of Config.Lcores leaves the choice of the CPU to the plane.
const AnyCPU = -1

// minDataRoom holds all headers there are.
const minDataRoom = 256

// DefaultBuffers is how many packet buffers an lcore gets.
const DefaultBuffers = 8192

// Port is one network interface of the plane.
type Port struct {
	Driver     string            // "tap", "wire", ... (pmd.Drivers)
	Device     string            // what the driver opens: a TAP's name, a PCI address, ...
	Addrs      []netip.Prefix    // the plane's addresses on this link, of IPv4 and of IPv6
	Gateway    netip.Addr        // default gateway of IPv4, if any
	Gateway6   netip.Addr        // default gateway of IPv6, if any; it may be link-local
	SLAAC      bool              // take addresses, routes and name servers from routers of IPv6 (RFC 4861, 4862)
	Private    bool              // with SLAAC: use addresses that change, too (RFC 8981)
	Secret     []byte            // makes stable addresses that do not tell the MAC (RFC 7217); the same at every start
	Optimistic bool              // use addresses of IPv6 while others are still asked whether they have them (RFC 4429); Open waits a second otherwise
	DHCP       bool              // lease an address, a gateway and name servers of IPv4 (RFC 2131)
	MTU        int               // default: the device's
	Queues     int               // receive/transmit queue pairs; default: 1
	VLAN       uint16            // 802.1Q VLAN to live in; 0: untagged
	MAC        [6]byte           // default: the device's, or a random one
	Options    map[string]string // of the driver, by name

	// Wrap puts something between the driver and the plane: fault, pcap.
	Wrap func(pmd.Port) (pmd.Port, error)
	// Opened is a port that the program opened itself; Driver and Device are
	// ignored. Open takes it: the plane closes it, also when it does not start.
	Opened pmd.Port
}

// Route sends packets for a subnet to a gateway.
type Route struct {
	Dst    netip.Prefix
	Via    netip.Addr // must be on a port's link; a link-local one names the port's device as its zone
	Metric int
}

// check fills in defaults and refuses what cannot work.
func (c *Config) check() error {
	if len(c.Lcores) == 0 {
		c.Lcores = []int{AnyCPU}
	}
	if c.TaskLimit <= 0 {
		c.TaskLimit = DefaultTaskLimit
	}
	if c.Buffers == 0 {
		c.Buffers = DefaultBuffers
	}
	if c.DataRoom != 0 && c.DataRoom < minDataRoom {
		return fmt.Errorf("api: buffers of %d bytes are too small: at least %d", c.DataRoom, minDataRoom)
	}
	if c.Mode > ModeShared || c.Idle > IdleSleep {
		return fmt.Errorf("api: there is no mode %d or no idle policy %d", c.Mode, c.Idle)
	}
	if c.Buffers < 256 {
		return fmt.Errorf("api: %d buffers per lcore are too few: at least 256", c.Buffers)
	}
	seen := make(map[int]bool)
	for _, cpu := range c.Lcores {
		if cpu != AnyCPU && (cpu < 0 || seen[cpu]) {
			return fmt.Errorf("api: Lcores %v: every entry must be another CPU, or AnyCPU (-1)", c.Lcores)
		}
		seen[cpu] = true
	}
	own := make(map[netip.Addr]bool)
	for i := range c.Ports {
		if err := c.Ports[i].check(own); err != nil {
			return fmt.Errorf("api: port %d (%s %s): %w", i, c.Ports[i].Driver, c.Ports[i].Device, err)
		}
	}
	return nil
}

// check refuses addresses that a port cannot have; own gathers those of all.
func (p *Port) check(own map[netip.Addr]bool) error {
	if p.Opened == nil && p.Driver == "" {
		return fmt.Errorf("no driver; known: %v", pmd.Drivers())
	}
	if p.MTU != 0 && (p.MTU < 68 || p.MTU > 65535) {
		return fmt.Errorf("MTU %d is out of range 68-65535", p.MTU)
	}
	if p.VLAN > 4094 {
		return fmt.Errorf("VLAN %d is out of range 0-4094", p.VLAN)
	}
	for _, a := range p.Addrs {
		ad := a.Addr()
		switch {
		case !a.IsValid() || ad.Is4In6():
			return fmt.Errorf("address %v: a prefix length is needed, as in 10.0.0.2/24 and 2001:db8::2/64", a)
		case ad.IsMulticast() || ad.IsUnspecified() || ad.IsLoopback():
			return fmt.Errorf("address %v cannot be a port's own", a)
		case own[ad]:
			return fmt.Errorf("address %v is given twice", ad)
		case ad.Is6() && p.MTU != 0 && p.MTU < ip.MinMTU6:
			return fmt.Errorf("address %v: a link of IPv6 carries %d bytes at least, not %d", a, ip.MinMTU6, p.MTU)
		}
		own[ad] = true
	}
	switch g, g6 := p.Gateway, p.Gateway6; {
	case g.IsValid() && !g.Is4():
		return fmt.Errorf("gateway %v is not of IPv4: it is gateway6", g)
	case g.IsValid() && !p.onLink(g):
		return fmt.Errorf("gateway %v is in none of the port's subnets %v", g, p.Addrs)
	case g6.IsValid() && (!g6.Is6() || g6.Is4In6()):
		return fmt.Errorf("gateway6 %v is not of IPv6", g6)
	case g6.IsValid() && !g6.IsLinkLocalUnicast() && !p.onLink(g6):
		return fmt.Errorf("gateway6 %v is in none of the port's subnets %v, nor link-local", g6, p.Addrs)
	}
	return nil
}

// onLink reports whether a is in a subnet of the port.
func (p *Port) onLink(a netip.Addr) bool {
	return slices.ContainsFunc(p.Addrs, func(s netip.Prefix) bool { return s.Contains(a) })
}
