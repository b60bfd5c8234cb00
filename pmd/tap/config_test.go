package tap

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dataplane/pmd"
)

func TestParse(t *testing.T) {
	c, err := parse("tap0,host-addr=10.0.0.1/24", pmd.Options{
		MTU: 9000, Queues: 2, MAC: [6]byte{2, 0, 0, 0, 0, 9},
		Extra: map[string]string{"host-addr": "fd00::1/64, 10.1.0.1/16"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fd00::1/64"), netip.MustParsePrefix("10.1.0.1/16")}
	if c.name != "tap0" || c.mtu != 9000 || c.queues != 2 || c.mac != [6]byte{2, 0, 0, 0, 0, 9} || !slices.Equal(c.addrs, want) || !c.hasIPv6() {
		t.Errorf("parse: %+v", c)
	}
	if c.offloads != pmd.AllOffloads {
		t.Errorf("offloads %v, want all", c.offloads)
	}
}

func TestParseDefaults(t *testing.T) {
	c, err := parse("", pmd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.name != "" || c.queues != 1 || c.mtu != 0 || c.hasIPv6() {
		t.Errorf("parse: %+v", c)
	}
	if c.mac[0]&3 != 2 {
		t.Errorf("MAC %x is not a locally administered station address", c.mac)
	}
	d, _ := parse("", pmd.Options{})
	if c.mac == d.mac {
		t.Errorf("two ports were given the MAC %x", c.mac)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, dev string
		opt       pmd.Options
		want      string
	}{
		{"long name", "abcdefghijklmnop", pmd.Options{}, "at most 15"},
		{"slash", "a/b", pmd.Options{}, "no interface name"},
		{"space", "a b", pmd.Options{}, "no interface name"},
		{"percent", "tap%d", pmd.Options{}, "no interface name"},
		{"dots", "..", pmd.Options{}, "no interface name"},
		{"option", "tap0,speed=9", pmd.Options{}, `unknown option "speed"`},
		{"extra", "tap0", pmd.Options{Extra: map[string]string{"x": "y"}}, `unknown option "x"`},
		{"address", "tap0,host-addr=10.0.0.1", pmd.Options{}, "want ADDRESS/BITS"},
		{"small MTU", "tap0", pmd.Options{MTU: 67}, "68 to 65521"},
		{"large MTU", "tap0", pmd.Options{MTU: 65522}, "68 to 65521"},
		{"queues", "tap0", pmd.Options{Queues: 257}, "1 to 256"},
		{"negative", "tap0", pmd.Options{Queues: -1}, "1 to 256"},
		{"group MAC", "tap0", pmd.Options{MAC: [6]byte{1}}, "group address"},
	} {
		_, err := parse(tt.dev, tt.opt)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tap0,host-addr=10.0.0.1/24")
	f.Add(",host-addr=,")
	f.Fuzz(func(t *testing.T, dev string) {
		c, err := parse(dev, pmd.Options{})
		if err == nil && (len(c.name) > nameMax || c.mac[0]&1 != 0) {
			t.Errorf("parse %q accepted %+v", dev, c)
		}
	})
}
