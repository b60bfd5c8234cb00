package e2e

import (
	"net/netip"
	"testing"

	"dataplane/api"
)

const (
	planeIP6  = "fd00:9::2"
	kernelIP6 = "fd00:9::1"
	subnet6   = "/64"
)

// newBed6 is newBed with IPv6 besides, at once: TestDAD waits for the check of addresses.
func newBed6(t testing.TB, change ...func(*api.Config)) *bed {
	t.Helper()
	return newBed(t, append([]func(*api.Config){func(c *api.Config) {
		p := &c.Ports[0]
		p.Optimistic = true
		p.Addrs = append(p.Addrs, netip.MustParsePrefix(planeIP6+subnet6))
		p.Options["host-addr"] += "," + kernelIP6 + subnet6
	}}, change...)...)
}
