package tap

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"dataplane/pmd"
)

const (
	nameMax  = 15    // IFNAMSIZ less the final zero
	mtuMin   = 68    // RFC 791 3.2
	mtuMax   = 65521 // tun's greatest, 65535 less the Ethernet header
	queueMax = 256   // MAX_TAP_QUEUES
	anyName  = "dp%d"
)

// config is a device string and its options, checked.
type config struct {
	name     string // "": the kernel counts dp0, dp1, ...
	mtu      int    // 0: as the device has it
	queues   int
	mac      [6]byte
	addrs    []netip.Prefix // of the kernel's side
	offloads pmd.Offload    // the most that may be used
}

// parse reads "name[,option=value...]". What stands in opt.Extra comes on top of
// the options in the string; host-addr adds up.
func parse(dev string, opt pmd.Options) (config, error) {
	name, rest, _ := strings.Cut(dev, ",")
	c := config{
		name:     name,
		mtu:      opt.MTU,
		queues:   max(opt.Queues, 1),
		mac:      opt.MAC,
		offloads: opt.Allowed(pmd.AllOffloads),
	}
	if err := checkName(name); err != nil {
		return c, err
	}
	for key, value := range opt.Settings(rest) {
		if err := c.set(key, value); err != nil {
			return c, err
		}
	}
	if c.mtu != 0 && (c.mtu < mtuMin || c.mtu > mtuMax) {
		return c, fmt.Errorf("MTU %d: a TAP device takes %d to %d", c.mtu, mtuMin, mtuMax)
	}
	if opt.Queues < 0 || c.queues > queueMax {
		return c, fmt.Errorf("%d queues: a TAP device has 1 to %d", opt.Queues, queueMax)
	}
	return c, c.chooseMAC()
}

func checkName(name string) error {
	switch {
	case len(name) > nameMax:
		return fmt.Errorf("name %q has %d characters: an interface name has at most %d", name, len(name), nameMax)
	case name == "." || name == ".." || strings.ContainsAny(name, "/:% \t\n"):
		return fmt.Errorf("name %q is no interface name", name)
	}
	return nil
}

func (c *config) set(key, value string) error {
	if key != "host-addr" {
		return fmt.Errorf("unknown option %q (known: host-addr=ADDRESS/BITS)", key)
	}
	for _, s := range strings.Split(value, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err != nil {
			return fmt.Errorf("host-addr %q: want ADDRESS/BITS, as 10.0.0.1/24", s)
		}
		c.addrs = append(c.addrs, p)
	}
	return nil
}

// chooseMAC makes up a locally administered address where none was given.
func (c *config) chooseMAC() error {
	if c.mac == ([6]byte{}) {
		if _, err := rand.Read(c.mac[:]); err != nil {
			return err
		}
		c.mac[0] = c.mac[0]&^0x01 | 0x02
	}
	if c.mac[0]&1 != 0 {
		return fmt.Errorf("MAC %s is a group address: a station cannot have it", net.HardwareAddr(c.mac[:]))
	}
	return nil
}

func (c *config) hasIPv6() bool {
	for _, p := range c.addrs {
		if p.Addr().Is6() {
			return true
		}
	}
	return false
}
