package ip

import (
	"strings"
	"testing"

	"dataplane/eth"
	"dataplane/perf"
)

// offered is a rig to whose port 0 an address is offered by a draft, as configuration does.
func offered(t *testing.T, p string) (*autoRig, Prefix) {
	t.Helper()
	g := newAutoRig(t, Auto{})
	g.advance(2 * perf.Second)
	g.discard()
	want := prefix(p)
	g.change(func(d *Draft) error { return d.OfferAddr(0, want) })
	g.l.cfg.OnAuto = func(st AutoState) {
		g.st = st
		d := g.routes.Load().Draft()
		for _, p := range st.Free {
			d.Free(0, p)
		}
		for _, a := range st.Gone {
			d.DelAddr(0, Prefix{a, want.Bits}) //nolint:errcheck // it may have gone before
		}
		r, err := d.Snapshot()
		if err != nil {
			t.Error(err)
		}
		g.routes.Store(r)
	}
	return g, want
}

// change makes a change as inet's Host does.
func (g *autoRig) change(f func(*Draft) error) {
	g.t.Helper()
	d := g.routes.Load().Draft()
	if err := f(d); err != nil {
		g.t.Fatal(err)
	}
	r, err := d.Snapshot()
	if err != nil {
		g.t.Fatal(err)
	}
	g.routes.Store(r)
	g.l.FollowAddrs(g.now)
}

// TestOffered: RFC 4862 5.4: an address is asked for, and nobody's meanwhile; after a second
// without an objection it is ours, and all hear of it.
func TestOffered(t *testing.T) {
	g, p := offered(t, "2001:db8:5::5/64")
	if got := g.said(); got != "::>ff02::1:ff00:5 NS 2001:db8:5::5" {
		t.Errorf("sent %q", got)
	}
	if g.routes.Load().IsLocal(p.Addr) {
		t.Error("it is ours at once")
	}
	w := p.Addr.Wire()
	g.nd(peerLL.Wire(), SolicitedNode(p.Addr), ICMP6NeighborSolicit, solicitation(p.Addr, peerMAC))
	g.frame6(g.ifaces[0].MAC, icmp6Packet(peerLL.Wire(), w, ICMP6Echo, 0, make([]byte, 4)))
	if s := g.said(); s != "" {
		t.Errorf("answered: %q", s)
	}
	if d := g.routes.Load().Draft(); d.AddAddr(0, p) == nil {
		t.Error("it can be had twice")
	}
	g.advance(1100 * perf.Millisecond)
	if got := g.said(); got != "2001:db8:5::5>ff02::1 NA 2001:db8:5::5 20" {
		t.Errorf("sent %q", got)
	}
	if !g.routes.Load().IsLocal(p.Addr) {
		t.Error("it is not ours")
	}
	if rt, ok := g.routes.Load().Lookup(addr("2001:db8:5::9")); !ok || rt.Src != p.Addr {
		t.Errorf("its subnet: %+v %v", rt, ok)
	}
	g.l.FollowAddrs(g.now)
	g.advance(5 * perf.Second)
	if s := g.said(); s != "" {
		t.Errorf("asked again: %q", s)
	}
	g.change(func(d *Draft) error { return d.DelAddr(0, p) })
	g.change(func(d *Draft) error { return d.OfferAddr(0, p) })
	if got := g.said(); !strings.Contains(got, "NS 2001:db8:5::5") || g.routes.Load().IsLocal(p.Addr) {
		t.Errorf("offered again: %q", got)
	}
	g.change(func(d *Draft) error { return d.DelAddr(0, p) })
	g.advance(5 * perf.Second)
	if g.routes.Load().IsLocal(p.Addr) {
		t.Error("it came back")
	}
	g.discard()
}

// TestOfferedTaken: RFC 4862 5.4.3 to 5.4.5: somebody has it, or asks for it as well.
func TestOfferedTaken(t *testing.T) {
	for _, by := range []string{"advertisement", "probe"} {
		g, p := offered(t, "2001:db8:5::5/64")
		g.advance(500 * perf.Millisecond)
		w := p.Addr.Wire()
		if by == "probe" {
			g.nd(Addr{}, SolicitedNode(p.Addr), ICMP6NeighborSolicit, append(make([]byte, 4), w[:]...))
		} else {
			g.nd(peerLL.Wire(), AllNodes, ICMP6NeighborAdvert, append(append([]byte{eth.FlagOverride, 0, 0, 0}, w[:]...), 2, 1, 2, 0, 0, 0, 0, 9))
		}
		g.advance(5 * perf.Second)
		f := g.routes.Load().iface(0)
		if g.routes.Load().IsLocal(p.Addr) || len(f.Waiting) != 0 || len(g.st.Gone) != 1 {
			t.Errorf("%s: %v, gone %v", by, f.Waiting, g.st.Gone)
		}
		g.discard()
		g.change(func(d *Draft) error { return d.OfferAddr(0, p) }) // the other one has left
		g.advance(5 * perf.Second)
		if !g.routes.Load().IsLocal(p.Addr) {
			t.Errorf("%s: it cannot be had any more", by)
		}
		g.discard()
	}
}

// TestOfferedAtOnce: where nobody can be asked, and IPv4.
func TestOfferedAtOnce(t *testing.T) {
	r := newRig6(t)
	d := r.routes.Load().Draft()
	for i, s := range map[uint16]string{0: "10.77.0.1/24", 1: "2001:db8:7::1/64", 2: "2001:db8:8::1/128"} {
		p := prefix(s)
		if err := d.OfferAddr(i, p); err != nil {
			t.Fatal(err)
		}
		if f := d.Iface(i); len(f.Waiting) != 0 || f.Prefixes[len(f.Prefixes)-1] != p {
			t.Errorf("%s waits", s)
		}
	}
}
