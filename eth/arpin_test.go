package eth

import (
	"strings"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// ask lets a station ask who has target.
func (h *host) ask(from arpSide, target [4]byte, flags ...uint64) perf.Verdict {
	h.t.Helper()
	return h.recv(arpFrame(h.t, ARPRequest, BroadcastMAC, from, side([6]byte{}, target)), flags...)
}

func TestAnswer(t *testing.T) {
	h := newHost(t, func(i *Iface, _ *Config) { i.Addrs4 = append(i.Addrs4, Prefix4{[4]byte{10, 7, 0, 1}, 16}) })
	for _, own := range [][4]byte{ourIP, {10, 7, 0, 1}} {
		if v := h.ask(side(peerMAC, peerIP), own); v != perf.Delivered {
			t.Errorf("%v", v)
		}
		f := h.frames()
		if len(f) != 1 || Header(f[0]).Dst() != peerMAC {
			t.Fatalf("sent %x", f)
		}
		a, ok := ParseARP(f[0][HdrLen:])
		if !ok || a.Op() != ARPReply || a.SenderMAC() != ourMAC || a.SenderIP() != own || a.TargetMAC() != peerMAC || a.TargetIP() != peerIP {
			t.Errorf("reply %x", a)
		}
	}
	h.wantState(peerIP, "STALE")
	// What it told is enough to answer it, without a question of our own.
	h.send(peerIP, 9)
	h.wantState(peerIP, "DELAY")
	if got := h.ip4s(peerMAC); string(got) != "\t" {
		t.Errorf("sent %v", got)
	}
}

func TestProbeIsAnswered(t *testing.T) {
	h := newHost(t, nil)
	h.ask(side(peerMAC, [4]byte{}), ourIP)
	if a := h.arps(); len(a) != 1 || a[0].Operation != ARPReply || [4]byte(a[0].DstProtAddress) != [4]byte{} {
		t.Errorf("%+v", a)
	}
	if h.l.nb.n != 0 {
		t.Error("learned from a probe")
	}
}

func TestNotForUs(t *testing.T) {
	h := newHost(t, nil)
	h.ask(side(peerMAC, peerIP), [4]byte{10, 0, 0, 99})
	h.ask(side(peerMAC, peerIP), peerIP) // gratuitous
	h.recv(arpFrame(t, ARPReply, ourMAC, side(peerMAC, peerIP), side(ourMAC, ourIP)))
	h.ask(side(ourMAC, ourIP), ourIP) // our own, come back
	h.ask(side(ourMAC, peerIP), ourIP)
	h.quiet()
	if h.l.nb.n != 0 {
		t.Error("learned from what did not concern us")
	}
	// A stranger that is on none of our subnets gets an answer, but no place.
	h.ask(side(peerMAC, [4]byte{192, 168, 1, 1}), ourIP)
	if len(h.arps()) != 1 || h.l.nb.n != 0 {
		t.Error("stranger")
	}
}

func TestMalformedARP(t *testing.T) {
	good := arpFrame(t, ARPRequest, BroadcastMAC, side(peerMAC, peerIP), side([6]byte{}, ourIP))
	for name, change := range map[string]func(f []byte) []byte{
		"short":            func(f []byte) []byte { return f[:HdrLen+ARPLen-1] },
		"empty":            func(f []byte) []byte { return f[:HdrLen] },
		"hardware type":    func(f []byte) []byte { f[15] = 6; return f },
		"protocol type":    func(f []byte) []byte { f[16] = 0x86; return f },
		"hardware length":  func(f []byte) []byte { f[18] = 8; return f },
		"protocol length":  func(f []byte) []byte { f[19] = 16; return f },
		"operation 0":      func(f []byte) []byte { f[21] = 0; return f },
		"operation 3":      func(f []byte) []byte { f[21] = 3; return f },
		"group sender":     func(f []byte) []byte { f[22] |= 1; return f },
		"no sender":        func(f []byte) []byte { clear(f[22:28]); return f },
		"broadcast sender": func(f []byte) []byte { copy(f[28:32], []byte{255, 255, 255, 255}); return f },
		"multicast sender": func(f []byte) []byte { f[28] = 224; return f },
		"loopback sender":  func(f []byte) []byte { f[28] = 127; return f },
		"0.x sender":       func(f []byte) []byte { f[28] = 0; return f },
	} {
		h := newHost(t, nil)
		if v := h.recv(change(append([]byte{}, good...))); v != perf.DropARPBad {
			t.Errorf("%s: %v", name, v)
		}
		h.quiet()
		if h.l.nb.n != 0 {
			t.Errorf("%s: learned", name)
		}
	}
}

// TestGratuitous: what is known is refreshed, also with a new address.
func TestGratuitous(t *testing.T) {
	h := newHost(t, nil)
	h.send(peerIP, 1)
	h.reply(peerIP, peerMAC)
	h.frames()
	h.ask(side(peerMAC, peerIP), peerIP)
	h.wantState(peerIP, "REACHABLE") // nothing new
	h.ask(side(otherMAC, peerIP), peerIP)
	h.wantState(peerIP, "STALE")
	h.send(peerIP, 2)
	if got := h.ip4s(otherMAC); len(got) != 1 {
		t.Errorf("sent %v", got)
	}
	// A broadcast reply (gratuitous too) proves no more.
	h.recv(arpFrame(t, ARPReply, BroadcastMAC, side(peerMAC, peerIP), side(peerMAC, peerIP)))
	h.wantState(peerIP, "STALE")
	// And one that comes while we ask serves as the answer.
	third := [4]byte{10, 0, 0, 3}
	h.send(third, 3)
	h.frames()
	h.ask(side(otherMAC, third), third)
	if got := h.ip4s(otherMAC); string(got) != "\x03" {
		t.Errorf("sent %v", got)
	}
	h.wantState(third, "DELAY")
}

// TestCopy: a frame that another core got too teaches, but is not answered.
func TestCopy(t *testing.T) {
	h := newHost(t, nil)
	h.ask(side(peerMAC, peerIP), ourIP, mbuf.FlagCopy)
	h.ask(side(otherMAC, ourIP), ourIP, mbuf.FlagCopy)
	h.quiet()
	h.wantState(peerIP, "STALE")
	if h.ifc.Conflicts() != 0 {
		t.Error("a conflict is counted on every core")
	}
	other := [4]byte{10, 0, 0, 9}
	h.send(other, 1)
	h.frames()
	h.reply(other, otherMAC, mbuf.FlagCopy)
	h.wantState(other, "REACHABLE")
	h.frames()
}

// TestConflict: RFC 5227 2.4 (b): defended once in ten seconds, and kept.
func TestConflict(t *testing.T) {
	h := newHost(t, nil)
	for range 100 { // 10 s
		h.ask(side(otherMAC, ourIP), peerIP)
		h.advance(100 * perf.Millisecond)
	}
	a := h.arps()
	if len(a) != 1 || a[0].Operation != ARPRequest || [4]byte(a[0].SourceProtAddress) != ourIP || [4]byte(a[0].DstProtAddress) != ourIP ||
		!sameMAC(a[0].SourceHwAddress, ourMAC) {
		t.Fatalf("defence: %+v", a)
	}
	h.ask(side(otherMAC, ourIP), peerIP)
	if len(h.arps()) != 1 {
		t.Error("not defended again after ten seconds")
	}
	if h.ifc.Conflicts() != 101 || h.stat.Events[perf.EvARPConflict] != 101 {
		t.Errorf("%d conflicts", h.ifc.Conflicts())
	}
	if s := h.log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "addr=10.0.0.1 mac=02:00:00:00:00:03") {
		t.Errorf("log: %q", s)
	}
	if h.l.nb.n != 0 {
		t.Error("learned our own address from somebody else")
	}
}

