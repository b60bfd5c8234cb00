package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/perf"
)

func TestInput6(t *testing.T) {
	r := newRig6(t)
	for range 2 { // the second time the addresses are remembered
		b := udp6(peer6, own6, []byte("hello"), func(h *layers.IPv6) { h.TrafficClass, h.HopLimit, h.FlowLabel = 0x2e, 17, 0xabcde })
		if v := r.packet6(append(b, 0, 0, 0)); v != perf.Delivered { // padded
			t.Fatal(v)
		}
		d := r.only(1)[0]
		p := d.pkt
		if p.Src != peer6 || p.Dst != own6 || p.TTL != 17 || p.TOS != 0x2e || p.Proto != ProtoUDP || len(p.Header) != HdrLen6 {
			t.Errorf("%+v", p)
		}
		if !bytes.Equal(d.data[8:], []byte("hello")) || !p.ChecksumOK(d.data) {
			t.Errorf("data %q, checksum right %v", d.data, p.ChecksumOK(d.data))
		}
	}
}

func TestInput6Refused(t *testing.T) {
	r := newRig6(t)
	ok := func() []byte { return udp6(peer6, own6, []byte("x")) }
	with := func(f func(b []byte)) []byte { b := ok(); f(b); return b }
	for name, c := range map[string]struct {
		b    []byte
		want perf.Verdict
	}{
		"short":            {ok()[:39], perf.DropIPShort},
		"version":          {with(func(b []byte) { b[0] = 0x40 }), perf.DropIPVersion},
		"length":           {with(func(b []byte) { b[5]++ }), perf.DropIPLength},
		"foreign":          {udp6(peer6, far6, nil), perf.DropIPNotOurs},
		"loopback":         {udp6(peer6, Loopback6, nil), perf.DropIPNotOurs},
		"mapped target":    {with(func(b []byte) { m := own0; copy(b[24:], m[:]) }), perf.DropIPNotOurs},
		"mapped source":    {with(func(b []byte) { m := peer0; copy(b[8:], m[:]) }), perf.DropIPSource},
		"from loopback":    {udp6(Loopback6, own6, nil), perf.DropIPSource},
		"from us":          {udp6(own6, own6, nil), perf.DropIPSource},
		"from a group":     {udp6(addr("ff02::5"), own6, nil), perf.DropIPSource},
		"from nobody":      {udp6(Addr{}, own6, nil), perf.DropIPSource},
		"zone on the wire": {with(func(b []byte) { z := peerLL; copy(b[8:], z[:]) }), perf.DropIPSource},
		"zone of target":   {with(func(b []byte) { z := ll6.Scoped(0); copy(b[24:], z[:]) }), perf.DropIPNotOurs},
		"group":            {udp6(peer6, addr("ff02::99"), nil), perf.DropIPNotOurs},
	} {
		if v := r.packet6(c.b); v != c.want {
			t.Errorf("%s: %v, want %v", name, v, c.want)
		}
	}
	if v := r.frame6([6]byte{0x33, 0x33, 0, 0, 0, 1}, ok()); v != perf.DropIPLinkBroadcast {
		t.Error("to a group of the link:", v)
	}
	r.quiet6()
}

func (r *rig) quiet6() {
	r.t.Helper()
	for _, p := range r.packets6(0) {
		r.t.Errorf("unexpected packet: %v", p)
	}
}

// TestEcho6: RFC 4443 4.2.
func TestEcho6(t *testing.T) {
	r := newRig6(t)
	for _, c := range []struct{ src, dst, from Addr }{
		{peer6, own6, own6},
		{peerLL, ll6.Scoped(0), ll6},
		{far6, own6, own6},
		{peerLL, AllNodes, ll6},
		{peer6, AllNodes, own6},
	} {
		r.packet6(icmp6Packet(c.src, c.dst, ICMP6Echo, 0, []byte{0, 7, 0, 9, 'a', 'b', 'c'}))
		h, typ, code, body := icmp6Of(t, r.one6())
		if typ != ICMP6EchoReply || code != 0 || !bytes.Equal(body, []byte{0, 7, 0, 9, 'a', 'b', 'c'}) {
			t.Errorf("%v: type %d code %d %q", c, typ, code, body)
		}
		if got := FromNetip(netipOf(h.SrcIP)); got != c.from || FromNetip(netipOf(h.DstIP)) != c.src.Wire() {
			t.Errorf("%v: from %v to %v", c, h.SrcIP, h.DstIP)
		}
	}
	b := icmp6Packet(peer6, own6, ICMP6Echo, 0, make([]byte, 8))
	b[50] ^= 1
	if v := r.packet6(b); v != perf.DropICMPChecksum {
		t.Error(v)
	}
}

