package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

var bcast = eth.BroadcastMAC

// TestInputConformance is what RFC 791 and 1122 say of received packets. Each
// row is one frame and its fate; nothing is ever sent in answer to a bad one.
func TestInputConformance(t *testing.T) {
	edit := func(f func(b []byte)) []byte {
		b := udpPacket(peer0, own0, pattern(32))
		f(b)
		return b
	}
	resum := func(f func(b []byte)) []byte {
		return edit(func(b []byte) { f(b); Header4(b[:20]).setChecksum() })
	}
	from := func(src string) []byte {
		return edit(func(b []byte) { a := addr(src); copy(b[12:16], a[12:]); Header4(b[:20]).setChecksum() })
	}
	to := func(dst string) []byte { return udpPacket(peer0, addr(dst), pattern(32)) }
	for _, c := range []struct {
		name string
		dst  [6]byte // zero: our MAC
		ip   []byte
		want perf.Verdict
	}{
		{"good", [6]byte{}, edit(func([]byte) {}), perf.Delivered},
		{"RFC1122_2.3.3 trailing padding", [6]byte{}, append(edit(func([]byte) {}), make([]byte, 18)...), perf.Delivered},
		{"RFC1122_3.2.1.1 version 6", [6]byte{}, resum(func(b []byte) { b[0] = 0x65 }), perf.DropIPVersion},
		{"RFC1122_3.2.1.2 bad checksum", [6]byte{}, edit(func(b []byte) { b[10] ^= 1 }), perf.DropIPChecksum},
		{"RFC791_3.1 IHL 4", [6]byte{}, resum(func(b []byte) { b[0] = 0x44 }), perf.DropIPHeader},
		{"RFC791_3.1 IHL 15 of a short packet", [6]byte{}, edit(func(b []byte) { b[0] = 0x4f })[:40], perf.DropIPHeader},
		{"RFC791_3.1 total length below header", [6]byte{}, resum(func(b []byte) { b[2], b[3] = 0, 12 }), perf.DropIPLength},
		{"RFC791_3.1 total length above frame", [6]byte{}, resum(func(b []byte) { b[3]++ }), perf.DropIPLength},
		{"RFC791_3.1 truncated header", [6]byte{}, edit(func([]byte) {})[:12], perf.DropIPShort},
		{"RFC1122_3.2.1.3 source limited broadcast", [6]byte{}, from("255.255.255.255"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source directed broadcast", [6]byte{}, from("10.0.0.255"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source group", [6]byte{}, from("224.0.0.5"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source class E", [6]byte{}, from("250.0.0.5"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source 127/8 from the wire", [6]byte{}, from("127.0.0.1"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source 0/8", [6]byte{}, from("0.1.2.3"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source zero to unicast", [6]byte{}, udpPacket(Addr{10: 255, 11: 255}, own0, nil), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source our own (land)", [6]byte{}, from("10.0.0.1"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 source our other own", [6]byte{}, from("192.168.7.1"), perf.DropIPSource},
		{"RFC1122_3.2.1.3 DHCP source zero to broadcast", bcast, udpPacket(Addr{10: 255, 11: 255}, broadcast4, nil), perf.Delivered},
		{"RFC1122_3.2.1.3 127/8 as destination", [6]byte{}, to("127.0.0.1"), perf.DropIPNotOurs},
		{"RFC1122_3.2.1.3 another host", [6]byte{}, to("10.0.0.77"), perf.DropIPNotOurs},
		{"RFC1122_3.2.1.3 group not joined", [6]byte{1, 0, 0x5e, 0, 0, 9}, to("224.0.0.9"), perf.DropIPNotOurs},
		{"RFC1112_4 all hosts", [6]byte{1, 0, 0x5e, 0, 0, 1}, to("224.0.0.1"), perf.Delivered},
		{"RFC1122_3.3.4.2 our other address (weak host)", [6]byte{}, to("192.168.7.1"), perf.Delivered},
		{"RFC1122_3.2.1.7 TTL 1", [6]byte{}, resum(func(b []byte) { b[8] = 1 }), perf.Delivered},
		{"RFC1122_3.3.6 link broadcast with unicast", bcast, to("10.0.0.1"), perf.DropIPLinkBroadcast},
		{"RFC1122_3.3.6 limited broadcast", bcast, to("255.255.255.255"), perf.Delivered},
		{"RFC1122_3.3.6 directed broadcast", bcast, to("10.0.0.255"), perf.Delivered},
		{"RFC1122_3.3.6 directed broadcast of another subnet", bcast, to("10.0.1.255"), perf.DropIPNotOurs},
		{"RFC791_3.2 fragment not a multiple of 8", [6]byte{}, fragmentOf(1, 0, true, pattern(30)), perf.DropFragBad},
		{"RFC791_3.2 fragment behind 65535", [6]byte{}, fragmentOf(1, 65528, false, pattern(64)), perf.DropFragBad},
		{"RFC791_3.2 empty fragment", [6]byte{}, fragmentOf(1, 64, false, nil), perf.DropFragBad},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.learn(0, peer0)
			dst := c.dst
			if dst == [6]byte{} {
				dst = r.ifaces[0].MAC
			}
			if v := r.in(0, r.framed(0, dst, c.ip)); v != c.want {
				t.Fatalf("%v, want %v", v, c.want)
			}
			if c.want == perf.Delivered {
				got := r.only(1)[0]
				if want := c.ip[20:Header4(c.ip).TotalLen()]; !bytes.Equal(got.data, want) {
					t.Errorf("payload % x, want % x", got.data, want)
				}
			}
			r.quiet()
		})
	}
}

func TestInputFillsPacket(t *testing.T) {
	r := newRig(t)
	b := udpPacket(peer0, addr("10.0.0.255"), pattern(9), func(h *layers.IPv4) { h.TTL, h.TOS = 3, 0x2e })
	r.in(0, r.framed(0, bcast, b))
	p := r.only(1)[0].pkt
	if p.Src != peer0 || p.Dst != addr("10.0.0.255") || p.Proto != ProtoUDP || p.TTL != 3 || p.TOS != 0x2e || p.Iface != r.ifaces[0] ||
		!p.Broadcast || p.Multicast || !p.LinkBroadcast || p.Copied || p.Reassembled || p.Now != r.now {
		t.Errorf("%+v", p)
	}
	if !bytes.Equal(p.Header, b[:20]) {
		t.Errorf("header % x", p.Header)
	}
}

func TestInputSkipsChecksum(t *testing.T) {
	r := newRig(t)
	bad := udpPacket(peer0, own0, nil)
	bad[10] ^= 0xff
	for _, flag := range []uint64{mbuf.RxIPChecksumGood, mbuf.FlagLoop} {
		m := r.buffer(r.framed(0, r.ifaces[0].MAC, bad))
		m.OlFlags |= flag
		if v := r.inMbuf(0, m); v != perf.Delivered {
			t.Errorf("flag %x: %v", flag, v)
		}
	}
}

// chain makes a chain of segments of the given sizes; the rest is in the last.
func (r *rig) chain(b []byte, sizes ...int) *mbuf.Mbuf {
	var head *mbuf.Mbuf
	for _, n := range append(sizes, len(b)) {
		n = min(n, len(b))
		s := r.pool.Alloc()
		copy(s.Append(n), b[:n])
		b = b[n:]
		if head == nil {
			head = s
		} else {
			head.Chain(s)
		}
	}
	return head
}

func TestInputChains(t *testing.T) {
	r := newRig(t)
	data := pattern(1000)
	frame := append(r.framed(0, r.ifaces[0].MAC, udpPacket(peer0, own0, data)), 1, 2, 3) // with padding
	for _, c := range []struct {
		sizes []int
		want  perf.Verdict
	}{
		{[]int{34, 100, 300}, perf.Delivered},
		{[]int{42}, perf.Delivered},
		{[]int{1042, 2}, perf.Delivered}, // padding over two segments
		{[]int{20}, perf.DropLinear},
		{[]int{14}, perf.DropLinear},
	} {
		if v := r.inMbuf(0, r.chain(frame, c.sizes...)); v != c.want {
			t.Errorf("%v: %v, want %v", c.sizes, v, c.want)
			continue
		}
		if c.want == perf.Delivered {
			if got := r.only(1)[0]; !bytes.Equal(got.data[8:], data) {
				t.Errorf("%v: wrong data", c.sizes)
			}
		}
	}
}

func TestInputUnknownProtocol(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	b := serialize(ipv4(peer0, own0, 99), gopacket.Payload(pattern(100)))
	if v := r.packet(b); v != perf.DropIPProto {
		t.Fatal(v)
	}
	p := r.packets(0)
	if len(p) != 1 {
		t.Fatalf("%d packets", len(p))
	}
	ic := p[0].Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
	if ic.TypeCode != layers.CreateICMPv4TypeCode(3, 2) || !bytes.Equal(ic.Payload, b) {
		t.Errorf("%v, quotes % x", ic.TypeCode, ic.Payload)
	}
	// A copy that other cores have too is not answered, and neither is a broadcast.
	m := r.buffer(r.framed(0, r.ifaces[0].MAC, b))
	m.OlFlags |= mbuf.FlagCopy
	r.inMbuf(0, m)
	r.in(0, r.framed(0, bcast, serialize(ipv4(peer0, broadcast4, 99), gopacket.Payload(pattern(100)))))
	r.quiet()
}

func TestInputCopyIsDelivered(t *testing.T) {
	r := newRig(t)
	m := r.buffer(r.framed(0, bcast, udpPacket(peer0, broadcast4, pattern(5))))
	m.OlFlags |= mbuf.FlagCopy
	if v := r.inMbuf(0, m); v != perf.Delivered || !r.only(1)[0].pkt.Copied {
		t.Error(v)
	}
}

func TestAddProtocolTwice(t *testing.T) {
	r := newRig(t)
	if err := r.l.AddProtocol(ProtoUDP, &r.udp); err == nil {
		t.Error("a second UDP was let in")
	}
	if err := r.l.AddProtocol(ProtoICMP, &r.udp); err == nil {
		t.Error("a second ICMP was let in")
	}
	if err := r.l.AddProtocol(99, &r.udp); err != nil {
		t.Error(err)
	}
}

// FuzzInput gives any packet to the layer: no panic, no leak, and the books
// balance.
func FuzzInput(f *testing.F) {
	f.Add(udpPacket(peer0, own0, pattern(10)), uint16(0))
	f.Add(withOptions([]byte{131, 7, 4, 10, 0, 0, 9, 0}), uint16(30))
	f.Add(fragmentOf(7, 0, true, pattern(16)), uint16(0))
	f.Add(pingPacket(peer0, own0, pattern(30)), uint16(60))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if len(b) > 60000 {
			return
		}
		r := newSizedRig(t, 128)
		r.learn(0, peer0)
		for range 2 { // as it is, then with a right header checksum
			frame := r.framed(0, r.ifaces[0].MAC, b)
			if int(cut) > 0 && int(cut) < len(frame) && cut < 2000 && len(frame) < 4000 {
				r.inMbuf(0, r.chain(frame, int(cut)))
			} else {
				r.in(0, frame)
			}
			if h, v := ParseHeader4(b); v == perf.Delivered {
				h.setChecksum()
			}
		}
		r.advance(61 * perf.Second)
	})
}
