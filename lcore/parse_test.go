package lcore

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	six1 = [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}
	six2 = [16]byte{0x20, 1, 0xd, 0xb8, 7: 9, 15: 2}
)

func ip6(src, dst [16]byte, next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: src[:], DstIP: dst[:]}
}

// ports is the beginning of any transport header.
func ports(src, dst uint16) gopacket.Payload {
	b := binary.BigEndian.AppendUint16(nil, src)
	return append(binary.BigEndian.AppendUint16(b, dst), 0, 8, 0, 0)
}

func TestClassify(t *testing.T) {
	four := Hash4(mapped(hostA), mapped(hostB), 1000, 80)
	two := hash2(mapped(hostA), mapped(hostB))
	four6, two6 := Hash4(six1, six2, 1000, 80), hash2(six1, six2)

	v4 := ether(layers.EthernetTypeIPv4)
	v6 := ether(layers.EthernetTypeIPv6)
	tcp4 := ip4(hostA, hostB, layers.IPProtocolTCP)
	frag := ip4(hostA, hostB, layers.IPProtocolUDP)
	frag.Flags = layers.IPv4MoreFragments
	later := ip4(hostA, hostB, layers.IPProtocolUDP)
	later.FragOffset = 100
	df := ip4(hostA, hostB, layers.IPProtocolUDP)
	df.Flags = layers.IPv4DontFragment
	opts := ip4(hostA, hostB, layers.IPProtocolUDP)
	opts.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 1}}
	icmp := ip4([4]byte{192, 0, 2, 1}, hostA, layers.IPProtocolICMPv4) // a router's
	unreachable := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 1)}
	group := ether(layers.EthernetTypeIPv4)
	group.DstMAC = []byte{1, 0, 0x5e, 0, 0, 1}
	tag := func(typ layers.EthernetType) *layers.Dot1Q { return &layers.Dot1Q{VLANIdentifier: 5, Type: typ} }

	for _, tt := range []struct {
		name  string
		frame []byte
		hash  uint32
		place place
	}{
		{"TCP", encode(t, v4, tcp4, ports(1000, 80)), four, byTuple},
		{"TCP, the way back", encode(t, v4, ip4(hostB, hostA, layers.IPProtocolTCP), ports(80, 1000)), four, byTuple},
		{"UDP", udp4(t, 1000, 80, 1), four, byTuple},
		{"UDP with DF", encode(t, v4, df, ports(1000, 80)), four, byTuple},
		{"UDP behind options", encode(t, v4, opts, ports(1000, 80)), four, byTuple},
		{"UDP-Lite", encode(t, v4, ip4(hostA, hostB, 136), ports(1000, 80)), four, byTuple},
		{"tagged", encode(t, ether(layers.EthernetTypeDot1Q), tag(layers.EthernetTypeIPv4), tcp4, ports(1000, 80)), four, byTuple},
		{"tagged twice", encode(t, ether(layers.EthernetTypeQinQ), tag(layers.EthernetTypeDot1Q), tag(layers.EthernetTypeIPv4), tcp4, ports(1000, 80)), four, byTuple},
		{"tagged ARP", encode(t, ether(layers.EthernetTypeDot1Q), tag(layers.EthernetTypeARP)), 0, everyone},
		{"first fragment", encode(t, v4, frag, ports(1000, 80)), two, byAddrs},
		{"later fragment", encode(t, v4, later, ports(1000, 80)), two, byAddrs},
		{"OSPF", encode(t, v4, ip4(hostA, hostB, 89), ports(1, 2)), two, byAddrs},
		{"ping", encode(t, v4, ip4(hostA, hostB, layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}), two, byAddrs},
		{"TCP without ports", encode(t, v4, tcp4, ports(1000, 80))[:37], two, byAddrs},
		{"unreachable", encode(t, v4, icmp, unreachable, tcp4, ports(1000, 80)), four, byQuote},
		{"unreachable, first fragment", encode(t, v4, icmp, unreachable, frag, ports(1000, 80)), four, byQuote},
		{"unreachable, later fragment", encode(t, v4, icmp, unreachable, later, ports(1000, 80)), two, byQuote},
		{"unreachable, quoting nothing", encode(t, v4, icmp, unreachable), hash2(mapped([4]byte{192, 0, 2, 1}), mapped(hostA)), byAddrs},
		{"multicast", encode(t, group, tcp4, ports(1000, 80)), 0, everyone},
		{"ARP", arp(t), 0, everyone},
		{"ARP reply", encode(t, ether(layers.EthernetTypeARP), gopacket.Payload(make([]byte, 28))), 0, everyone},

		{"TCP6", encode(t, v6, ip6(six1, six2, 6), ports(1000, 80)), four6, byTuple},
		{"TCP6, the way back", encode(t, v6, ip6(six2, six1, 6), ports(80, 1000)), four6, byTuple},
		{"behind extensions", encode(t, v6, ip6(six1, six2, 60), gopacket.Payload{43, 1, 15: 0}, gopacket.Payload{51, 0, 7: 0},
			gopacket.Payload{6, 4, 23: 0}, ports(1000, 80)), four6, byTuple},
		{"fragment6", encode(t, v6, ip6(six1, six2, 44), gopacket.Payload{6, 0, 0, 1, 0, 0, 0, 1}, ports(1000, 80)), two6, byAddrs},
		{"atomic fragment6", encode(t, v6, ip6(six1, six2, 44), gopacket.Payload{6, 0, 0, 0, 0, 0, 0, 1}, ports(1000, 80)), four6, byTuple},
		{"extension too long", encode(t, v6, ip6(six1, six2, 60), gopacket.Payload{6, 9, 7: 0}), two6, byAddrs},
		{"too many extensions", encode(t, v6, ip6(six1, six2, 60), gopacket.Payload(slices.Repeat([]byte{60, 0, 0, 0, 0, 0, 0, 0}, 9))), two6, byAddrs},
		{"echo6", encode(t, v6, ip6(six1, six2, 58), gopacket.Payload{128, 0, 0, 0, 0, 0, 0, 0}), two6, byAddrs},
		{"too big", encode(t, v6, ip6([16]byte{1}, six1, 58), gopacket.Payload{2, 0, 0, 0, 0, 0, 5, 0}, ip6(six1, six2, 6), ports(1000, 80)), four6, byQuote},
		{"neighbour advertisement", encode(t, v6, ip6(six1, six2, 58), gopacket.Payload{136, 0, 0, 0, 0, 0, 0, 0}), 0, everyone},

		{"nothing", nil, 0, keep},
		{"short", make([]byte, 13), 0, keep},
		{"short tag", append(slices.Clone(macA), append(macB, 0x81, 0, 1)...), 0, keep},
		{"short IPv4", udp4(t, 1, 2, 3)[:33], 0, keep},
		{"short IPv6", encode(t, v6, ip6(six1, six2, 6))[:53], 0, keep},
		{"version 5", encode(t, v4, gopacket.Payload{0x55, 19: 0}), 0, keep},
	} {
		hash, p := classify(tt.frame)
		if p != tt.place || p != everyone && p != keep && hash != tt.hash {
			t.Errorf("%s: place %d hash %08x, not %d %08x", tt.name, p, hash, tt.place, tt.hash)
		}
		if plain(tt.frame) && tt.place != byTuple {
			t.Errorf("%s: plain, but of place %d", tt.name, tt.place)
		}
	}
}

