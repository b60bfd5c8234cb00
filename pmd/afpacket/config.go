package afpacket

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"dataplane/pmd"
)

const (
	mtuMin      = 68    // RFC 791 3.2
	mtuMax      = 65535 // an IPv4 packet's longest
	queueMax    = 256   // sockets of a fanout group, PACKET_FANOUT_MAX before Linux 5.12
	slotsMin    = 64
	slotsMax    = 1 << 16
	slotsUsual  = 1024
	knownOption = "fanout=hash|cpu|qm|lb, promiscuous=auto|on|off, qdisc-bypass=on|off, ring=SLOTS"
)

// config is a device string and its options, checked.
type config struct {
	name     string
	mtu      int // 0: the interface's
	queues   int
	mac      [6]byte     // zero: see chooseMAC
	offloads pmd.Offload // the most that may be used
	fanout   string      // how the kernel spreads frames over the queues
	promisc  string      // auto, on, off
	bypass   bool        // leave the queueing discipline out
	slots    int         // of each queue's receive ring
}

// parse reads "interface[,option=value...]". What stands in opt.Extra comes on top
// of the options in the string.
func parse(dev string, opt pmd.Options) (config, error) {
	name, rest, _ := strings.Cut(dev, ",")
	c := config{
		name:     name,
		mtu:      opt.MTU,
		queues:   max(opt.Queues, 1),
		mac:      opt.MAC,
		offloads: opt.Allowed(pmd.AllOffloads),
		fanout:   "hash",
		promisc:  "auto",
		slots:    slotsUsual,
	}
	for key, value := range opt.Settings(rest) {
		if err := c.set(key, value); err != nil {
			return c, err
		}
	}
	if c.mtu != 0 && (c.mtu < mtuMin || c.mtu > mtuMax) {
		return c, fmt.Errorf("MTU %d: want %d to %d, or 0 for the interface's", c.mtu, mtuMin, mtuMax)
	}
	if opt.Queues < 0 || c.queues > queueMax {
		return c, fmt.Errorf("%d queues: want 1 to %d", opt.Queues, queueMax)
	}
	if c.mac[0]&1 != 0 {
		return c, fmt.Errorf("MAC %s is a group address: a station cannot have it", net.HardwareAddr(c.mac[:]))
	}
	return c, nil
}

// set takes one option.
func (c *config) set(key, value string) (err error) {
	switch key {
	case "fanout":
		c.fanout, err = oneOf(key, value, "hash", "cpu", "qm", "lb")
	case "promiscuous":
		c.promisc, err = oneOf(key, value, "auto", "on", "off")
	case "qdisc-bypass":
		value, err = oneOf(key, value, "on", "off")
		c.bypass = value == "on"
	case "ring":
		c.slots, err = strconv.Atoi(value)
		if err != nil || c.slots < slotsMin || c.slots > slotsMax {
			err = fmt.Errorf("ring %q: want %d to %d slots", value, slotsMin, slotsMax)
		}
	default:
		err = fmt.Errorf("unknown option %q (known: %s)", key, knownOption)
	}
	return err
}

func oneOf(key, value string, choices ...string) (string, error) {
	for _, c := range choices {
		if value == c {
			return value, nil
		}
	}
	return "", fmt.Errorf("%s %q: want one of %s", key, value, strings.Join(choices, ", "))
}