// TestZonesApart: the same link-local address on two links is two stations.
func TestZonesApart(t *testing.T) {
	a := addr("fe80::9")
	if a.Scoped(0) == a.Scoped(1) || a.Scoped(1).Wire() != a || a.Scoped(1).Zone() != 2 || a.Zone() != 0 {
		t.Error(a.Scoped(0), a.Scoped(1))
	}
	if g := addr("2001:db8::9"); g.Scoped(1) != g || g.Zone() != 0 {
		t.Error(g)
	}
	for _, s := range []string{"ff02::1", "ff01::1", "ff12::1"} {
		if !addr(s).NeedsZone() {
			t.Error(s)
		}
	}
	for _, s := range []string{"ff05::1", "ff0e::1", "2001:db8::1", "10.0.0.1", "::1", "fec0::1"} {
		if addr(s).NeedsZone() {
			t.Error(s)
		}
		if w := addr(s); w.Wire() != w || headed(w) != w {
			t.Error(s)
		}
	}
	if z := a.Scoped(6); z.Wire() != a || headed(z) != a {
		t.Error(z)
	}
}

// headed is how an address stands in a packet's header, as either end.
func headed(a Addr) Addr {
	var h, g [HdrLen6]byte
	putEnds(&h, &Endpoint{Local: a})
	putEnds(&g, &Endpoint{Remote: a})
	if Addr(h[8:24]) != Addr(g[24:40]) {
		return Addr{}
	}
	return Addr(h[8:24])
}

// TestExtensions: RFC 8200 4, RFC 8504 5.3. Who is told what is wrong, and where.
func TestExtensions(t *testing.T) {
	hop := func(o ...byte) ext { return options6(ProtoHopByHop, o...) }
	dst := func(o ...byte) ext { return options6(ProtoDstOpts, o...) }
	routing := func(kind, left byte) ext { return ext{ProtoRouting, []byte{0, 0, kind, left, 0, 0, 0, 0}} }
	many := make([]ext, 8)
	for i := range many {
		many[i] = dst()
	}
	for name, c := range map[string]struct {
		headers []ext
		to      Addr
		want    perf.Verdict
		code    int // of the parameter problem; -1: none
		at      int
	}{
		"hop by hop":          {[]ext{hop(5, 2, 0, 0)}, own6, perf.Delivered, -1, 0},
		"all kinds":           {[]ext{hop(), dst(), routing(0, 0), dst(0x1e, 1, 7)}, own6, perf.Delivered, -1, 0},
		"eight":               {many, own6, perf.Delivered, -1, 0},
		"nine":                {append([]ext{hop()}, many...), own6, perf.DropIPExtension, -1, 0},
		"hop by hop second":   {[]ext{dst(), hop()}, own6, perf.DropIPExtension, codeNextHeader, 40},
		"skip":                {[]ext{dst(0x3f, 0)}, own6, perf.Delivered, -1, 0},
		"discard":             {[]ext{dst(0x7f, 0)}, own6, perf.DropIPExtension, -1, 0},
		"tell":                {[]ext{dst(0xbf, 0)}, own6, perf.DropIPExtension, codeOption, 42},
		"tell unless group":   {[]ext{hop(), dst(5, 0, 0xff, 0)}, own6, perf.DropIPExtension, codeOption, 52},
		"group, tell":         {[]ext{dst(0xbf, 0)}, AllNodes, perf.DropIPExtension, codeOption, 42},
		"group, not told":     {[]ext{dst(0xff, 0)}, AllNodes, perf.DropIPExtension, -1, 0},
		"routing type 0":      {[]ext{routing(0, 1)}, own6, perf.DropIPExtension, codeField, 42},
		"routing type 4":      {[]ext{dst(), routing(4, 1)}, own6, perf.DropIPExtension, codeField, 50},
		"nine options":        {[]ext{dst(5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0)}, own6, perf.DropIPExtension, -1, 0},
		"much padding":        {[]ext{dst(1, 6, 0, 0, 0, 0, 0, 0)}, own6, perf.DropIPExtension, -1, 0},
		"option too long":     {[]ext{dst(5, 99)}, own6, perf.DropIPExtension, -1, 0},
		"header too long":     {[]ext{{ProtoDstOpts, []byte{0, 200, 1, 4, 0, 0, 0, 0}}}, own6, perf.DropIPExtension, -1, 0},
		"unknown next header": {[]ext{dst(), {200, nil}}, own6, perf.DropIPProto, codeNextHeader, 40},
	} {
		r := newRig6(t)
		b := extended(udp6(peer6, c.to, []byte("data")), c.headers...)
		if v := r.packet6(b); v != c.want {
			t.Errorf("%s: %v, want %v", name, v, c.want)
		}
		if c.want == perf.Delivered {
			d := r.only(1)[0]
			if string(d.data[8:]) != "data" || len(d.pkt.Header) != len(b)-12 {
				t.Errorf("%s: %q behind %d bytes", name, d.data, len(d.pkt.Header))
			}
		}
		if c.code < 0 {
			r.quiet6()
			continue
		}
		_, typ, code, body := icmp6Of(t, r.one6())
		if typ != ICMP6Parameter || int(code) != c.code || int(be.Uint32(body)) != c.at {
			t.Errorf("%s: type %d code %d pointer %d", name, typ, code, be.Uint32(body))
		}
		if !bytes.Equal(body[4:], b) {
			t.Errorf("%s: the packet is not quoted as it came", name)
		}
	}
}

