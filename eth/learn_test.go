package eth

import (
	"testing"

	"dataplane/perf"
)

var (
	peer6  = Addr{0xfe, 0x80, 15: 2}
	group6 = Addr{0xff, 2, 12: 1, 13: 0xff, 14: 2, 15: 3}
)

// send6 has the layer send a packet of one byte to ip.
func (h *host) send6(ip Addr, b byte) {
	m := h.pool.Alloc()
	m.Append(1)[0] = b
	h.l.Output(m, h.l.Neighbor(h.ifc, ip), TypeIPv6, h.now)
}

// TestSolicit: who knows how to ask for an IPv6 neighbour is called, the packet waits
// for the answer, and leaves with its ethertype.
func TestSolicit(t *testing.T) {
	h := newHost(t, nil)
	asked := 0
	h.l.OnSolicit = func(n *Neighbor, unicast bool) {
		if n.Addr() != peer6 || n.Iface() != h.ifc || unicast {
			t.Errorf("asked for %x, unicast %v", n.Addr(), unicast)
		}
		asked++
	}
	h.send6(peer6, 7)
	h.quiet()
	if asked != 1 {
		t.Fatalf("asked %d times", asked)
	}
	h.l.Answered(h.l.Lookup(h.ifc, peer6), peerMAC, true)
	f := h.frames()
	if len(f) != 1 || Header(f[0]).Type() != TypeIPv6 || Header(f[0]).Dst() != peerMAC || f[0][HdrLen] != 7 {
		t.Fatalf("sent %x", f)
	}
}

// TestLearn: a station that speaks to us is known, but not confirmed.
func TestLearn(t *testing.T) {
	h := newHost(t, nil)
	h.l.Learn(h.ifc, peer6, peerMAC)
	n := h.l.Lookup(h.ifc, peer6)
	if n == nil || n.State(h.now) != Stale || n.MAC() != peerMAC {
		t.Fatalf("%+v", n)
	}
	h.l.Learn(h.ifc, peer6, otherMAC)
	if n.MAC() != otherMAC {
		t.Error("the new address was not taken")
	}
	h.advance(3 * perf.Minute)
	if h.l.Lookup(h.ifc, peer6) != nil {
		t.Error("never used, and not forgotten")
	}
}

// TestGroup6: RFC 2464 7.
func TestGroup6(t *testing.T) {
	h := newHost(t, nil)
	h.send6(group6, 1)
	f := h.frames()
	if len(f) != 1 || Header(f[0]).Dst() != [6]byte{0x33, 0x33, 1, 0xff, 2, 3} {
		t.Fatalf("sent %x", f)
	}
}