// TestPlain: most frames need no hash, those in several segments included whose first
// one has the ports.
func TestPlain(t *testing.T) {
	v6 := encode(t, ether(layers.EthernetTypeIPv6), ip6(six1, six2, 6), ports(1000, 80))
	v4 := udp4(t, 1000, 80, 1)
	for _, b := range [][]byte{v4, v4[:38], v6, v6[:58]} {
		if !plain(b) {
			t.Errorf("not plain: %x", b)
		}
	}
	for _, b := range [][]byte{nil, v4[:37], v6[:57], arp(t)} {
		if plain(b) {
			t.Errorf("plain: %x", b)
		}
	}
}

// FuzzClassify: no frame is read beyond its end, and none panics.
func FuzzClassify(f *testing.F) {
	f.Add(udp4(f, 1, 2, 3))
	f.Add(arp(f))
	f.Add(encode(f, ether(layers.EthernetTypeIPv6), ip6(six1, six2, 44), gopacket.Payload{6, 0, 0, 1, 0, 0, 0, 1}, ports(1, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		hash, p := classify(slices.Clip(b))
		if p > everyone {
			t.Fatalf("place %d", p)
		}
		if plain(slices.Clip(b)) && p != byTuple {
			t.Fatalf("plain, but of place %d", p)
		}
		if again, q := classify(append(slices.Clip(b), make([]byte, 64)...)[:len(b)]); again != hash || q != p {
			t.Fatalf("bytes behind the frame change its core")
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	frame := udp4(b, 1000, 80, 1)
	var sum uint32
	for b.Loop() {
		h, _ := classify(frame)
		sum += h
	}
	if sum == 1 {
		b.Log(sum)
	}
}
