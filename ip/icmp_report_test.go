package ip

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/perf"
)

var router = addr("10.0.0.254")

// icmpError is an ICMP error from a router about the packet quote.
func icmpError(typ, code uint8, rest uint32, quote []byte) []byte {
	ic := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, code), Id: uint16(rest >> 16), Seq: uint16(rest)}
	return serialize(ipv4(router, own0, 1), ic, gopacket.Payload(quote))
}

func TestReport_RFC1122_3_2_2_1(t *testing.T) {
	ours := udpPacket(own0, far, pattern(100))
	for _, c := range []struct {
		name      string
		typ, code uint8
		errno     syscall.Errno
		hard      bool
	}{
		{"net: a hint", 3, 0, syscall.ENETUNREACH, false},
		{"host: a hint", 3, 1, syscall.EHOSTUNREACH, false},
		{"protocol", 3, 2, syscall.ENOPROTOOPT, true},
		{"port", 3, 3, syscall.ECONNREFUSED, true},
		{"source route: a hint", 3, 5, syscall.EOPNOTSUPP, false},
		{"prohibited", 3, 13, syscall.EHOSTUNREACH, true},
		{"RFC1122_3.2.2.4 time exceeded", 11, 0, syscall.EHOSTUNREACH, false},
		{"reassembly time exceeded", 11, 1, syscall.EHOSTUNREACH, false},
		{"RFC1122_3.2.2.5 parameter problem", 12, 0, syscall.EPROTO, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if v := r.packet(icmpError(c.typ, c.code, 0, ours)); v != perf.Delivered {
				t.Fatal(v)
			}
			e := r.udp.errs[0]
			if e.Src != own0 || e.Dst != far || e.Offender != router || e.Type != c.typ || e.Code != c.code ||
				e.Errno != c.errno || e.Hard != c.hard || e.Now != r.now || !bytes.Equal(e.Payload, ours[20:]) {
				t.Errorf("%+v", e)
			}
			r.quiet()
		})
	}
}

func TestReportDropped(t *testing.T) {
	ours := udpPacket(own0, far, pattern(100))
	edit := func(f func(b []byte)) []byte { b := bytes.Clone(ours); f(b); return b }
	for _, c := range []struct {
		name  string
		typ   uint8
		code  uint8
		quote []byte
		want  perf.Verdict
	}{
		{"7 bytes of payload quoted", 3, 3, ours[:27], perf.DropICMPShort},
		{"8 bytes of payload quoted", 3, 3, ours[:28], perf.Delivered},
		{"options cut off", 3, 3, edit(func(b []byte) { b[0] = 0x4f })[:40], perf.DropICMPShort},
		{"IHL 4", 3, 3, edit(func(b []byte) { b[0] = 0x44 }), perf.DropICMPStale},
		{"IPv6", 3, 3, edit(func(b []byte) { b[0] = 0x65 }), perf.DropICMPStale},
		{"not from us", 3, 3, udpPacket(far, own0, pattern(30)), perf.DropICMPStale},
		{"from our other address than it came to", 3, 3, udpPacket(own1, far, pattern(30)), perf.DropICMPStale},
		{"a later fragment", 3, 3, edit(func(b []byte) { b[7] = 9 }), perf.DropICMPStale},
		{"a protocol that we do not speak", 3, 3, edit(func(b []byte) { b[9] = 99 }), perf.DropICMPStale},
		{"a reply to a ping", 3, 3, edit(func(b []byte) { b[9] = 1 }), perf.DropICMPStale},
		{"unknown code of unreachable", 3, 16, ours, perf.DropICMPType},
		{"unknown code of time exceeded", 11, 2, ours, perf.DropICMPType},
		{"unknown code of parameter problem", 12, 3, ours, perf.DropICMPType},
		{"header checksum and TTL changed on the way", 3, 3, edit(func(b []byte) { b[8] = 1; b[11] ^= 9 }), perf.Delivered},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if v := r.packet(icmpError(c.typ, c.code, 0, c.quote)); v != c.want {
				t.Errorf("%v, want %v", v, c.want)
			}
			if n := len(r.udp.errs); (n == 1) != (c.want == perf.Delivered) {
				t.Errorf("%d errors handed up", n)
			}
			r.quiet()
		})
	}
	r := newRig(t)
	if v := r.in(0, r.framed(0, bcast, icmpError(3, 3, 0, ours))); v != perf.DropIPLinkBroadcast {
		t.Error(v)
	}
}

