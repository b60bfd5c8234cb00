package ip

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

// autoRig is a rig whose port 0 looks after its addresses.
type autoRig struct {
	*rig
	st AutoState
}

func newAutoRig(t testing.TB, cfg Auto) *autoRig {
	g := new(autoRig)
	g.rig = newRig(t, func(c *Config) {
		c.Speaker = true
		c.OnAuto = func(st AutoState) { g.found(st) }
	})
	ifaces := g.addrs()
	ifaces[0].Prefixes = append(ifaces[0].Prefixes, Prefix{ll6, 64})
	g.routes.Store(mustRoutes(t, ifaces))
	g.l.StartAuto([]Auto{cfg}, g.now)
	return g
}

// found makes the next snapshot, as a goroutine does.
func (g *autoRig) found(st AutoState) {
	g.st = st
	ifaces := g.addrs()
	ifaces[0].Prefixes = append(ifaces[0].Prefixes, Prefix{ll6, 64})
	for _, a := range st.Addrs {
		ifaces[0].Prefixes = append(ifaces[0].Prefixes, a.Prefix)
		ifaces[0].Notes = append(ifaces[0].Notes, a.AddrNote)
	}
	ifaces[0].MTU6, ifaces[0].Hops = st.MTU, st.Hops
	g.routes.Store(mustRoutes(g.t, ifaces, st.Routes...))
}

// said is what left port 0, in words, as gopacket reads it.
func (g *autoRig) said() string {
	g.t.Helper()
	var out []string
	for _, b := range g.sent(0) {
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		h, ok := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		if !ok {
			continue
		}
		if e := p.ErrorLayer(); e != nil {
			g.t.Errorf("%v in %v", e.Error(), p)
		}
		if ip6 := net.IP(h.DstIP); ip6.IsMulticast() {
			want := eth.GroupMAC6(eth.Addr(h.DstIP))
			if d := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet).DstMAC; d.String() != net.HardwareAddr(want[:]).String() {
				g.t.Errorf("to %v by %v", ip6, d)
			}
		}
		s := ""
		switch {
		case p.Layer(layers.LayerTypeICMPv6NeighborSolicitation) != nil:
			s = "NS " + p.Layer(layers.LayerTypeICMPv6NeighborSolicitation).(*layers.ICMPv6NeighborSolicitation).TargetAddress.String()
		case p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement) != nil:
			a := p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement)
			s = fmt.Sprintf("NA %v %02x", a.TargetAddress, a.Flags)
		case p.Layer(layers.LayerTypeICMPv6RouterSolicitation) != nil:
			s = "RS"
		case p.Layer(layers.LayerTypeMLDv2MulticastListenerReport) != nil:
			continue
		default:
			s = p.String()
		}
		if h.HopLimit != 255 {
			g.t.Errorf("hop limit %d", h.HopLimit)
		}
		out = append(out, fmt.Sprintf("%v>%v %s", h.SrcIP, h.DstIP, s))
	}
	return strings.Join(out, "; ")
}

// advert is a router's advertisement to all nodes.
func (g *autoRig) advert(src Addr, pref uint8, life uint16, opts ...[]byte) perf.Verdict {
	b := make([]byte, advertLen-4)
	b[0], b[1] = 33, pref<<3
	be.PutUint16(b[2:], life)
	for _, o := range opts {
		b = append(b, o...)
	}
	return g.nd(src, AllNodes, ICMP6RouterAdvert, b)
}

// nd gives a message to port 0; body begins behind the checksum.
func (g *autoRig) nd(src, dst Addr, typ uint8, body []byte, change ...func(*layers.IPv6)) perf.Verdict {
	mac := g.ifaces[0].MAC
	if dst.IsMulticast() {
		mac = eth.GroupMAC6(eth.Addr(dst))
	}
	change = append([]func(*layers.IPv6){func(h *layers.IPv6) { h.HopLimit = 255 }}, change...)
	return g.frame6(mac, icmp6Packet(src, dst, typ, 0, body, change...))
}

func prefixOpt(p string, flags uint8, valid, preferred uint32) []byte {
	b := make([]byte, 32)
	pp := prefix(p)
	b[0], b[1], b[2], b[3] = optPrefix, 4, pp.Bits, flags
	be.PutUint32(b[4:], valid)
	be.PutUint32(b[8:], preferred)
	copy(b[16:], pp.Addr[:])
	return b
}

