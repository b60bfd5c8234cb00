package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/mbuf"
	"dataplane/perf"
)

func pingPacket(src, dst Addr, data []byte, change ...func(*layers.IPv4)) []byte {
	return serialize(ipv4(src, dst, layers.IPProtocolICMPv4, change...),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 4711, Seq: 3}, gopacket.Payload(data))
}

// icmpOf returns the ICMP message of a packet; its checksum must be right.
func icmpOf(t testing.TB, p gopacket.Packet) *layers.ICMPv4 {
	t.Helper()
	ic, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
	if !ok {
		t.Fatalf("no ICMP in %v", p)
	}
	if Fold(Sum(ic.Payload, Sum(ic.Contents, 0))) != 0xffff {
		t.Errorf("ICMP checksum of %v is wrong", ic)
	}
	return ic
}

func TestEcho(t *testing.T) {
	for _, c := range []struct {
		name     string
		src, dst Addr
		port     int
		n        int
	}{
		{"RFC1122_3.2.2.6 plain", peer0, own0, 0, 56},
		{"RFC1122_3.2.2.6 empty", peer0, own0, 0, 0},
		{"RFC1122_3.2.2.6 odd", peer0, own0, 0, 333},
		{"RFC1122_3.2.2.6 full frame", peer0, own0, 0, 1472},
		{"RFC1122_3.3.4.2 from the address that was asked", peer0, own1, 0, 56},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.learn(c.port, c.src)
			in := r.pool.InUse()
			if v := r.packet(pingPacket(c.src, c.dst, pattern(c.n), func(h *layers.IPv4) { h.TOS, h.TTL = 0x10, 2 })); v != perf.Taken {
				t.Fatal(v)
			}
			if r.pool.InUse() != in+1 {
				t.Errorf("%d more buffers in use; the reply takes the request's", r.pool.InUse()-in)
			}
			p := r.packets(c.port)
			if len(p) != 1 {
				t.Fatalf("%d packets", len(p))
			}
			h := p[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4)
			ic := icmpOf(t, p[0])
			if ic.TypeCode != layers.CreateICMPv4TypeCode(0, 0) || ic.Id != 4711 || ic.Seq != 3 || !bytes.Equal(ic.Payload, pattern(c.n)) {
				t.Errorf("answer %v", ic)
			}
			if h.SrcIP.String() != c.dst.String() || h.DstIP.String() != c.src.String() || h.TTL != 64 || h.TOS != 0x10 {
				t.Errorf("header %v", h)
			}
		})
	}
}

// TestEchoHuge is ping -s 65507: 45 fragments in, 45 fragments out.
func TestEchoHuge(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	data := pattern(65507)
	for _, f := range cutUp(pingPacket(peer0, own0, data), 1480) {
		if v := r.packet(f); v != perf.Taken {
			t.Fatal(v)
		}
	}
	frames := r.sent(0)
	if len(frames) != 45 {
		t.Fatalf("%d fragments", len(frames))
	}
	whole := rejoin(t, frames)
	ic := icmpOf(t, gopacket.NewPacket(whole, layers.LayerTypeIPv4, gopacket.Default))
	if ic.TypeCode.Type() != 0 || !bytes.Equal(ic.Payload, data) {
		t.Error("the answer is not what was sent")
	}
}

