package ip

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

// groupRig is a rig that speaks to the routers of groups.
type groupRig struct {
	*rig
	groups Groups
	sock   [4]Memberships
}

func newGroupRig(t testing.TB) *groupRig {
	g := new(groupRig)
	g.rig = newRig(t, func(c *Config) { c.Groups, c.Speaker = &g.groups, true })
	g.groups.Changed = func(k GroupKey, f Filter) { g.l.SetGroup(k, f, g.now) }
	return g
}

func (g *groupRig) do(s int, op MemberOp, group, src Addr) {
	g.t.Helper()
	if _, errno := g.groups.Do(&g.sock[s], op, GroupKey{group, 0}, src); errno != 0 {
		g.t.Fatal(errno)
	}
}

// igmps is what left port 0, in words. Every message must be as RFC 3376 4 wants it.
func (g *groupRig) igmps() string {
	g.t.Helper()
	var out []string
	for _, p := range g.packets(0) {
		h := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		e := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
		if h.TTL != 1 || len(h.Options) != 1 || h.Options[0].OptionType != 148 || h.TOS != 0xc0 || !h.SrcIP.Equal(own0.Netip().AsSlice()) {
			g.t.Errorf("header %+v", h)
		}
		if want := eth.GroupMAC4([4]byte(h.DstIP.To4())); !bytes.Equal(e.DstMAC, want[:]) {
			g.t.Errorf("to %v by %v", h.DstIP, e.DstMAC)
		}
		if Fold(Sum(h.Payload, 0)) != 0xffff {
			g.t.Errorf("checksum of %x", h.Payload)
		}
		switch m := p.Layer(layers.LayerTypeIGMP).(type) {
		case *layers.IGMP:
			s := fmt.Sprintf("%v:", h.DstIP)
			for _, r := range m.GroupRecords {
				s += fmt.Sprintf(" %s %v %v", recordNames[r.Type], r.MulticastAddress, r.SourceAddresses)
			}
			out = append(out, s)
		case *layers.IGMPv1or2:
			out = append(out, fmt.Sprintf("%v: %#x %v", h.DstIP, uint8(m.Type), m.GroupAddress))
		default:
			g.t.Fatalf("not IGMP: %v", p)
		}
	}
	return strings.Join(out, "; ")
}

var recordNames = map[layers.IGMPv3GroupRecordType]string{1: "IS_IN", 2: "IS_EX", 3: "TO_IN", 4: "TO_EX", 5: "ALLOW", 6: "BLOCK"}

func (g *groupRig) wantIGMP(want string) {
	g.t.Helper()
	if got := g.igmps(); got != want {
		g.t.Errorf("sent %q, want %q", got, want)
	}
}

// query gives a query to port 0. len is 8 for versions 1 and 2.
func (g *groupRig) query(code byte, group Addr, n int, sources ...Addr) perf.Verdict {
	b := make([]byte, n)
	b[0], b[1] = igmpQuery, code
	if !group.IsZero() {
		copy(b[4:], group[12:])
	}
	if n >= igmpQueryLen {
		b[8] = 2
		be.PutUint16(b[10:], uint16(len(sources)))
		for _, s := range sources {
			b = append(b, s[12:]...)
		}
	}
	be.PutUint16(b[2:], ^Fold(Sum(b, 0)))
	return g.igmpIn(allHosts, b)
}

func (g *groupRig) igmpIn(dst Addr, b []byte) perf.Verdict {
	mac := eth.GroupMAC4(dst.As4())
	return g.in(0, serialize(
		&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: net.HardwareAddr(mac[:]), EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 1, Protocol: 2, SrcIP: peer0.Netip().AsSlice(), DstIP: dst.Netip().AsSlice(),
			Options: []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}},
		gopacket.Payload(b)))
}

