package afxdp

import (
	"fmt"
	"maps"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dataplane/pmd"
)

// mode is how frames come from the interface and go there.
type mode uint8

const (
	modeAuto     mode = iota // the first of the following that works
	modeZeroCopy             // the interface's driver uses our buffers
	modeNative               // XDP in the driver, the kernel copies
	modeGeneric              // XDP on socket buffers, the kernel copies: any interface
)

var modeNames = [...]string{"auto", "zerocopy", "native", "generic"}

func (m mode) String() string { return modeNames[m] }

// partial says what to do with frames whose transport checksum was left unfinished.
type partial uint8

const (
	partialAuto   partial = iota // accept where frames can come that saw no wire
	partialAccept                // take them for good
	partialRefuse                // let the stack find them bad
)

var partialNames = [...]string{"auto", "accept", "refuse"}

const (
	nameMax     = 15 // IFNAMSIZ less the final zero
	mtuMin      = 68 // RFC 791 3.2
	ringDefault = 1024
	ringMin     = 64
	ringMax     = 32768
	queueMax    = 256
	pollMax     = 1000 // microseconds
	matchMax    = 64
)

// config is a device and its options, checked.
type config struct {
	name     string
	mtu      int // 0: the device's
	queues   int
	mac      [6]byte // zero: the device's
	offloads pmd.Offload
	mode     mode
	partial  partial
	ring     int          // slots of every ring
	busyPoll int          // microseconds; 0: the kernel's softirq does the work
	match    []netip.Addr // none: all frames are ours
}

// options are those of our own, by name: what they take, and how they are read.
var options = map[string]struct {
	form string
	set  func(c *config, value string) error
}{
	"mode": {"auto|zerocopy|native|generic", func(c *config, v string) error {
		i, err := oneOf(v, modeNames[:])
		c.mode = mode(i)
		return err
	}},
	"partial": {"auto|accept|refuse", func(c *config, v string) error {
		i, err := oneOf(v, partialNames[:])
		c.partial = partial(i)
		return err
	}},
	"ring": {"SLOTS", func(c *config, v string) (err error) {
		c.ring, err = number(v, ringMin, ringMax)
		if err == nil && bits.OnesCount(uint(c.ring)) != 1 {
			err = fmt.Errorf("want a power of two")
		}
		return err
	}},
	"busy-poll": {"MICROSECONDS", func(c *config, v string) (err error) {
		c.busyPoll, err = number(v, 0, pollMax)
		return err
	}},
	"match": {"all|ADDRESS+ADDRESS...", (*config).setMatch},
}

// parse checks what Open is asked for.
func parse(dev string, opt pmd.Options) (config, error) {
	dev, rest, _ := strings.Cut(dev, ",")
	c := config{
		name: dev, mtu: opt.MTU, queues: max(opt.Queues, 1), mac: opt.MAC,
		offloads: opt.Allowed(pmd.MultiSeg | pmd.LRO), ring: ringDefault,
	}
	switch {
	case dev == "":
		return c, fmt.Errorf("which interface? give its name, as in `ip link`")
	case len(dev) > nameMax || strings.ContainsAny(dev, "/:% \t\n"):
		return c, fmt.Errorf("%q is no interface name", dev)
	case c.mtu != 0 && c.mtu < mtuMin:
		return c, fmt.Errorf("MTU %d: want at least %d", c.mtu, mtuMin)
	case opt.Queues < 0 || opt.Queues > queueMax:
		return c, fmt.Errorf("%d queues: want 1 to %d", opt.Queues, queueMax)
	case c.mac[0]&1 != 0:
		return c, fmt.Errorf("MAC %s is a group address: a station cannot have it", net.HardwareAddr(c.mac[:]))
	}
	for key, value := range opt.Settings(rest) {
		o, ok := options[key]
		if !ok {
			return c, fmt.Errorf("unknown option %q (known: %s)", key, known())
		}
		if err := o.set(&c, value); err != nil {
			return c, fmt.Errorf("option %s=%s: %w", key, value, err)
		}
	}
	return c, nil
}

// known lists the options with what they take.
func known() string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(options)) {
		out = append(out, key+"="+options[key].form)
	}
	return strings.Join(out, ", ")
}

func oneOf(v string, names []string) (int, error) {
	i := slices.Index(names, v)
	if i < 0 {
		return 0, fmt.Errorf("want one of %s", strings.Join(names, ", "))
	}
	return i, nil
}

func number(v string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("want a number from %d to %d", lo, hi)
	}
	return n, nil
}

// setMatch reads the addresses whose frames are ours. They are separated by + as
// the command line separates options by commas.
func (c *config) setMatch(v string) error {
	c.match = nil
	if v == "all" {
		return nil
	}
	for _, s := range strings.FieldsFunc(v, func(r rune) bool { return r == '+' || r == ',' || r == ' ' }) {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return fmt.Errorf("%q is no IPv4 address", s)
		}
		c.match = append(c.match, a)
	}
	if len(c.match) == 0 || len(c.match) > matchMax {
		return fmt.Errorf("want all, or 1 to %d IPv4 addresses", matchMax)
	}
	return nil
}
