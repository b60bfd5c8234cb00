package ip

import (
	"net/netip"
	"testing"
)

// The way by a chosen link is the best route there that uses it; else the destination is
// on the link.
func TestLookupBy(t *testing.T) {
	p := func(s string) Prefix { return FromPrefix(netip.MustParsePrefix(s)) }
	a := func(s string) Addr { return FromNetip(netip.MustParseAddr(s)) }
	r, err := NewRoutes([]RouteIface{
		{Index: 0, Name: "lo", MTU: 65535, Loopback: true, Prefixes: []Prefix{p("127.0.0.1/8"), p("::1/128")}},
		{Index: 1, Name: "a", MTU: 1500, Prefixes: []Prefix{p("10.0.0.1/24"), p("2001:db8::1/64")}},
		{Index: 2, Name: "b", MTU: 1400, Prefixes: []Prefix{p("10.0.1.1/24"), p("2001:db8:1::1/64")}},
	}, Route{Prefix: p("0.0.0.0/0"), Gateway: a("10.0.0.254"), Iface: 1}, Route{Prefix: p("::/0"), Gateway: a("2001:db8::ff"), Iface: 1},
		Route{Prefix: p("0.0.0.0/0"), Gateway: a("10.0.1.254"), Iface: 2, Metric: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to       string
		by       uint16
		ok       bool
		src, via string
		kind     RouteKind
	}{
		{"10.0.0.9", 1, true, "10.0.0.1", "", Unicast},
		{"10.0.0.9", 2, true, "10.0.1.1", "10.0.1.254", Unicast},
		{"192.0.2.1", 1, true, "10.0.0.1", "10.0.0.254", Unicast},
		{"192.0.2.1", 2, true, "10.0.1.1", "10.0.1.254", Unicast},
		{"192.0.2.1", 0, true, "127.0.0.1", "", Unicast},
		{"2001:db8:2::1", 1, true, "2001:db8::1", "2001:db8::ff", Unicast},
		{"2001:db8:2::1", 2, true, "2001:db8:1::1", "", Unicast},
		{"10.0.1.1", 2, true, "10.0.1.1", "", Local},
		{"10.0.1.1", 0, true, "10.0.1.1", "", Local},
		{"255.255.255.255", 2, true, "10.0.1.1", "", Broadcast},
		{"239.1.1.1", 2, true, "10.0.1.1", "", Multicast},
		{"10.0.0.9", 7, false, "", "", 0},
	} {
		rt, ok := r.LookupBy(a(c.to), c.by)
		if ok != c.ok || !ok {
			if ok != c.ok {
				t.Errorf("%s by %d: %v", c.to, c.by, ok)
			}
			continue
		}
		via := ""
		if !rt.Gateway.IsZero() {
			via = rt.Gateway.String()
		}
		if rt.Src != a(c.src) || via != c.via || rt.Kind != c.kind {
			t.Errorf("%s by %d: from %v via %q, %v", c.to, c.by, rt.Src, via, rt.Kind)
		}
	}
}
