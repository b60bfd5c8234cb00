package eth

import (
	"testing"

	"dataplane/perf"
)

// solicits counts what the layer asks package ip to send, and to whom.
type solicits struct {
	n       int
	unicast bool
}

func newHost6(t *testing.T) (*host, *solicits) {
	h, s := newHost(t, nil), new(solicits)
	h.l.OnSolicit = func(_ *Neighbor, unicast bool) {
		s.n++
		s.unicast = unicast
	}
	return h, s
}

func (h *host) state6() string {
	n := h.l.Lookup(h.ifc, peer6)
	if n == nil {
		return "none"
	}
	return n.State(h.now).String()
}

// TestAdvertised is RFC 4861, appendix C: what an advertisement does in each state.
func TestAdvertised(t *testing.T) {
	const S, O, R = FlagSolicited, FlagOverride, FlagRouter
	other := otherMAC
	same := peerMAC
	for _, c := range []struct {
		from  State
		mac   *[6]byte
		flags uint8
		state string
		now   [6]byte // the address that is known then
	}{
		{Incomplete, nil, S, "INCOMPLETE", [6]byte{}},
		{Incomplete, &same, 0, "DELAY", peerMAC}, // stale, and the packet that waited uses it
		{Incomplete, &same, S, "REACHABLE", peerMAC},
		{Incomplete, &same, O, "DELAY", peerMAC},
		{Reachable, &same, 0, "REACHABLE", peerMAC},
		{Reachable, &other, 0, "STALE", peerMAC},
		{Reachable, &other, S, "STALE", peerMAC},
		{Reachable, &other, O, "STALE", otherMAC},
		{Reachable, &other, S | O, "REACHABLE", otherMAC},
		{Stale, nil, S, "REACHABLE", peerMAC},
		{Stale, &other, S, "DELAY", peerMAC},
		{Stale, &same, S | R, "REACHABLE", peerMAC},
		{Stale, &other, O, "STALE", otherMAC},
		{Probe, nil, S, "REACHABLE", peerMAC},
		{Probe, &other, 0, "PROBE", peerMAC},
		{Probe, &same, O, "PROBE", peerMAC},
		{Probe, &other, S | O, "REACHABLE", otherMAC},
	} {
		h, _ := newHost6(t)
		h.send6(peer6, 1)
		if c.from != Incomplete {
			h.l.Advertised(h.ifc, peer6, &same, 0) // stale
		}
		switch c.from {
		case Reachable:
			h.l.Confirm(h.l.Lookup(h.ifc, peer6), h.now)
		case Probe:
			h.send6(peer6, 1)
			h.advance(delayTime + 10*perf.Millisecond)
		}
		h.l.Advertised(h.ifc, peer6, c.mac, c.flags)
		n := h.l.Lookup(h.ifc, peer6)
		if h.state6() != c.state || n.MAC() != c.now {
			t.Errorf("%v, flags %02x, mac %v: %s %x, want %s %x", c.from, c.flags, c.mac, h.state6(), n.MAC(), c.state, c.now)
		}
		if n.Router() != (c.flags&R != 0) {
			t.Errorf("%v: router %v", c.from, n.Router())
		}
		h.frames()
	}
}

// TestSolicit: three times to all, a second or what routers say apart, then none.
func TestSolicitTimes(t *testing.T) {
	h, s := newHost6(t)
	h.ifc.Retrans = 2 * perf.Second
	h.send6(peer6, 1)
	h.advance(5 * perf.Second)
	if s.n != 3 || s.unicast || h.state6() != "INCOMPLETE" {
		t.Errorf("%+v %s", *s, h.state6())
	}
	h.advance(2 * perf.Second)
	if s.n != 3 || h.state6() != "FAILED" || len(h.dead) != 1 {
		t.Errorf("%+v %s, %d unreachable", *s, h.state6(), len(h.dead))
	}
}

// TestProbeRouter: a router that does not answer three questions is given up at once, a
// host is looked for again.
func TestProbeRouter(t *testing.T) {
	for _, router := range []bool{false, true} {
		h, s := newHost6(t)
		h.ifc.Reachable = 10 * perf.Second
		n := h.l.Learn(h.ifc, peer6, peerMAC)
		h.l.SetRouter(n, router)
		h.send6(peer6, 1)
		h.advance(delayTime + 2500*perf.Millisecond)
		if s.n != 3 || !s.unicast {
			t.Errorf("router %v: %+v", router, *s)
		}
		h.advance(perf.Second)
		want := "INCOMPLETE"
		if router {
			want = "FAILED"
		}
		if h.state6() != want {
			t.Errorf("router %v: %s, want %s", router, h.state6(), want)
		}
		h.frames()
	}
}

// TestNoRouter: who says that it is no router any more is reported.
func TestNoRouter(t *testing.T) {
	h, _ := newHost6(t)
	gone := 0
	h.l.OnNoRouter = func(*Neighbor) { gone++ }
	n := h.l.Learn(h.ifc, peer6, peerMAC)
	h.l.SetRouter(n, true)
	h.l.Advertised(h.ifc, peer6, nil, FlagSolicited)
	h.l.Advertised(h.ifc, peer6, nil, FlagSolicited)
	if gone != 1 || h.state6() != "REACHABLE" {
		t.Errorf("%d times, %s", gone, h.state6())
	}
}

// TestFlood6: what is heard does not push out what is used, nor fill memory.
func TestFlood6(t *testing.T) {
	h, _ := newHost6(t)
	h.send6(peer6, 1)
	h.l.Advertised(h.ifc, peer6, &peerMAC, FlagSolicited)
	for i := range 5000 {
		h.l.Learn(h.ifc, Addr{0: 0xfe, 1: 0x80, 12: 1, 14: byte(i >> 8), 15: byte(i)}, otherMAC)
	}
	if h.l.nb.n > defaultNeighbors || h.state6() != "REACHABLE" {
		t.Errorf("%d neighbours, the used one is %s", h.l.nb.n, h.state6())
	}
	h.frames()
	h.checkTable()
}