func TestICMPDropped(t *testing.T) {
	msg := func(dst Addr, typ, code uint8, n int) []byte {
		return serialize(ipv4(peer0, dst, layers.IPProtocolICMPv4),
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, code)}, gopacket.Payload(pattern(n)))
	}
	bad := msg(own0, 8, 0, 20)
	bad[22] ^= 1
	for _, c := range []struct {
		name string
		b    []byte
		mac  [6]byte
		want perf.Verdict
	}{
		{"RFC1122_3.2.2 bad checksum", bad, [6]byte{}, perf.DropICMPChecksum},
		{"RFC1122_3.2.2 unknown type", msg(own0, 77, 0, 20), [6]byte{}, perf.DropICMPType},
		{"RFC6633_3 source quench", msg(own0, 4, 0, 28), [6]byte{}, perf.DropICMPType},
		{"RFC1122_3.2.2.2 redirect", msg(own0, 5, 1, 28), [6]byte{}, perf.DropICMPType},
		{"RFC1122_3.2.2.6 echo reply nobody asked for", msg(own0, 0, 0, 20), [6]byte{}, perf.DropICMPStale},
		{"RFC1122_3.2.2.6 echo to broadcast", msg(broadcast4, 8, 0, 20), bcast, perf.DropICMPType},
		{"RFC1122_3.2.2.6 echo to directed broadcast", msg(addr("10.0.0.255"), 8, 0, 20), bcast, perf.DropICMPType},
		{"RFC1122_3.2.2.6 echo to all hosts", msg(allHosts, 8, 0, 20), bcast, perf.DropICMPType},
		{"RFC1122_3.2.2 7 bytes", serialize(ipv4(peer0, own0, 1), gopacket.Payload(pattern(7))), [6]byte{}, perf.DropICMPShort},
		{"RFC1122_3.2.2 error without quote", msg(own0, 3, 3, 10), [6]byte{}, perf.DropICMPShort},
		{"RFC1122_3.2.2 error quoting no IP", msg(own0, 3, 3, 40), [6]byte{}, perf.DropICMPStale},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.learn(0, peer0)
			if c.mac == [6]byte{} {
				c.mac = r.ifaces[0].MAC
			}
			if v := r.in(0, r.framed(0, c.mac, c.b)); v != c.want {
				t.Errorf("%v, want %v", v, c.want)
			}
			r.quiet()
		})
	}
}

func TestEchoLimit(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	ping := pingPacket(peer0, own0, nil)
	answered := 0
	for range echoBurst + 100 {
		if r.packet(ping) == perf.Taken {
			answered++
		}
		if len(r.wires[0].sent) > 256 {
			r.discard()
		}
	}
	if answered != echoBurst || r.drops(perf.DropICMPLimit) != 100 {
		t.Errorf("%d answered at once, want %d", answered, echoBurst)
	}
	r.advance(perf.Second)
	if r.packet(ping) != perf.Taken {
		t.Error("not answered after a second")
	}
}

func TestEchoChainOverLoop(t *testing.T) {
	r := newRig(t)
	b := pingPacket(loopback4, loopback4, pattern(5000))
	m := r.chain(r.framed(2, [6]byte{}, b), 1000, 2000)
	m.OlFlags |= mbuf.FlagLoop
	if v := r.inMbuf(2, m); v != perf.Taken {
		t.Fatal(v)
	}
	out := r.sent(2)
	if len(out) != 1 || len(out[0]) != 14+20+8+5000 {
		t.Fatalf("%d frames", len(out))
	}
}

// FuzzICMP gives any ICMP message, with a right checksum, to the layer.
func FuzzICMP(f *testing.F) {
	f.Add(pingPacket(peer0, own0, pattern(30))[20:])
	f.Add(append([]byte{3, 4, 0, 0, 0, 0, 2, 0}, udpPacket(own0, far, pattern(600))...))
	f.Add(append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, udpPacket(own0, far, nil)...))
	f.Add(append([]byte{12, 0, 0, 0, 20, 0, 0, 0}, 0x4f, 0, 0, 60))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1400 {
			return
		}
		if len(b) >= 4 {
			b = bytes.Clone(b)
			b[2], b[3] = 0, 0
			be.PutUint16(b[2:], ^Fold(Sum(b, 0)))
		}
		r := newSizedRig(t, 64)
		r.learn(0, peer0)
		v := r.packet(serialize(ipv4(peer0, own0, 1), gopacket.Payload(b)))
		if v == perf.DropICMPChecksum {
			t.Fatal("a right checksum was called wrong")
		}
		if mtu := r.l.PathMTU(far); mtu < minPathMTU || mtu > 1500 {
			t.Fatalf("path MTU %d", mtu)
		}
	})
}