// TestAnnounce: RFC 5227: a probe, then two announcements.
func TestAnnounce(t *testing.T) {
	h := newHost(t, nil)
	h.l.Announce(h.ifc, h.now)
	a := h.arps()
	if len(a) != 1 || [4]byte(a[0].SourceProtAddress) != [4]byte{} || [4]byte(a[0].DstProtAddress) != ourIP {
		t.Fatalf("probe: %+v", a)
	}
	second := [4]byte{10, 7, 0, 1}
	h.l.AddAddr(h.ifc, Prefix4{second, 24}, h.now)
	h.l.AddAddr(h.ifc, Prefix4{second, 24}, h.now)
	if len(h.ifc.Addrs4) != 2 {
		t.Errorf("addresses: %v", h.ifc.Addrs4)
	}
	h.frames()
	h.advance(10 * perf.Second)
	a = h.arps()
	if len(a) != 4 {
		t.Fatalf("%d announcements", len(a))
	}
	for i, want := range [][4]byte{ourIP, second, ourIP, second} {
		if [4]byte(a[i].SourceProtAddress) != want || [4]byte(a[i].DstProtAddress) != want || a[i].Operation != ARPRequest {
			t.Errorf("announcement %d: %+v", i, a[i])
		}
	}
	// The answer to the probe is a conflict.
	h.recv(arpFrame(t, ARPReply, ourMAC, side(otherMAC, ourIP), side(ourMAC, [4]byte{})))
	if h.ifc.Conflicts() != 1 {
		t.Error("conflict not seen")
	}
	h.frames()
}

func TestNoAnnouncementOnLoopback(t *testing.T) {
	h := newHost(t, func(i *Iface, _ *Config) { i.Loopback = true })
	h.l.Announce(h.ifc, h.now)
	h.advance(5 * perf.Second)
	h.quiet()
	if v := h.ask(side(peerMAC, peerIP), ourIP); v != perf.DropARPBad {
		t.Errorf("ARP over loopback: %v", v)
	}
}
