package ip

import (
	"fmt"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

// guide is a rig whose router tells better ways.
type guide struct {
	*autoRig
	e Endpoint // to far6
}

var (
	gateMAC  = [6]byte{2, 0, 0, 0, 0, 0xff}
	otherLL  = addr("fe80::bb")
	otherMAC = [6]byte{2, 0, 0, 0, 0, 0xbb}
)

func newGuide(t *testing.T) *guide {
	g := &guide{autoRig: &autoRig{rig: newRig6(t)}, e: Endpoint{Remote: far6}}
	g.rig.e.Learn(g.ifaces[0], eth.Addr(gate6), gateMAC)
	return g
}

// tell is a redirect: dst is better reached by target.
func (g *guide) tell(src, target, dst Addr, opts []byte, change ...func(*layers.IPv6)) perf.Verdict {
	t, d := target.Wire(), dst.Wire()
	body := append(append(make([]byte, 4), t[:]...), d[:]...)
	return g.nd(src, own6, ICMP6Redirect, append(body, opts...), change...)
}

func targetOpt(mac [6]byte) []byte { return append([]byte{optTarget, 1}, mac[:]...) }

// by sends to far6 and tells which station the frame goes to; solicitations are left out.
func (g *guide) by(t *testing.T) string {
	t.Helper()
	if errno := g.send(&g.e, []byte("12345678")); errno != 0 {
		return errno.Error()
	}
	for _, f := range g.sent(0) {
		if f[eth.HdrLen+6] == ProtoUDP {
			return fmt.Sprintf("%x", f[5])
		}
	}
	return "nobody"
}

func (g *guide) want(t *testing.T, when, want string) {
	t.Helper()
	if got := g.by(t); got != want {
		t.Errorf("%s: by %s, want %s", when, got, want)
	}
}

// TestRedirect: RFC 4861 8.3: another router, then a host on the link, then none.
func TestRedirect(t *testing.T) {
	g := newGuide(t)
	g.want(t, "before", "ff")
	if v := g.tell(gate6.Wire(), otherLL, far6, targetOpt(otherMAC)); v != perf.Delivered {
		t.Fatal(v)
	}
	g.want(t, "by another router", "bb")
	if n := g.rig.e.Lookup(g.ifaces[0], eth.Addr(otherLL.Scoped(0))); n == nil || !n.Router() {
		t.Error("who was told of is no router")
	}
	if v := g.tell(gate6.Wire(), otherLL, far6, nil); v != perf.DropNDBad {
		t.Error("of a router that is not asked any more:", v)
	}
	if v := g.tell(otherLL, far6, far6, targetOpt([6]byte{2, 0, 0, 0, 0, 0x77})); v != perf.Delivered {
		t.Fatal(v)
	}
	g.want(t, "on the link", "77")
	if n := g.rig.e.Lookup(g.ifaces[0], eth.Addr(far6)); n == nil || n.Router() {
		t.Error("a host was made a router")
	}
	e := Endpoint{Remote: addr("2001:db8:f::8")}
	if errno := g.l.Resolve(&e); errno != 0 || Addr(e.Dst.Neigh.Addr()) != gate6 {
		t.Error("others go another way, too")
	}
	g.advance(redirectTime + perf.Second)
	g.discard()
	g.rig.e.Learn(g.ifaces[0], eth.Addr(gate6), gateMAC)
	g.want(t, "after its time", "ff")
	g.discard()
}

// TestRedirectDead: RFC 4861 7.3.3: a hop that does not answer is given up, whether its
// link address was told or not.
func TestRedirectDead(t *testing.T) {
	for _, opts := range [][]byte{nil, targetOpt(otherMAC)} {
		g := newGuide(t)
		g.tell(gate6.Wire(), otherLL, far6, opts)
		for range 12 {
			g.by(t)
			g.advance(perf.Second)
		}
		g.discard()
		g.rig.e.Learn(g.ifaces[0], eth.Addr(gate6), gateMAC)
		g.by(t)
		g.want(t, "after nobody answered", "ff")
		if len(g.l.redirects.list) != 0 {
			t.Error("the redirect is there")
		}
		g.discard()
	}
}

// TestRedirectRefused: RFC 4861 8.1.
func TestRedirectRefused(t *testing.T) {
	stranger := addr("fe80::66")
	for what, f := range map[string]func(*guide) perf.Verdict{
		"of another router": func(g *guide) perf.Verdict { return g.tell(stranger, otherLL, far6, nil) },
		"of a global address": func(g *guide) perf.Verdict {
			return g.tell(peer6, otherLL, far6, nil)
		},
		"from afar": func(g *guide) perf.Verdict {
			return g.tell(gate6.Wire(), otherLL, far6, nil, func(h *layers.IPv6) { h.HopLimit = 254 })
		},
		"to a global address that is not the destination": func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), peer6, far6, nil) },
		"of a group":                  func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, addr("ff0e::1"), nil) },
		"of a link-local address":     func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, stranger, nil) },
		"of ourselves":                func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, own6, nil) },
		"to ourselves":                func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), ll6, far6, nil) },
		"of who is on the link":       func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, peer6, nil) },
		"of nobody":                   func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, Addr{}, nil) },
		"of an IPv4-mapped address":   func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, addr("10.0.0.9"), nil) },
		"with an option of no length": func(g *guide) perf.Verdict { return g.tell(gate6.Wire(), otherLL, far6, make([]byte, 8)) },
	} {
		g := newGuide(t)
		if v := f(g); v != perf.DropNDBad {
			t.Errorf("%s: %v", what, v)
		}
		g.want(t, what, "ff")
		g.discard()
	}
}

// TestRedirectBound: what is told of many destinations is not all kept.
func TestRedirectBound(t *testing.T) {
	g := newGuide(t)
	for i := range 1000 {
		dst := addr("2001:db8:f::")
		be.PutUint16(dst[14:], uint16(i))
		if v := g.tell(gate6.Wire(), otherLL, dst, targetOpt(otherMAC)); v != perf.Delivered {
			t.Fatal(i, v)
		}
	}
	if n := len(g.l.redirects.list); n != redirectRows {
		t.Errorf("%d are kept", n)
	}
	g.discard()
}
