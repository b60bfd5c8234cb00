package eth

import (
	"fmt"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// reply lets ip answer with mac.
func (h *host) reply(ip [4]byte, mac [6]byte, flags ...uint64) {
	h.t.Helper()
	if v := h.recv(arpFrame(h.t, ARPReply, ourMAC, side(mac, ip), side(ourMAC, ourIP)), flags...); v != perf.Delivered {
		h.t.Errorf("reply: %v", v)
	}
}

// ip4s returns the last byte of each packet sent to mac; ARP is an error.
func (h *host) ip4s(mac [6]byte) (out []byte) {
	h.t.Helper()
	for _, f := range h.frames() {
		if e := Header(f); e.Type() != TypeIPv4 || e.Dst() != mac {
			h.t.Errorf("sent %x", f)
		}
		out = append(out, f[len(f)-1])
	}
	return out
}

func TestResolve(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.wantState(peerIP, "INCOMPLETE")
	a := h.arps()
	if len(a) != 1 || a[0].Operation != ARPRequest || !sameMAC(a[0].SourceHwAddress, ourMAC) || [4]byte(a[0].SourceProtAddress) != ourIP ||
		[4]byte(a[0].DstProtAddress) != peerIP || !sameMAC(a[0].DstHwAddress, [6]byte{}) {
		t.Fatalf("request: %+v", a)
	}
	h.send(peerIP, 2)
	h.quiet()
	h.reply(peerIP, peerMAC)
	h.wantState(peerIP, "REACHABLE")
	if got := h.ip4s(peerMAC); string(got) != "\x01\x02" {
		t.Errorf("after the answer: %v", got)
	}
	h.send(peerIP, 3)
	if got := h.ip4s(peerMAC); string(got) != "\x03" {
		t.Errorf("later: %v", got)
	}
	if m := h.l.Lookup(h.ifc, Addr4(peerIP)).MAC(); m != peerMAC {
		t.Errorf("MAC %x", m)
	}
}

// TestRequestRate: RFC 1122 2.3.2.1: at most one a second, however many wait.
func TestRequestRate(t *testing.T) {
	h := newHost(t, nil)
	n := 0
	for range 60 * 50 {
		h.send(peerIP, 1)
		h.now += 20 * perf.Millisecond
		h.wheel.Advance(int64(h.now))
		n += len(h.frames())
	}
	if n > 61 || n < 20 {
		t.Errorf("%d requests in 60 s", n)
	}
}

func TestFailure(t *testing.T) {
	h := newHost(t, nil)
	const more = 3
	for b := range byte(maxPending + more) {
		h.send(peerIP, b)
	}
	if n := h.stat.Lost[perf.LostNeighborQueue]; n != more {
		t.Errorf("%d pushed out, want %d", n, more)
	}
	h.advance(2900 * perf.Millisecond)
	if n := len(h.arps()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	if len(h.dead) != 0 {
		t.Error("reported too early")
	}
	h.advance(200 * perf.Millisecond)
	h.wantState(peerIP, "FAILED")
	if n := h.l.Lookup(h.ifc, Addr4(peerIP)); !n.Failed() {
		t.Error("Failed")
	}
	if len(h.dead) != maxPending || h.dead[0][0] != more || h.dead[maxPending-1][0] != maxPending+more-1 {
		t.Errorf("reported %v", h.dead)
	}
	// For a few seconds the answer is known without asking.
	h.dead = nil
	h.send(peerIP, 99)
	h.quiet()
	if fmt.Sprint(h.dead) != "[[99]]" || h.stat.Lost[perf.LostNeighbor] != maxPending+1 {
		t.Errorf("reported %v, lost %d", h.dead, h.stat.Lost[perf.LostNeighbor])
	}
	h.advance(failedTime)
	h.send(peerIP, 100)
	h.wantState(peerIP, "INCOMPLETE")
	if n := len(h.arps()); n != 1 {
		t.Errorf("%d requests", n)
	}
	h.reply(peerIP, peerMAC)
	if got := h.ip4s(peerMAC); string(got) != "d" {
		t.Errorf("sent %v", got)
	}
}

// TestUnreachableMaySend: the report may lead to packets to the same neighbour.
func TestUnreachableMaySend(t *testing.T) {
	h := newHost(t, nil)
	reports := 0
	h.l.OnUnreachable = func(*mbuf.Mbuf, *Iface) {
		if reports++; reports <= maxPending {
			h.send(peerIP, 1)
		}
	}
	for b := range byte(maxPending) {
		h.send(peerIP, b)
	}
	h.advance(4 * perf.Second)
	h.wantState(peerIP, "FAILED")
	if len(h.arps()) != 3 || h.stat.Lost[perf.LostNeighbor] != 2*maxPending || reports != 2*maxPending {
		t.Errorf("%d lost, %d reported", h.stat.Lost[perf.LostNeighbor], reports)
	}
}

// TestRevalidation: 30 s, stale, 5 s, three unicast probes, then broadcasts.
func TestRevalidation(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	h.advance(29 * perf.Second)
	h.wantState(peerIP, "REACHABLE")
	h.advance(2 * perf.Second)
	h.wantState(peerIP, "STALE")
	h.quiet()
	h.send(peerIP, 2)
	h.wantState(peerIP, "DELAY")
	if got := h.ip4s(peerMAC); string(got) != "\x02" {
		t.Errorf("stale: %v", got)
	}
	h.advance(4900 * perf.Millisecond)
	h.quiet()
	h.advance(200 * perf.Millisecond)
	h.wantState(peerIP, "PROBE")
	h.send(peerIP, 3)
	f := h.frames()
	if len(f) != 2 || Header(f[0]).Dst() != peerMAC || Header(f[0]).Type() != TypeARP || Header(f[1]).Dst() != peerMAC {
		t.Fatalf("probe: %x", f)
	}
	if a, _ := ParseARP(f[0][HdrLen:]); a.TargetMAC() != peerMAC || a.TargetIP() != peerIP || a.Op() != ARPRequest {
		t.Errorf("probe: %x", a)
	}
	h.reply(peerIP, peerMAC)
	h.wantState(peerIP, "REACHABLE")
	h.advance(10 * perf.Second)
	h.quiet()
}

// TestChangedMAC: the peer came back with another card (RFC 1122 2.3.2.1).
func TestChangedMAC(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	start := h.now
	for h.state(peerIP) != "INCOMPLETE" {
		if h.now-start > perf.Minute {
			t.Fatal("the old address is used for ever")
		}
		h.send(peerIP, 2)
		h.advance(perf.Second)
	}
	h.send(peerIP, 3)
	h.frames()
	h.reply(peerIP, otherMAC)
	h.wantState(peerIP, "REACHABLE")
	if got := h.ip4s(otherMAC); string(got) != "\x03" {
		t.Error("what waited did not leave")
	}
	if d := h.now - start; d > 45*perf.Second {
		t.Errorf("took %v", d)
	}
}

// TestProbeFails: with nobody there, packets are reported in the end.
func TestProbeFails(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.advance(31 * perf.Second)
	h.send(peerIP, 2)
	h.advance(8500 * perf.Millisecond)
	h.wantState(peerIP, "INCOMPLETE")
	h.send(peerIP, 3)
	h.advance(3 * perf.Second)
	h.wantState(peerIP, "FAILED")
	if fmt.Sprint(h.dead) != "[[3]]" {
		t.Errorf("reported %v", h.dead)
	}
	if n := h.stat.Events[perf.EvNeighborProbe]; n != 3 {
		t.Errorf("%d probes", n)
	}
	h.frames()
}

// TestConfirm: a transport that makes progress spares the questions.
func TestConfirm(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	n := h.l.Neighbor(h.ifc, Addr4(peerIP))
	for range 200 {
		h.send(peerIP, 1)
		h.ip4s(peerMAC)
		h.advance(perf.Second)
		h.l.Confirm(n, h.now)
	}
	h.advance(31 * perf.Second)
	h.send(peerIP, 1)
	h.wantState(peerIP, "DELAY")
	h.l.Confirm(n, h.now)
	h.wantState(peerIP, "REACHABLE")
	h.frames()
	h.advance(29 * perf.Second)
	h.quiet()
	// It never makes an address up.
	x := h.l.Neighbor(h.ifc, Addr4([4]byte{10, 0, 0, 77}))
	h.l.Confirm(x, h.now)
	h.wantState(x.Addr().as4(), "INCOMPLETE")
}

// TestPendingTotal: the sum of what waits is bounded, and the newest packet of
// a neighbour is among it.
func TestPendingTotal(t *testing.T) {
	h := newHost(t, nil)
	for i := range 600 {
		h.send([4]byte{10, 0, byte(i >> 8), byte(i)}, byte(i))
		if h.l.Lookup(h.ifc, Addr4([4]byte{10, 0, byte(i >> 8), byte(i)})).pend == nil {
			t.Fatalf("packet %d is not kept", i)
		}
		h.frames()
	}
	if h.l.nb.pending != maxPendingTotal || h.pool.InUse() != maxPendingTotal {
		t.Errorf("%d wait, %d buffers in use", h.l.nb.pending, h.pool.InUse())
	}
}

// TestPendingSuperSegments: long chains do not make what waits any more.
func TestPendingSuperSegments(t *testing.T) {
	h := newHost(t, nil)
	for i := range 100 {
		m := h.pool.Alloc()
		m.Append(1)[0] = byte(i)
		for range 32 {
			tail := h.pool.Alloc()
			tail.Append(100)
			m.Chain(tail)
		}
		h.l.Output(m, h.l.Neighbor(h.ifc, Addr4([4]byte{10, 0, 0, byte(1 + i%3)})), TypeIPv4, h.now)
		h.frames()
		if got := h.pool.InUse(); got != h.l.nb.pending || got > maxPendingTotal {
			t.Fatalf("%d wait, %d buffers in use", h.l.nb.pending, got)
		}
	}
	if h.pool.InUse() < maxPendingTotal-33 {
		t.Errorf("only %d buffers wait", h.pool.InUse())
	}
}

// TestDeadEntry: who holds a forgotten neighbour is served by a new one.
func TestDeadEntry(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	n := h.l.Neighbor(h.ifc, Addr4(peerIP))
	h.advance(idleTime + gcTime + perf.Second)
	if !n.Dead() || h.state(peerIP) != "" {
		t.Fatal("an idle neighbour is kept for ever")
	}
	h.l.Confirm(n, h.now)
	m := h.pool.Alloc()
	m.Append(1)
	h.l.Output(m, n, TypeIPv4, h.now)
	h.wantState(peerIP, "INCOMPLETE")
	if a := h.arps(); len(a) != 1 {
		t.Errorf("%v", a)
	}
}

func TestPermanent(t *testing.T) {
	group := [4]byte{224, 0, 0, 251}
	for _, c := range []struct {
		name   string
		ip     [4]byte
		change func(*Iface)
		want   [6]byte
	}{
		{"limited broadcast", [4]byte{255, 255, 255, 255}, nil, BroadcastMAC},
		{"directed broadcast", [4]byte{10, 0, 255, 255}, nil, BroadcastMAC},
		{"group", group, nil, GroupMAC4(group)},
		{"loopback", peerIP, func(i *Iface) { i.Loopback = true }, ourMAC},
		{"no ARP", peerIP, func(i *Iface) { i.NoARP = true }, BroadcastMAC},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, func(i *Iface, _ *Config) {
				if c.change != nil {
					c.change(i)
				}
			})
			for range 2 {
				h.send(c.ip, 1)
				h.wantState(c.ip, "PERMANENT")
				if got := h.ip4s(c.want); len(got) != 1 {
					t.Errorf("sent %v", got)
				}
				h.advance(perf.Minute)
			}
		})
	}
}