// TestReportChanges is RFC 3376 5.1: what changes is reported at once and once more.
func TestReportChanges(t *testing.T) {
	g := newGroupRig(t)
	twice := func(want string) {
		t.Helper()
		g.wantIGMP(want)
		g.advance(perf.Second)
		g.wantIGMP(want)
		g.advance(3 * perf.Second)
		g.wantIGMP("")
	}
	g.do(0, JoinGroup, group1, Addr{})
	twice("224.0.0.22: TO_EX 239.1.2.3 []")
	g.do(1, JoinGroup, group1, Addr{}) // changes nothing on the link
	g.wantIGMP("")
	g.do(0, BlockSource, group1, srcA) // the other one wants it still
	g.wantIGMP("")
	g.do(1, LeaveGroup, group1, Addr{})
	twice("224.0.0.22: BLOCK 239.1.2.3 [10.0.0.50]")
	g.do(2, JoinSource, group1, srcA)
	twice("224.0.0.22: ALLOW 239.1.2.3 [10.0.0.50]")
	g.do(0, LeaveGroup, group1, Addr{})
	twice("224.0.0.22: TO_IN 239.1.2.3 [10.0.0.50]")
	g.do(2, JoinSource, group1, srcB)
	g.do(2, LeaveSource, group1, srcA)
	g.wantIGMP("224.0.0.22: ALLOW 239.1.2.3 [10.0.0.51]; 224.0.0.22: ALLOW 239.1.2.3 [10.0.0.51] BLOCK 239.1.2.3 [10.0.0.50]")
	g.advance(3 * perf.Second)
	g.igmps()
	g.do(2, LeaveSource, group1, srcB)
	twice("224.0.0.22: BLOCK 239.1.2.3 [10.0.0.51]")
	if n := len(g.l.talkers[0].groups); n != 0 {
		t.Errorf("%d groups are remembered", n)
	}
	g.do(0, JoinGroup, allHosts, Addr{})
	g.wantIGMP("") // RFC 3376 5: never reported
}

// TestAnswerQueries is RFC 3376 5.2.
func TestAnswerQueries(t *testing.T) {
	g := newGroupRig(t)
	g.do(0, JoinGroup, group1, Addr{})
	g.do(0, BlockSource, group1, srcA)
	g.do(1, JoinSource, group2, srcB)
	g.advance(5 * perf.Second)
	g.igmps()
	ask := func(within perf.Tick, want string) {
		t.Helper()
		g.advance(within + 100*perf.Millisecond)
		g.wantIGMP(want)
	}
	g.query(50, Addr{}, 12)
	ask(5*perf.Second, "224.0.0.22: IS_EX 239.1.2.3 [10.0.0.50] IS_IN 239.1.2.4 [10.0.0.51]")
	g.query(10, group2, 12)
	ask(perf.Second, "224.0.0.22: IS_IN 239.1.2.4 [10.0.0.51]")
	g.query(10, group1, 12, srcA, srcC)
	g.query(10, group1, 12, srcB)
	ask(perf.Second, "224.0.0.22: IS_IN 239.1.2.3 [10.0.0.51 10.0.0.52]")
	g.query(10, group2, 12, srcA)
	ask(perf.Second, "") // nothing of it is wanted
	g.query(10, addr("239.9.9.9"), 12)
	ask(perf.Second, "")
	if v := g.query(10, own0, 12); v != perf.DropIGMPBad {
		t.Errorf("a query for a host's address: %v", v)
	}
	if v := g.query(10, Addr{}, 10); v != perf.DropIGMPBad {
		t.Errorf("a query of 10 bytes: %v", v)
	}
}

