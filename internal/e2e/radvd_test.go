package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dataplane/api"
)

// radvd announces on the TAP's link, by the router's address from, what is in conf.
func radvd(t *testing.T, from, conf string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "radvd.conf")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `interface %s {
	AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
	AdvRASrcAddress { %s; };
	%s
};
`, device, from, conf), 0o644))
	return daemon(t, "radvd", "-n", "-C", file, "-p", filepath.Join(dir, "pid"), "-m", "stderr")
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not so after ten seconds: %s", what)
}

// TestRadvd: what radvd announces is used: an address, the better of two routers until it
// says that it is none, a specific route, the MTU, and a name server.
func TestRadvd(t *testing.T) {
	find(t, "radvd")
	find(t, "dnsmasq")
	atOnce(t)
	b := newBed6(t, func(c *api.Config) { c.Ports[0].SLAAC = true })
	setConf(t, "all", "forwarding", "1") // or the kernel would say that it is no router
	t.Cleanup(func() { setConf(t, "all", "forwarding", "0") })
	for _, a := range []string{"2001:db8:9::1/64", "2001:db8:8::1/64", "fe80::a/64", "fe80::b/64"} {
		own(t, a)
	}
	daemon(t, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
		"--listen-address=2001:db8:9::1", "--address=/plane.test/2001:db8:8::1")
	radvd(t, "fe80::a", `AdvDefaultPreference low; AdvLinkMTU 1400; AdvCurHopLimit 33;
	prefix 2001:db8:9::/64 { AdvOnLink on; AdvAutonomous on; };
	route 2001:db8:77::/48 { AdvRoutePreference low; };
	RDNSS 2001:db8:9::1 { };`)
	stop := radvd(t, "fe80::b", `AdvDefaultPreference high; AdvLinkMTU 1400; AdvCurHopLimit 33;`)

	own := b.addrIn(netip.MustParsePrefix("2001:db8:9::/64"), func() {})
	ping6(t, b, "-c 3 -i 0.05 "+own.String())
	by := func(dst, gateway string) func() bool {
		return func() bool { g, src := b.wayTo(t, dst); return g.String() == gateway && src == own }
	}
	eventually(t, "the better router is used", by("2001:db8:f::1", "fe80::b"))
	eventually(t, "the specific route is used", by("2001:db8:77::1", "fe80::a"))
	ping6(t, b, "-c 2 -i 0.05 -s 5000 "+own.String())
	eventually(t, "packets are as long as announced", func() bool { return b.pathMTU(t, "2001:db8:9::1") == 1400 })

	l := serveTCP(t, net.Listen, "[2001:db8:8::1]:0", echo) // beyond the prefix on the link
	at := netip.MustParseAddrPort(l)
	c, err := b.plane.Dial("tcp", fmt.Sprintf("host.plane.test:%d", at.Port()))
	must(t, err)
	defer c.Close()
	soon(t, c)
	roundTrip(t, c, 100000)

	stop() // it says so
	eventually(t, "the other router is used", by("2001:db8:f::1", "fe80::a"))
	roundTrip(t, c, 1000)
}
