package ip

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func addr(s string) Addr     { return FromNetip(netip.MustParseAddr(s)) }
func prefix(s string) Prefix { return FromPrefix(netip.MustParsePrefix(s)) }

// testIfaces is a host with two links and a loopback.
func testIfaces() []RouteIface {
	return []RouteIface{
		{Index: 0, Name: "tap0", MTU: 1500, Prefixes: []Prefix{prefix("10.0.0.2/24"), prefix("10.9.0.2/30"), prefix("2001:db8::2/64")}},
		{Index: 1, Name: "tap1", MTU: 9000, Prefixes: []Prefix{prefix("192.168.7.9/16")}},
		{Index: 2, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []Prefix{prefix("127.0.0.1/8"), prefix("172.31.0.1/32")}},
	}
}

func mustRoutes(t testing.TB, ifaces []RouteIface, routes ...Route) *Routes {
	t.Helper()
	r, err := NewRoutes(ifaces, routes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoutesLookup(t *testing.T) {
	r := mustRoutes(t, testIfaces(),
		Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), Iface: AnyIface, Metric: 10},
		Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("192.168.0.1"), Iface: AnyIface, Metric: 20},
		Route{Prefix: prefix("172.16.0.0/12"), Gateway: addr("10.9.0.1"), Iface: AnyIface, MTU: 1400},
		Route{Prefix: prefix("172.16.5.0/24"), Gateway: addr("192.168.0.1"), Iface: 1, Src: addr("10.0.0.2")},
		Route{Prefix: prefix("2001:db8:1::/48"), Gateway: addr("fe80::1"), Iface: 0},
	)
	for _, c := range []struct {
		dst     string
		iface   uint16
		gateway string
		src     string
		mtu     int
		kind    RouteKind
	}{
		{"10.0.0.77", 0, "", "10.0.0.2", 1500, Unicast},
		{"10.9.0.1", 0, "", "10.9.0.2", 1500, Unicast},
		{"192.168.200.1", 1, "", "192.168.7.9", 9000, Unicast},
		{"8.8.8.8", 0, "10.0.0.1", "10.0.0.2", 1500, Unicast},
		{"172.17.0.1", 0, "10.9.0.1", "10.9.0.2", 1400, Unicast},
		{"172.16.5.9", 1, "192.168.0.1", "10.0.0.2", 9000, Unicast},
		{"10.0.0.2", 2, "", "10.0.0.2", 65535, Local},
		{"127.0.0.1", 2, "", "127.0.0.1", 65535, Local},
		{"127.9.9.9", 2, "", "127.0.0.1", 65535, Local},
		{"172.31.0.1", 2, "", "172.31.0.1", 65535, Local},
		{"10.0.0.255", 0, "", "10.0.0.2", 1500, Broadcast},
		{"10.9.0.3", 0, "", "10.9.0.2", 1500, Broadcast},
		{"192.168.255.255", 1, "", "192.168.7.9", 9000, Broadcast},
		{"255.255.255.255", 0, "", "10.0.0.2", 1500, Broadcast},
		{"224.0.0.251", 0, "", "10.0.0.2", 1500, Multicast},
		{"2001:db8::9", 0, "", "2001:db8::2", 1500, Unicast},
		{"2001:db8:1::9", 0, "fe80::1", "2001:db8::2", 1500, Unicast},
		{"::1", 2, "", "::1", 65535, Local},
		{"2001:db8::2", 2, "", "2001:db8::2", 65535, Local},
	} {
		rt, ok := r.Lookup(addr(c.dst))
		gw := Addr{}
		if c.gateway != "" {
			gw = addr(c.gateway)
		}
		if !ok || rt.Iface != c.iface || rt.Gateway.Wire() != gw || rt.Src != addr(c.src) || rt.MTU != c.mtu || rt.Kind != c.kind {
			t.Errorf("%s: %+v %v", c.dst, rt, ok)
		}
	}
	for _, dst := range []string{"2001:db9::1", "0.0.0.0", "::"} {
		if rt, ok := r.Lookup(addr(dst)); ok {
			t.Errorf("%s: %+v", dst, rt)
		}
	}
	gws := r.Gateways(addr("9.9.9.9"))
	if len(gws) != 2 || gws[0].Metric != 10 || gws[1].Gateway != addr("192.168.0.1") {
		t.Errorf("gateways: %+v", gws)
	}
	for _, dst := range []string{"10.0.0.2", "127.0.0.1", "255.255.255.255", "0.0.0.0"} {
		if g := r.Gateways(addr(dst)); len(g) != 0 {
			t.Errorf("gateways of %s: %+v", dst, g)
		}
	}
}