// FuzzInput6 gives any IPv6 packet to the layer: no
// panic, no leak, the books balance, and no error is answered.
func FuzzInput6(f *testing.F) {
	f.Add(udp6(peer6, own6, pattern(10)), uint16(0))
	f.Add(extended(udp6(peer6, own6, pattern(10)), options6(ProtoHopByHop, 5, 2, 0, 0), options6(ProtoDstOpts, 0xbf, 0)), uint16(0))
	f.Add(extended(udp6(peer6, own6, pattern(16)), frag6(7, 0, true)), uint16(60))
	f.Add(extended(udp6(peer6, own6, nil), ext{ProtoRouting, []byte{0, 0, 0, 1, 0, 0, 0, 0}}), uint16(0))
	f.Add(icmp6Packet(peer6, own6, ICMP6Echo, 0, pattern(30)), uint16(0))
	f.Add(icmp6Packet(peerLL, AllNodes, ICMP6NeighborSolicit, 0, append(make([]byte, 4), own6[:]...), func(h *layers.IPv6) { h.HopLimit = 255 }), uint16(0))
	f.Add(complaint6(peer6, ICMP6TooBig, 0, 1300, udp6(own6, far6, pattern(1400))), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if len(b) > 60000 {
			return
		}
		r := newRig6(t)
		error6 := len(b) > HdrLen6 && b[6] == ProtoICMPv6 && b[HdrLen6] < 128
		for range 3 { // as it is, with a right checksum, and once more
			frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}, b...)
			if int(cut) > 0 && int(cut) < len(frame) && cut < 2000 && len(frame) < 4000 {
				r.inMbuf(0, r.chain(frame, int(cut)))
			} else {
				r.in(0, frame)
			}
			if n := len(r.sent(0)); error6 && n > 0 {
				t.Fatalf("%d packets answer an error", n)
			}
			if len(b) > HdrLen6+8 && b[6] == ProtoICMPv6 {
				l := b[HdrLen6:]
				l[2], l[3] = 0, 0
				be.PutUint16(l[2:], ^Fold(Sum(l, PseudoSum(Addr(b[8:24]), Addr(b[24:40]), ProtoICMPv6, len(l)))))
			}
		}
		r.advance(61 * perf.Second)
	})
}