func (g *autoRig) addresses() string {
	var out []string
	for _, a := range g.st.Addrs {
		s := a.Prefix.String()
		if a.Deprecated {
			s += " deprecated"
		}
		if a.Temporary {
			s = a.Prefix.Masked().String() + " temporary"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (g *autoRig) wantAddrs(want string) {
	g.t.Helper()
	if got := g.addresses(); got != want {
		g.t.Errorf("addresses %q, want %q", got, want)
	}
}

var (
	routerA = addr("fe80::aa")
	routerB = addr("fe80::bb")
)

// TestStart: the link-local address is checked, then routers are asked, ever more seldom.
func TestStart(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	probe := ":: >ff02::1:ff00:1 NS fe80::ff:fe00:1"
	probe = strings.Replace(probe, ":: >", "::>", 1)
	if got, want := g.said(), probe+"; ::>ff02::2 RS"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	g.advance(5 * perf.Second)
	if got := g.said(); got != "fe80::ff:fe00:1>ff02::1 NA fe80::ff:fe00:1 20; fe80::ff:fe00:1>ff02::2 RS" {
		t.Errorf("sent %q", got)
	}
	n := 0
	for range 100 {
		g.advance(perf.Minute)
		if s := g.said(); s != "" {
			n += strings.Count(s, "RS")
		}
	}
	if n < 7 || n > 11 { // 8, 16, 32, ... up to an hour
		t.Errorf("%d solicitations in 100 minutes", n)
	}
	g.advert(routerA, 0, 1800)
	g.advance(3 * perf.Minute)
	if s := g.said(); s != "" {
		t.Errorf("after an answer: %q", s)
	}
}

// TestSLAAC: RFC 4862 5.5: an address from a prefix, its lifetimes, and the rule of two hours.
func TestSLAAC(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	g.advert(routerA, 0, 1800, prefixOpt("2001:db8:1::/64", 0xc0, 3600*5, 3600))
	g.wantAddrs("") // not yet: others are asked
	g.advance(2100 * perf.Millisecond)
	g.wantAddrs("2001:db8:1::ff:fe00:1/64")
	if s := g.said(); !strings.Contains(s, "::>ff02::1:ff00:1 NS 2001:db8:1::ff:fe00:1") {
		t.Errorf("nobody was asked: %q", s)
	}
	if rt, ok := g.routes.Load().Lookup(far6); !ok || rt.Gateway != routerA.Scoped(0) || rt.Src != addr("2001:db8:1::ff:fe00:1") {
		t.Errorf("%+v %v", rt, ok)
	}
	g.advance(3600 * perf.Second)
	g.wantAddrs("2001:db8:1::ff:fe00:1/64 deprecated")
	// One second of an unknown's will not end it before two hours have passed.
	g.advert(routerA, 0, 1800, prefixOpt("2001:db8:1::/64", 0xc0, 1, 1))
	g.advance(7100 * perf.Second)
	if len(g.st.Addrs) != 1 {
		t.Error("ended too soon")
	}
	g.advance(200 * perf.Second)
	g.wantAddrs("")
	if len(g.st.Routes) != 0 {
		t.Errorf("routes stay: %v", g.st.Routes)
	}
	g.discard()
}

// TestPrefixIgnored: what makes no address. RFC 4862 5.5.3.
func TestPrefixIgnored(t *testing.T) {
	for what, opt := range map[string][]byte{
		"not autonomous":         prefixOpt("2001:db8:1::/64", 0x80, 3600, 3600),
		"link-local":             prefixOpt("fe80::/64", 0xc0, 3600, 3600),
		"preferred beyond valid": prefixOpt("2001:db8:1::/64", 0xc0, 3600, 3601),
		"another length":         prefixOpt("2001:db8:1::/72", 0xc0, 3600, 3600),
		"ended":                  prefixOpt("2001:db8:1::/64", 0xc0, 0, 0),
		"a group":                prefixOpt("ff0e::/64", 0xc0, 3600, 3600),
	} {
		g := newAutoRig(t, Auto{Routers: true})
		g.advert(routerA, 0, 1800, opt)
		g.advance(3 * perf.Second)
		if g.addresses() != "" {
			t.Errorf("%s: %s", what, g.addresses())
		}
		g.discard()
	}
}

// TestDuplicate: RFC 4862 5.4.5, 7217 6: an address that somebody has is not used; with a
// secret another one is made.
func TestDuplicate(t *testing.T) {
	for _, secret := range []string{"", "a secret"} {
		for _, by := range []string{"advertisement", "probe"} {
			g := newAutoRig(t, Auto{Routers: true, Secret: []byte(secret)})
			g.advert(routerA, 0, 1800, prefixOpt("2001:db8:1::/64", 0xc0, 3600, 3600))
			g.advance(1050 * perf.Millisecond)
			k := g.l.auto.links[0]
			a := k.addrs[len(k.addrs)-1].Addr
			if by == "probe" {
				g.nd(Addr{}, SolicitedNode(a), ICMP6NeighborSolicit, append(make([]byte, 4), a[:]...))
			} else {
				g.nd(peerLL, AllNodes, ICMP6NeighborAdvert, append(append([]byte{eth.FlagOverride, 0, 0, 0}, a[:]...), 2, 1, 2, 0, 0, 0, 0, 9))
			}
			g.advance(3 * perf.Second)
			for _, x := range g.st.Addrs {
				if x.Prefix.Addr == a {
					t.Errorf("%s: the address is used", by)
				}
			}
			if want := len(secret) > 0; (len(g.st.Addrs) == 1) != want {
				t.Errorf("%s, secret %q: %s", by, secret, g.addresses())
			}
			g.discard()
		}
	}
}

// TestGivenTaken: a configured address that somebody has is given up.
func TestGivenTaken(t *testing.T) {
	g := newAutoRig(t, Auto{})
	g.nd(peerLL, AllNodes, ICMP6NeighborAdvert, append(append([]byte{eth.FlagOverride, 0, 0, 0}, ll6.Wire().slice()...), 2, 1, 2, 0, 0, 0, 0, 9))
	if len(g.st.Gone) != 1 || g.st.Gone[0] != ll6.Scoped(0) {
		t.Errorf("gone: %v", g.st.Gone)
	}
	g.discard()
}

func (a Addr) slice() []byte { return a[:] }

// TestRouters: preferences, lifetimes, specific routes, and one that stops being a router.
func TestRouters(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	g.advance(2 * perf.Second)
	gate := func(dst string) string {
		rt, ok := g.routes.Load().Lookup(addr(dst))
		if !ok {
			return "none"
		}
		return rt.Gateway.Wire().String()
	}
	want := func(dst, gw string) {
		t.Helper()
		if got := gate(dst); got != gw {
			t.Errorf("%s by %s, want %s", dst, got, gw)
		}
	}
	g.advert(routerA, 0, 100)
	want("2001:db8:f::7", "fe80::aa")
	g.advert(routerB, 1, 50) // high
	want("2001:db8:f::7", "fe80::bb")
	route := []byte{optRoute, 2, 48, 0, 0, 0, 0, 60, 0x20, 1, 0xd, 0xb8, 0, 7, 0, 0}
	g.advert(routerA, 0, 100, route)
	want("2001:db8:7::1", "fe80::aa")
	g.advance(55 * perf.Second) // B's lifetime is over
	want("2001:db8:f::7", "fe80::aa")
	g.advance(10 * perf.Second)
	want("2001:db8:7::1", "fe80::aa") // by default
	g.advert(routerA, 0, 0)
	want("2001:db8:f::7", "none")
	g.advert(routerA, 0, 100, []byte{optSource, 1, 2, 0, 0, 0, 0, 0xaa})
	want("2001:db8:f::7", "fe80::aa")
	g.nd(routerA, AllNodes, ICMP6NeighborAdvert, append([]byte{0, 0, 0, 0}, routerA[:]...))
	want("2001:db8:f::7", "none")
	g.discard()
}

// TestLinkOptions: MTU, hop limit, name servers.
func TestLinkOptions(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	dns := append([]byte{optRDNSS, 3, 0, 0, 0, 0, 0, 30}, addr("2001:db8::53").slice()...)
	g.advert(routerA, 0, 1800, []byte{optMTU, 1, 0, 0, 0, 0, 0x05, 0x14}, dns)
	if g.st.MTU != 1300 || g.st.Hops != 33 || len(g.st.DNS) != 1 {
		t.Errorf("%+v", g.st)
	}
	e := Endpoint{Remote: far6, Local: ll6.Scoped(0)}
	if errno := g.l.Resolve(&e); errno != 0 || e.Dst.MTU != 1300 || g.l.ttlOf(&e) != 33 {
		t.Errorf("%v %+v", errno, e.Dst)
	}
	g.advert(routerA, 0, 1800, []byte{optMTU, 1, 0, 0, 0, 0, 0x04, 0xff}) // 1279
	g.advert(routerA, 0, 1800, []byte{optMTU, 1, 0, 0, 0, 0, 0x05, 0xdd}) // 1501
	if g.st.MTU != 1300 {
		t.Errorf("MTU %d", g.st.MTU)
	}
	g.advance(31 * perf.Second)
	if len(g.st.DNS) != 0 {
		t.Error("a name server outlives its time")
	}
	g.discard()
}

// TestTemporary: RFC 8981: an address that changes, preferred as a source.
func TestTemporary(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true, Temporary: true})
	day := uint32(24 * 3600)
	g.advert(routerA, 0, 9000, prefixOpt("2001:db8:1::/64", 0xc0, 30*day, 30*day))
	g.advance(4 * perf.Second)
	g.wantAddrs("2001:db8:1::ff:fe00:1/64, 2001:db8:1::/64 temporary")
	rt, _ := g.routes.Load().Lookup(far6)
	first := rt.Src
	if first != g.st.Addrs[1].Prefix.Addr {
		t.Errorf("from %v", first)
	}
	g.advance(25 * 3600 * perf.Second)
	if len(g.st.Addrs) < 3 {
		t.Fatalf("after a day: %s", g.addresses())
	}
	g.advert(routerA, 0, 9000)
	if rt, _ = g.routes.Load().Lookup(far6); rt.Src == first || !g.isTemporary(rt.Src) {
		t.Errorf("from %v still", rt.Src)
	}
	g.advance(24 * 3600 * perf.Second)
	for _, a := range g.st.Addrs {
		if a.Prefix.Addr == first {
			t.Error("the first one is there after two days")
		}
	}
	g.discard()
}

func (g *autoRig) isTemporary(a Addr) bool {
	for _, x := range g.st.Addrs {
		if x.Prefix.Addr == a {
			return x.Temporary
		}
	}
	return false
}

// TestAdvertChecks: RFC 4861 6.1.2.
func TestAdvertChecks(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	for what, v := range map[string]perf.Verdict{
		"not link-local": g.advert(addr("2001:db8::1"), 0, 100),
		"option of 0":    g.advert(routerA, 0, 100, []byte{1, 0, 0, 0, 0, 0, 0, 0}),
		"cut option":     g.advert(routerA, 0, 100, []byte{3, 4, 0, 0, 0, 0, 0, 0}),
		"hop limit":      g.nd(routerA, AllNodes, ICMP6RouterAdvert, make([]byte, 12), func(h *layers.IPv6) { h.HopLimit = 254 }),
		"short":          g.nd(routerA, AllNodes, ICMP6RouterAdvert, make([]byte, 8)),
	} {
		if v != perf.DropNDBad {
			t.Errorf("%s: %v", what, v)
		}
	}
	if len(g.st.Routes) != 0 {
		t.Errorf("believed: %v", g.st.Routes)
	}
	g.discard()
}

// TestAdvertFlood: many prefixes, routers and advertisements cost little.
func TestAdvertFlood(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true, Temporary: true})
	limited := 0
	for i := range 5000 {
		r := routerA
		be.PutUint16(r[12:], uint16(i))
		p := fmt.Sprintf("2001:db8:%x::/64", i+1)
		if g.advert(r, 0, 1800, prefixOpt(p, 0xc0, 3600, 3600), []byte{optSource, 1, 2, 0, 0, 0, 0, 1}) == perf.DropNDLimit {
			limited++
		}
		if i%50 == 0 {
			g.advance(200 * perf.Millisecond)
		}
		g.discard()
	}
	g.advance(10 * perf.Second)
	k := g.l.auto.links[0]
	if len(k.addrs) > maxAutoAddrs+1 || len(k.routers) > maxAutoRouters || len(k.routes) > maxAutoRoutes || limited == 0 {
		t.Errorf("%d addresses, %d routers, %d routes, %d limited", len(k.addrs), len(k.routers), len(k.routes), limited)
	}
	g.discard()
}