// TestOldQueriers is RFC 3376 7.2: their versions are spoken while they are there.
func TestOldQueriers(t *testing.T) {
	g := newGroupRig(t)
	g.query(100, Addr{}, 8) // version 2
	g.do(0, JoinGroup, group1, Addr{})
	g.wantIGMP("239.1.2.3: 0x16 239.1.2.3")
	g.advance(10 * perf.Second)
	g.wantIGMP("239.1.2.3: 0x16 239.1.2.3")
	g.query(20, group1, 8)
	g.advance(2100 * perf.Millisecond)
	g.wantIGMP("239.1.2.3: 0x16 239.1.2.3")
	// Another host answers first: RFC 2236 3.
	g.query(20, group1, 8)
	g.igmpIn(group1, igmpMessage(igmpReport2, group1))
	g.advance(3 * perf.Second)
	g.wantIGMP("")
	g.do(0, LeaveGroup, group1, Addr{})
	g.wantIGMP("") // we were not the last to report
	g.do(0, JoinGroup, group2, Addr{})
	g.do(0, LeaveGroup, group2, Addr{})
	g.wantIGMP("239.1.2.4: 0x16 239.1.2.4; 224.0.0.2: 0x17 239.1.2.4")
	g.query(0, Addr{}, 8) // version 1
	g.do(0, JoinGroup, group2, Addr{})
	g.do(0, LeaveGroup, group2, Addr{})
	g.wantIGMP("239.1.2.4: 0x12 239.1.2.4")
	g.advance(oldQuerier + perf.Second)
	g.igmps()
	g.do(0, JoinGroup, group1, Addr{})
	g.wantIGMP("224.0.0.22: TO_EX 239.1.2.3 []")
}

func igmpMessage(typ byte, group Addr) []byte {
	b := make([]byte, igmpLen)
	b[0] = typ
	copy(b[4:], group[12:])
	be.PutUint16(b[2:], ^Fold(Sum(b, 0)))
	return b
}

// TestGroupInput: only what somebody wants comes up.
func TestGroupInput(t *testing.T) {
	g := newGroupRig(t)
	from := func(src Addr, dst Addr) perf.Verdict {
		mac := eth.GroupMAC4(dst.As4())
		return g.in(0, serialize(
			&layers.Ethernet{SrcMAC: peerMAC[:], DstMAC: net.HardwareAddr(mac[:]), EthernetType: layers.EthernetTypeIPv4},
			&layers.IPv4{Version: 4, TTL: 1, Protocol: 17, SrcIP: src.Netip().AsSlice(), DstIP: dst.Netip().AsSlice()},
			gopacket.Payload("12345678")))
	}
	if v := from(srcA, group1); v != perf.DropIPNotOurs {
		t.Errorf("nobody has joined: %v", v)
	}
	g.do(0, JoinSource, group1, srcA)
	if v := from(srcA, group1); v != perf.Delivered {
		t.Errorf("joined: %v", v)
	}
	if v := from(srcB, group1); v != perf.DropIPNotOurs {
		t.Errorf("another source: %v", v)
	}
	if d := g.only(1)[0]; !d.pkt.Multicast || d.pkt.Dst != group1 {
		t.Errorf("%+v", d.pkt)
	}
	g.discard()
}

// FuzzIGMP: whatever comes, nothing breaks and little is remembered.
func FuzzIGMP(f *testing.F) {
	f.Add([]byte{igmpQuery, 10, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{igmpQuery, 10, 0, 0, 239, 1, 2, 3, 2, 125, 0, 1, 10, 0, 0, 50})
	f.Add(igmpMessage(igmpReport1, group1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1400 {
			return
		}
		g := newGroupRig(t)
		g.do(0, JoinGroup, group1, Addr{})
		b = append([]byte(nil), b...)
		if len(b) >= 4 {
			b[2], b[3] = 0, 0
			be.PutUint16(b[2:], ^Fold(Sum(b, 0)))
		}
		g.igmpIn(allHosts, b)
		g.advance(30 * perf.Second)
		g.do(0, LeaveGroup, group1, Addr{})
		g.advance(30 * perf.Second)
		g.discard()
		if n := len(g.l.talkers[0].groups); n != 0 {
			t.Errorf("%d groups are remembered", n)
		}
	})
}

// A link on which no record with a source fits has none, and nobody waits for it.
func TestReportNarrowLink(t *testing.T) {
	for mtu := 68; mtu < 90; mtu++ {
		g := newGroupRig(t)
		g.ifaces[0].MTU = mtu
		g.do(0, JoinSource, addr("239.1.2.3"), peer0)
		g.advance(5 * perf.Second)
		g.igmps()
	}
}
