package ip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// selection is a host with these addresses on its one link, and routes to everywhere. An
// address may be followed by "deprecated" or "temporary" and by its prefix's length.
func selection(t *testing.T, addrs string) *Routes {
	t.Helper()
	f := RouteIface{Index: 0, Name: "net0", MTU: 1500}
	for _, s := range strings.Split(addrs, ", ") {
		words := strings.Fields(s)
		p := netip.MustParsePrefix(words[0])
		f.Prefixes = append(f.Prefixes, FromPrefix(p))
		f.Notes = append(f.Notes, AddrNote{
			Addr:       FromPrefix(p).Addr.Scoped(0),
			Deprecated: slices.Contains(words, "deprecated"), Temporary: slices.Contains(words, "temporary"),
		})
	}
	var routes []Route
	for _, a := range f.Prefixes {
		if to := (Route{Iface: 0}); a.Is4() {
			to.Prefix = prefix("0.0.0.0/0")
			routes = append(routes, to)
		} else {
			routes = append(routes, to)
		}
	}
	return mustRoutes(t, []RouteIface{f}, routes...)
}

// TestSourceSelection: the examples of RFC 6724 10.1, but for those with home addresses,
// and some of our own.
func TestSourceSelection(t *testing.T) {
	for _, c := range []struct{ rule, dst, addrs, want string }{
		{"appropriate scope", "2001:db8:1::1", "2001:db8:3::1/64, fe80::1/64", "2001:db8:3::1"},
		{"appropriate scope of a group", "ff05::1", "2001:db8:3::1/64, fe80::1/64", "2001:db8:3::1"},
		{"same address", "2001:db8:1::1", "2001:db8:1::1/64 deprecated, 2001:db8:2::1/64", "2001:db8:1::1"},
		{"appropriate scope before deprecation", "fe80::5", "fe80::2/64 deprecated, 2001:db8:1::1/64", "fe80::2"},
		{"longest match", "2001:db8:1::1", "2001:db8:1::2/64, 2001:db8:3::2/64", "2001:db8:1::2"},
		{"matching label", "2002:c633:6401::1", "2002:c633:6401::d5e3:7953:13eb:22e8/64 temporary, 2001:db8:1::2/64", "2002:c633:6401::d5e3:7953:13eb:22e8"},
		{"temporary", "2001:db8:1::d5e3:0:0:1", "2001:db8:1::2/64, 2001:db8:1::d5e3:7953:13eb:22e8/64 temporary", "2001:db8:1::d5e3:7953:13eb:22e8"},
		{"not deprecated", "2001:db8:9::1", "2001:db8:9::2/64 deprecated, 2001:db8:1::1/64", "2001:db8:1::1"},
		{"unique local to unique local", "fd00:1::1", "2001:db8:1::2/64, fd00:2::2/64", "fd00:2::2"},
		{"global to global", "2001:db8:9::1", "fd00:2::2/64, 2001:db8:1::2/64", "2001:db8:1::2"},
		{"prefixes end where subnets do", "2001:db8:1:0:8000::1", "2001:db8:1::2/64, 2001:db8:1:0:8000::2/64", "2001:db8:1::2"},
		{"a shorter prefix says less", "2001:db8:1:8::1", "2001:db8:1:8::2/32, 2001:db8:1::2/64", "2001:db8:1::2"},
		{"a group on the link", "ff02::1", "2001:db8:3::1/64, fe80::1/64", "fe80::1"},
	} {
		r := selection(t, c.addrs)
		rt, ok := r.Lookup(addr(c.dst).Scoped(0))
		if addr(c.dst) == addr(c.want) { // it is ours
			rt, ok = Route{Src: r.iface(0).source6(addr(c.dst))}, true
		}
		if !ok || rt.Src.Wire() != addr(c.want) {
			t.Errorf("%s: to %s from %v, not %s (%v)", c.rule, c.dst, rt.Src, c.want, ok)
		}
	}
}

// TestDestinationOrder: the examples of RFC 6724 10.2, but for those with home addresses,
// and some of our own. Destinations stand in the order wanted.
func TestDestinationOrder(t *testing.T) {
	for _, c := range []struct{ rule, addrs, want string }{
		{"matching scope", "2001:db8::2/64, fe80::1/64, 169.254.13.78/16", "2001:db8:1::1 198.51.100.121"},
		{"matching scope of IPv4", "fe80::1/64, 198.51.100.117/24", "198.51.100.121 2001:db8:1::1"},
		{"higher precedence", "2001:db8::2/64, fe80::1/64, 10.1.2.4/24", "2001:db8:1::1 10.1.2.3"},
		{"smaller scope", "2001:db8::2/64, fe80::2/64", "fe80::5 2001:db8:1::1"},
		{"not deprecated", "2001:db8:1::2/64, fe80::2/64 deprecated", "2001:db8:1::1 fe80::5"},
		{"longest match", "2001:db8:1::2/64, 2001:db8:3f44::2/64, fe80::2/64", "2001:db8:1::1 2001:db8:3ffe::1"},
		{"matching label", "2002:c633:6401::2/64, fe80::2/64", "2002:c633:6401::1 2001:db8:1::1"},
		{"higher precedence than 6to4", "2002:c633:6401::2/64, 2001:db8:1::2/64, fe80::2/64", "2001:db8:1::1 2002:c633:6401::1"},
		{"what can be reached", "10.1.2.4/24", "10.1.2.3 2001:db8:1::1"},
		{"IPv4 before unique local without one's own", "2001:db8::2/64, 10.1.2.4/24", "10.1.2.3 fd00:1::1"},
		{"IPv4 as it came", "10.1.2.4/24", "10.9.0.1 10.1.2.3 10.7.0.1"},
	} {
		r := selection(t, c.addrs)
		want := strings.Fields(c.want)
		for turn := range len(want) {
			if turn > 0 && c.rule == "IPv4 as it came" {
				break
			}
			var dsts []Addr
			for i := range want {
				dsts = append(dsts, addr(want[(i+turn)%len(want)]).Scoped(0))
			}
			Sort(r, dsts, func(a *Addr) Addr { return *a })
			var got []string
			for _, d := range dsts {
				got = append(got, d.String())
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s: %s", c.rule, s)
			}
		}
	}
}