// TestRoutesNone: without a default route strangers are unreachable at once.
func TestRoutesNone(t *testing.T) {
	r := mustRoutes(t, testIfaces())
	for _, dst := range []string{"8.8.8.8", "224.0.0.1", "2a00::1"} {
		if rt, ok := r.Lookup(addr(dst)); ok {
			t.Errorf("%s: %+v", dst, rt)
		}
	}
	if rt, ok := r.Lookup(addr("255.255.255.255")); !ok || rt.Iface != 0 || rt.Src != addr("10.0.0.2") {
		t.Errorf("limited broadcast: %+v %v", rt, ok)
	}
	empty := mustRoutes(t, nil)
	for _, dst := range []string{"127.0.0.1", "255.255.255.255", "10.0.0.1"} {
		if _, ok := empty.Lookup(addr(dst)); ok {
			t.Errorf("a host without interfaces reaches %s", dst)
		}
	}
}

func TestRoutesLocalAndBroadcast(t *testing.T) {
	many := testIfaces()
	for i := range 40 {
		many[1].Prefixes = append(many[1].Prefixes, Prefix{FromV4(0x0b000001 + uint32(i)<<8), 24})
	}
	for _, ifaces := range [][]RouteIface{testIfaces(), many} {
		r := mustRoutes(t, ifaces)
		for s, want := range map[string][2]bool{
			"10.0.0.2": {true, false}, "10.0.0.3": {false, false}, "192.168.7.9": {true, false},
			"127.0.0.1": {true, false}, "127.200.0.1": {true, false}, "172.31.0.1": {true, false},
			"10.0.0.255": {false, true}, "10.9.0.3": {false, true}, "192.168.255.255": {false, true},
			"255.255.255.255": {false, true}, "127.255.255.255": {true, false}, "10.0.0.0": {false, false},
			"2001:db8::2": {true, false}, "2001:db8::3": {false, false}, "::1": {true, false}, "0.0.0.0": {false, false},
			"172.31.0.2": {false, false}, "128.0.0.1": {false, false},
		} {
			if a := addr(s); r.IsLocal(a) != want[0] || r.IsBroadcast(a) != want[1] {
				t.Errorf("%s: local %v broadcast %v", s, r.IsLocal(a), r.IsBroadcast(a))
			}
		}
		for _, f := range ifaces {
			for _, p := range f.Prefixes {
				if !r.IsLocal(p.Addr) {
					t.Errorf("%v is not local", p.Addr)
				}
			}
		}
	}
}

func TestRoutesErrors(t *testing.T) {
	for want, rt := range map[string]Route{
		"on no link":          {Prefix: prefix("0.0.0.0/0"), Gateway: addr("11.0.0.1"), Iface: AnyIface},
		"not on the link":     {Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), Iface: 1},
		"no interface 7":      {Prefix: prefix("1.0.0.0/8"), Iface: 7},
		"another family":      {Prefix: prefix("::/0"), Gateway: addr("10.0.0.1"), Iface: 0},
		"no address of ours":  {Prefix: prefix("1.0.0.0/8"), Iface: 0, Src: addr("10.0.0.9")},
		"is on no link of ou": {Prefix: prefix("1.0.0.0/8"), Iface: AnyIface},
	} {
		if _, err := NewRoutes(testIfaces(), rt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestRoutesLikePlainSearch compares with a search through all routes.
func TestRoutesLikePlainSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for round := range 60 {
		var routes []Route
		for i := range 1 + r.IntN(200) {
			p := Prefix{FromV4(r.Uint32() & 0x0f0f00ff), uint8(r.IntN(33))}
			routes = append(routes, Route{Prefix: p.Masked(), Iface: 0, Metric: uint32(i)})
		}
		tab := mustRoutes(t, []RouteIface{{Index: 0, Name: "a", MTU: 1500}}, routes...)
		for range 200 {
			dst := FromV4(r.Uint32()&0x0f0f00ff | 1)
			best := -1
			for i, rt := range routes {
				if rt.Prefix.Contains(dst) && (best < 0 || rt.Prefix.Bits > routes[best].Prefix.Bits) {
					best = i
				}
			}
			rt, ok := tab.Lookup(dst)
			if ok != (best >= 0) || ok && rt.Metric != routes[best].Metric {
				t.Fatalf("round %d: %v: %+v %v, want route %d", round, dst, rt, ok, best)
			}
		}
	}
}

func TestRoutesAllocs(t *testing.T) {
	r := mustRoutes(t, testIfaces(), Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), Iface: 0})
	a, b := addr("8.8.8.8"), addr("10.0.0.255")
	if n := testing.AllocsPerRun(1000, func() {
		r.Lookup(a)
		r.Gateways(a)
		r.IsLocal(b)
		r.IsBroadcast(b)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRoutes(b *testing.B) {
	r := mustRoutes(b, testIfaces(), Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), Iface: 0})
	dst := addr("8.8.8.8")
	b.Run("Lookup", func(b *testing.B) {
		for b.Loop() {
			r.Lookup(dst)
		}
	})
	b.Run("IsLocal", func(b *testing.B) {
		for b.Loop() {
			r.IsLocal(dst)
		}
	})
}
