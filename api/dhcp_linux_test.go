package api

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"dataplane/ip"
	"dataplane/pmd/wire"
	"dataplane/sock"
)

// TestLeaseTimes: RFC 2131 4.4.5, and what a server may say that makes no sense.
func TestLeaseTimes(t *testing.T) {
	for _, c := range []struct{ whole, t1, t2, wantT1, wantT2, wantEnd uint32 }{
		{80, 0, 0, 40, 70, 80},
		{80, 30, 60, 30, 60, 80},
		{80, 10, 0, 10, 70, 80},
		{80, 90, 100, 40, 70, 80},
		{80, 60, 20, 20, 20, 80},
		{0xffffffff, 0, 0, 0x7fffffff, 3758096383, 0xffffffff},
	} {
		m, err := dhcpv4.New(dhcpv4.WithLeaseTime(c.whole))
		if err != nil {
			t.Fatal(err)
		}
		for code, secs := range map[dhcpv4.OptionCode]uint32{dhcpv4.OptionRenewTimeValue: c.t1, dhcpv4.OptionRebindingTimeValue: c.t2} {
			if secs > 0 {
				m.UpdateOption(dhcpv4.OptGeneric(code, binary.BigEndian.AppendUint32(nil, secs)))
			}
		}
		from := time.Unix(1000, 0)
		t1, t2, end := times(&nclient4.Lease{ACK: m, CreationTime: from})
		for i, got := range []time.Time{t1, t2, end} {
			if want := []uint32{c.wantT1, c.wantT2, c.wantEnd}[i]; uint32(got.Sub(from)/time.Second) != want {
				t.Errorf("%+v: time %d is %v", c, i, got.Sub(from))
			}
		}
	}
	none, err := dhcpv4.New(dhcpv4.WithLeaseTime(0))
	if err != nil {
		t.Fatal(err)
	}
	if t1, _, end := times(&nclient4.Lease{ACK: none}); t1.Sub(time.Time{}) < time.Second/2 || end.Before(t1) {
		t.Errorf("a lease of no time: renewed at %v, ends at %v", t1, end)
	}
}

// TestToClient: what the client's socket takes of a port's packets.
func TestToClient(t *testing.T) {
	f, errno := sock.NewFilter(toClient)
	if errno != 0 {
		t.Fatal(errno)
	}
	packet := func(ihl, proto byte, frag, port uint16) []byte {
		b := make([]byte, int(ihl)*4+300)
		b[0], b[9] = 0x40|ihl, proto
		binary.BigEndian.PutUint16(b[6:], frag)
		binary.BigEndian.PutUint16(b[int(ihl)*4+2:], port)
		return b
	}
	for what, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"a reply":             {packet(5, 17, 0, 68), true},
		"one with options":    {packet(7, 17, 0x4000, 68), true},
		"to another port":     {packet(5, 17, 0, 67), false},
		"of TCP":              {packet(5, 6, 0, 68), false},
		"a piece of one":      {packet(5, 17, 100, 68), false},
		"nothing but a start": {packet(5, 17, 0, 68)[:21], false},
	} {
		if got := f.Run(c.b) > 0; got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// TestLeaseOfOne: a router beyond the subnet, as who leases single addresses names it, is on
// the link; what cannot be a router is none. What was leased goes with the lease.
func TestLeaseOfOne(t *testing.T) {
	a, b, err := wire.Pair(wire.Config{}, wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := open(t, Config{Ports: []Port{{Opened: a}}})
	open(t, Config{Ports: []Port{{Opened: b}}})
	c := &dhcpClient{n: n}
	far := ip.FromNetip(netip.MustParseAddr("192.0.2.9"))
	for _, l := range []struct {
		bits    int
		routers []string
		want    string // the gateway
	}{
		{32, []string{"192.0.2.1"}, "192.0.2.1"},
		{24, []string{"10.9.0.1"}, "10.9.0.1"},
		{24, []string{"10.9.0.77", "224.0.0.1", "0.0.0.0", "10.9.0.2"}, "10.9.0.2"},
		{24, []string{"10.9.0.77"}, ""},
		{24, nil, ""},
	} {
		m, err := dhcpv4.New(dhcpv4.WithYourIP(net.IP{10, 9, 0, 77}), dhcpv4.WithNetmask(net.CIDRMask(l.bits, 32)))
		if err != nil {
			t.Fatal(err)
		}
		var routers []net.IP
		for _, r := range l.routers {
			routers = append(routers, net.ParseIP(r))
		}
		m.UpdateOption(dhcpv4.OptRouter(routers...))
		if err := c.use(&nclient4.Lease{ACK: m}); err != nil {
			t.Fatalf("%+v: %v", l, err)
		}
		rt, ok := n.host.Routes.Load().Lookup(far)
		if got := rt.Gateway.Netip(); ok != (l.want != "") || ok && (got.String() != l.want || rt.Src != c.prefix.Addr) {
			t.Errorf("%+v: %+v, %v", l, rt, ok)
		}
	}
	c.drop()
	if r := n.host.Routes.Load().Added(); len(r) != 0 {
		t.Errorf("left: %+v", r)
	}
}
