package ip

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

var (
	group6 = addr("ff05::1:3")
	srcA6  = addr("2001:db8::a")
	srcB6  = addr("2001:db8::b")
)

// mldRig is a rig that speaks to the routers of groups of IPv6.
type mldRig struct {
	*rig
	groups Groups
	sock   [2]Memberships
}

func newMLDRig(t testing.TB) *mldRig {
	g := new(mldRig)
	g.rig = newRig6(t, func(c *Config) { c.Groups, c.Speaker = &g.groups, true })
	g.groups.Changed = func(k GroupKey, f Filter) { g.l.SetGroup(k, f, g.now) }
	g.discard()
	return g
}

func (g *mldRig) do(s int, op MemberOp, src Addr) {
	g.t.Helper()
	if _, errno := g.groups.Do(&g.sock[s], op, GroupKey{group6, 0}, src); errno != 0 {
		g.t.Fatal(errno)
	}
}

// want compares what left port 0, as gopacket reads it. RFC 3810 5.2.13, 5.2.14: from a
// link-local address, with hop limit 1 and the Router Alert option.
func (g *mldRig) want(want string) {
	g.t.Helper()
	var out []string
	for _, b := range g.sent(0) {
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		h, ok := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		if !ok {
			continue
		}
		if h.HopLimit != 1 || h.SrcIP.String() != ll6.Wire().String() || !routerAlert(b[eth.HdrLen:]) {
			g.t.Errorf("header %+v", h)
		}
		sum := PseudoSum(Addr(h.SrcIP), Addr(h.DstIP), ProtoICMPv6, len(b)-eth.HdrLen-HdrLen6-mldAlert)
		if Fold(Sum(b[eth.HdrLen+HdrLen6+mldAlert:], sum)) != 0xffff {
			g.t.Errorf("checksum of %x", b)
		}
		s := h.DstIP.String() + ":"
		switch m := p.Layer(layers.LayerTypeMLDv2MulticastListenerReport); {
		case m != nil:
			for _, r := range m.(*layers.MLDv2MulticastListenerReportMessage).MulticastAddressRecords {
				s += fmt.Sprintf(" %d %v %v", r.RecordType, r.MulticastAddress, r.SourceAddresses)
			}
		default:
			s += fmt.Sprintf(" type %d", b[eth.HdrLen+HdrLen6+mldAlert])
		}
		out = append(out, s)
	}
	if got := strings.Join(out, "; "); got != want {
		g.t.Errorf("sent %q, want %q", got, want)
	}
}

// query gives a query of n bytes to port 0, from a router or from elsewhere.
func (g *mldRig) query(n int, code uint16, group Addr, change ...func(*layers.IPv6)) perf.Verdict {
	body := make([]byte, n-4)
	be.PutUint16(body, code)
	copy(body[4:], group[:])
	change = append([]func(*layers.IPv6){func(h *layers.IPv6) { h.HopLimit = 1 }}, change...)
	b := icmp6Packet(addr("fe80::ff"), AllNodes, ICMP6ListenerQuery, 0, body, change...)
	return g.frame6(eth.GroupMAC6(eth.Addr(AllNodes)), extended(b, options6(ProtoHopByHop, 5, 2, 0, 0)))
}

// TestMLDReports: RFC 3810 6.1, 6.2.
func TestMLDReports(t *testing.T) {
	g := newMLDRig(t)
	g.do(0, JoinGroup, Addr{})
	g.want("ff02::16: 4 ff05::1:3 []")
	g.advance(perf.Second)
	g.want("ff02::16: 4 ff05::1:3 []")
	g.do(0, BlockSource, srcA6)
	g.want("ff02::16: 6 ff05::1:3 [2001:db8::a]")
	g.advance(2 * perf.Second)
	g.discard()
	if v := g.query(28, 1000, Addr{}); v != perf.Delivered {
		t.Errorf("query: %v", v)
	}
	g.advance(1100 * perf.Millisecond)
	g.want("ff02::16: 2 ff05::1:3 [2001:db8::a]")
	g.do(0, LeaveGroup, Addr{})
	g.do(1, JoinSource, srcB6)
	g.want("ff02::16: 3 ff05::1:3 []; ff02::16: 3 ff05::1:3 [2001:db8::b]")
	g.discard()
}

// TestMLDOld: RFC 3810 8.2: version 1 while a router speaks it.
func TestMLDOld(t *testing.T) {
	g := newMLDRig(t)
	g.query(24, 1000, Addr{})
	g.do(0, JoinGroup, Addr{})
	g.want("ff05::1:3: type 131")
	g.do(0, LeaveGroup, Addr{})
	g.want("ff02::2: type 132")
	g.advance(oldQuerier + perf.Second)
	g.do(0, JoinGroup, Addr{})
	g.want("ff02::16: 4 ff05::1:3 []")
	g.discard()
}

// TestMLDChecks: RFC 3810 5.1.14.
func TestMLDChecks(t *testing.T) {
	g := newMLDRig(t)
	for what, v := range map[string]perf.Verdict{
		"hop limit":      g.query(28, 1000, Addr{}, func(h *layers.IPv6) { h.HopLimit = 2 }),
		"not link-local": g.query(28, 1000, Addr{}, func(h *layers.IPv6) { h.SrcIP = srcA6.Netip().AsSlice() }),
		"26 bytes":       g.query(26, 1000, Addr{}),
		"no group":       g.query(28, 1000, srcA6),
	} {
		if v != perf.DropMLDBad {
			t.Errorf("%s: %v", what, v)
		}
	}
	g.discard()
}