// FuzzND: whatever comes, nothing breaks.
func FuzzND(f *testing.F) {
	f.Add(uint8(ICMP6RouterAdvert), append(make([]byte, 12), prefixOpt("2001:db8:1::/64", 0xc0, 3600, 3600)...))
	f.Add(uint8(ICMP6NeighborSolicit), append(make([]byte, 4), ll6[:]...))
	f.Add(uint8(ICMP6NeighborAdvert), append(make([]byte, 4), ll6[:]...))
	f.Add(uint8(ICMP6Redirect), make([]byte, 36))
	f.Add(uint8(ICMP6ListenerQuery), make([]byte, 24))
	f.Fuzz(func(t *testing.T, typ uint8, body []byte) {
		if len(body) < 4 || len(body) > 1300 {
			return
		}
		g := newAutoRig(t, Auto{Routers: true, Temporary: true})
		for _, src := range []Addr{routerA, {}} {
			g.nd(src, AllNodes, typ, body)
			g.nd(src, SolicitedNode(ll6), typ, body)
			g.advance(5 * perf.Second)
			g.nd(src, ll6.Wire(), typ, body)
		}
		g.advance(perf.Minute)
		g.discard()
	})
}

// A route to IPv4 is nothing that a router of IPv6 can announce: the next snapshot must not
// fail for it.
func TestRouteToMapped(t *testing.T) {
	g := newAutoRig(t, Auto{Routers: true})
	mapped := addr("10.9.0.0")
	opt := make([]byte, 24)
	opt[0], opt[1], opt[2] = optRoute, 3, 112
	be.PutUint32(opt[4:], 600)
	copy(opt[8:], mapped[:])
	g.advert(peerLL, 0, 1800, opt)
	for _, r := range g.st.Routes {
		if r.Prefix.Is4() {
			t.Errorf("a route to %v", r.Prefix)
		}
	}
}