func TestPathMTU(t *testing.T) {
	big := udpPacket(own0, far, pattern(1472))
	fragNeeded := func(mtu int) []byte { return icmpError(3, 4, uint32(mtu), big[:28]) }
	r := newRig(t)
	r.learn(0, router)
	e := &Endpoint{Remote: far, DontFrag: true}
	mtu := func() int {
		if errno := r.l.Resolve(e); errno != 0 {
			t.Fatal(errno)
		}
		if e.Dst.MTU != r.l.PathMTU(far) {
			t.Errorf("the cached route has MTU %d, the path %d", e.Dst.MTU, r.l.PathMTU(far))
		}
		return e.Dst.MTU
	}
	for _, c := range []struct {
		name      string
		mtu, want int
		verdict   perf.Verdict
	}{
		{"RFC1191_3 as large as the packet", 1500, 1500, perf.DropICMPStale},
		{"RFC1191_3 lowered", 1400, 1400, perf.Delivered},
		{"RFC1191_3 again the same", 1400, 1400, perf.Delivered},
		{"RFC1191_3 larger is ignored", 1450, 1400, perf.DropICMPStale},
		{"RFC1191_5 old router: next plateau below the packet", 0, 1400, perf.DropICMPStale},
		{"RFC1191_3 lowered further", 1000, 1000, perf.Delivered},
		{"RFC5927_7.2 floor", 68, minPathMTU, perf.Delivered},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := r.packet(fragNeeded(c.mtu)); v != c.verdict {
				t.Errorf("%v, want %v", v, c.verdict)
			}
			if got := mtu(); got != c.want {
				t.Errorf("MTU %d, want %d", got, c.want)
			}
		})
	}
	for _, err := range r.udp.errs {
		if err.MTU < minPathMTU || err.Errno != syscall.EMSGSIZE || err.Hard {
			t.Errorf("%+v", err)
		}
	}
	// A path below the floor: packets may be cut although they ask not to be.
	r.send(e, pattern(400))
	if h := r.header(0); h.Flags&layers.IPv4DontFragment != 0 {
		t.Error("DF on a path below the floor")
	}
	// Others do not suffer.
	if r.l.PathMTU(peer0) != 1500 {
		t.Error("another destination's MTU changed")
	}
	r.advance(9 * perf.Minute)
	if mtu() != minPathMTU {
		t.Error("RFC 1191 6.3: raised too early")
	}
	r.advance(90 * perf.Second)
	if mtu() != 1500 {
		t.Error("RFC 1191 6.3: never raised")
	}
}

func TestPathMTUPlateau_RFC1191_7_1(t *testing.T) {
	for _, c := range []struct{ n, want int }{{65535, 32000}, {1500, 1492}, {1492, 1006}, {576, 508}, {68, 68}, {0, 68}} {
		if p := plateau(c.n); p != c.want {
			t.Errorf("plateau below %d: %d, want %d", c.n, p, c.want)
		}
	}
	r := newRig(t)
	r.packet(icmpError(3, 4, 0, udpPacket(own0, far, pattern(1472))[:28]))
	if mtu := r.l.PathMTU(far); mtu != 1492 {
		t.Errorf("MTU %d", mtu)
	}
}

// RFC 5927 7.2: what no socket of ours sent does not change the path.
func TestPathMTUForged(t *testing.T) {
	r := newRig(t)
	r.udp.onErr = perf.DropICMPStale
	r.l.PathMTU(far) // the routes are looked at
	gen := r.l.gen
	if v := r.packet(icmpError(3, 4, 600, udpPacket(own0, far, pattern(1472))[:28])); v != perf.DropICMPStale {
		t.Error(v)
	}
	if r.udp.errs[0].MTU != 600 {
		t.Errorf("the transport was told %d", r.udp.errs[0].MTU)
	}
	if mtu := r.l.PathMTU(far); mtu != 1500 {
		t.Errorf("MTU %d", mtu)
	}
	if r.l.gen != gen {
		t.Error("who is not believed makes all routes be looked up again")
	}
	r.udp.onErr = perf.Delivered
	r.packet(icmpError(3, 4, 900, udpPacket(own0, far, pattern(1472))[:28]))
	r.udp.onErr = perf.DropICMPStale
	r.packet(icmpError(3, 4, 600, udpPacket(own0, far, pattern(1472))[:28]))
	if mtu := r.l.PathMTU(far); mtu != 900 {
		t.Errorf("MTU %d, want the one before", mtu)
	}
}

// However many destinations are claimed to be narrow, the table stays as it is.
func TestPathMTUBounded(t *testing.T) {
	r := newRig(t)
	for i := range 5000 {
		dst := FromV4(198<<24 | 51<<16 | uint32(i))
		if v := r.packet(icmpError(3, 4, 1300, udpPacket(own0, dst, pattern(1472))[:28])); v != perf.Delivered {
			t.Fatal(v)
		}
		if r.l.PathMTU(dst) != 1300 {
			t.Fatal("the newest is not known")
		}
		r.advance(perf.Millisecond)
	}
	if r.l.paths.n > pathRows*pathWays {
		t.Errorf("%d paths", r.l.paths.n)
	}
	r.advance(11 * perf.Minute)
	if r.l.paths.n != 0 || r.l.paths.timer.Armed() {
		t.Errorf("%d paths are left", r.l.paths.n)
	}
}
