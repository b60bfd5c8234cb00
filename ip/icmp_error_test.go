package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/mbuf"
	"dataplane/perf"
)

// refuser is a transport without ports.
type refuser struct{ l *Layer }

func (f refuser) Input(m *mbuf.Mbuf, p *Packet) perf.Verdict {
	f.l.NoPort(p, m)
	return perf.DropUDPNoPort
}
func (refuser) Error(*Error) perf.Verdict { return perf.Delivered }

func newRefusingRig(t testing.TB) *rig {
	r := newRig(t)
	r.l.protos[ProtoUDP] = refuser{r.l}
	r.learn(0, peer0)
	r.learn(0, addr("10.0.0.254"))
	return r
}

func TestErrorQuotes_RFC1122_3_2_2(t *testing.T) {
	for _, n := range []int{0, 1, 100, 520, 521, 1400, 4000} {
		r := newRefusingRig(t)
		b := udpPacket(peer0, own1, pattern(n), func(h *layers.IPv4) { h.TOS, h.Id = 0x28, 99 })
		if n > 1480 {
			r.give(cutUp(b, 400)...)
		} else {
			r.packet(b)
		}
		p := r.packets(0)
		if len(p) != 1 {
			t.Fatalf("%d packets", len(p))
		}
		h := p[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		ic := icmpOf(t, p[0])
		want := b[:min(len(b), 576-28)]
		if ic.TypeCode != layers.CreateICMPv4TypeCode(3, 3) || !bytes.Equal(ic.Payload, want) {
			t.Errorf("%d bytes: %v, quotes %d bytes, want %d", n, ic.TypeCode, len(ic.Payload), len(want))
		}
		// RFC 1122 3.3.4.2: from the address the packet was sent to.
		if h.SrcIP.String() != own1.String() || h.DstIP.String() != peer0.String() || h.TOS != icmpTOS {
			t.Errorf("header %+v", h)
		}
	}
}

func TestNoErrorAbout_RFC1122_3_2_2(t *testing.T) {
	r := newRefusingRig(t)
	icmp := func(typ uint8) []byte {
		return serialize(ipv4(peer0, own0, 1), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, 0)}, gopacket.Payload(pattern(40)))
	}
	withBadOption := func(b []byte) []byte {
		b = append(append(append([]byte(nil), b[:20]...), 200, 0, 0, 0), b[20:]...)
		b[0]++
		be.PutUint16(b[2:], uint16(len(b)))
		Header4(b[:24]).setChecksum()
		return b
	}
	for _, c := range []struct {
		name string
		mac  [6]byte
		b    []byte
		sent int
	}{
		{"a unicast datagram", r.ifaces[0].MAC, udpPacket(peer0, own0, nil), 1},
		{"a bad option", r.ifaces[0].MAC, withBadOption(udpPacket(peer0, own0, nil)), 1},
		{"a bad option of an echo request", r.ifaces[0].MAC, withBadOption(icmp(8)), 1},
		{"an ICMP error", r.ifaces[0].MAC, withBadOption(icmp(3)), 0},
		{"a redirect", r.ifaces[0].MAC, withBadOption(icmp(5)), 0},
		{"an unknown ICMP type", r.ifaces[0].MAC, withBadOption(icmp(200)), 0},
		{"a limited broadcast", bcast, udpPacket(peer0, broadcast4, nil), 0},
		{"a directed broadcast", bcast, udpPacket(peer0, addr("10.0.0.255"), nil), 0},
		{"a directed broadcast in a unicast frame", r.ifaces[0].MAC, udpPacket(peer0, addr("10.0.0.255"), nil), 0},
		{"a group", bcast, udpPacket(peer0, allHosts, nil), 0},
		{"a link broadcast", bcast, udpPacket(peer0, own0, nil), 0},
		{"a later fragment", r.ifaces[0].MAC, withBadOption(fragmentOf(3, 64, true, pattern(16))), 0},
		{"a source that is no host", r.ifaces[0].MAC, udpPacket(addr("224.1.1.1"), own0, nil), 0},
		{"a DHCP client", bcast, udpPacket(Addr{10: 255, 11: 255}, broadcast4, nil), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			r.advance(perf.Second)
			r.in(0, r.framed(0, c.mac, c.b))
			if p := r.packets(0); len(p) != c.sent {
				t.Errorf("%d packets sent, want %d", len(p), c.sent)
			}
		})
	}
}

func TestErrorLimit_RFC1812_4_3_2_8(t *testing.T) {
	r := newRefusingRig(t)
	count := func(n int, src func(i int) Addr) int {
		sent := 0
		for i := range n {
			r.packet(udpPacket(src(i), own0, nil))
			sent += len(r.packets(0))
		}
		return sent
	}
	if n := count(1000, func(int) Addr { return peer0 }); n != perBurst {
		t.Errorf("%d errors to one host at once, want %d", n, perBurst)
	}
	// Another host still gets his.
	if n := count(1, func(int) Addr { return far }); n != 1 {
		t.Error("one flooder silences us for all")
	}
	r.advance(10 * perf.Second)
	r.learn(0, addr("10.0.0.254")) // it did not answer our probes
	n := count(2000, func(i int) Addr { return FromV4(198<<24 | 51<<16 | uint32(i)) })
	if n < errorBurst/3 || n > errorBurst {
		t.Errorf("%d errors to many hosts at once, want at most %d", n, errorBurst)
	}
	if r.stat.Events[perf.EvICMPErrorLimited] == 0 {
		t.Error("not counted")
	}
}

func TestErrorWithoutBuffers(t *testing.T) {
	r := newRefusingRig(t)
	m := r.buffer(r.framed(0, r.ifaces[0].MAC, udpPacket(peer0, own0, nil)))
	var all []*mbuf.Mbuf
	for b := r.pool.Alloc(); b != nil; b = r.pool.Alloc() {
		all = append(all, b)
	}
	if v := r.inMbuf(0, m); v != perf.DropUDPNoPort || r.stat.Lost[perf.LostNoMbuf] != 1 {
		t.Error(v)
	}
	r.pool.FreeBulk(all)
}

func TestBucket(t *testing.T) {
	b := newBucket(10, 5)
	now := perf.Tick(0)
	take := func(n int) (got int) {
		for range n {
			if b.take(now) {
				got++
			}
		}
		return got
	}
	if n := take(20); n != 5 {
		t.Errorf("burst of %d", n)
	}
	now += 300 * perf.Millisecond
	if n := take(20); n != 3 {
		t.Errorf("%d after 0.3 s", n)
	}
	now -= 100 * perf.Millisecond // time does not go back
	if take(1) != 0 {
		t.Error("a token out of the past")
	}
	now += 100 * perf.Second
	if n := take(20); n != 5 {
		t.Errorf("%d after long", n)
	}
}
