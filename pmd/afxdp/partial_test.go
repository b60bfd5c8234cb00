package afxdp

import (
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var broadcast = net.HardwareAddr{255, 255, 255, 255, 255, 255}

// build returns a frame with whole checksums.
func build(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	var n gopacket.NetworkLayer
	for _, l := range ls {
		if l, ok := l.(gopacket.NetworkLayer); ok {
			n = l
		}
		if l, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok && n != nil {
			_ = l.SetNetworkLayerForChecksum(n)
		}
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ether(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: broadcast, EthernetType: typ}
}

func ipv4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: net.IP{10, 9, 0, 1}, DstIP: net.IP{10, 9, 0, 2}}
}

// unfinish replaces the checksum at offset at of f's transport header, which begins
// at l4, by the sum of the pseudo header.
func unfinish(f []byte, l4, at, addrs int, proto byte) []byte {
	g := append([]byte(nil), f...)
	sum := uint32(proto) + uint32(len(g)-l4)
	for i := range addrs {
		sum += uint32(g[l4-addrs+i]) << (8 * (1 - i&1))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	g[l4+at], g[l4+at+1] = byte(sum>>8), byte(sum)
	return g
}

func TestUnfinished(t *testing.T) {
	tcp, udp := &layers.TCP{SrcPort: 1, DstPort: 2, ACK: true}, &layers.UDP{SrcPort: 1, DstPort: 2}
	data := gopacket.Payload("some bytes of data, and more of them")
	six := func(p layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 1, NextHeader: p, SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
	}
	tag := &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4}
	for name, c := range map[string]struct {
		frame         []byte
		l4, at, addrs int
		proto         byte
	}{
		"tcp":      {build(t, ether(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolTCP), tcp, data), 34, 16, 8, protoTCP},
		"udp":      {build(t, ether(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp, data), 34, 6, 8, protoUDP},
		"vlan udp": {build(t, ether(layers.EthernetTypeDot1Q), tag, ipv4(layers.IPProtocolUDP), udp, data), 38, 6, 8, protoUDP},
		"ipv6 tcp": {build(t, ether(layers.EthernetTypeIPv6), six(layers.IPProtocolTCP), tcp, data), 54, 16, 32, protoTCP},
		"ipv6 udp": {build(t, ether(layers.EthernetTypeIPv6), six(layers.IPProtocolUDP), udp, data), 54, 6, 32, protoUDP},
	} {
		if p := dissect(c.frame); p.proto != c.proto || p.len != len(c.frame)-c.l4 || p.unfinished() {
			t.Errorf("%s, finished: %+v", name, p)
		}
		f := unfinish(c.frame, c.l4, c.at, c.addrs, c.proto)
		if p := dissect(f); !p.unfinished() {
			t.Errorf("%s, unfinished: %+v", name, p)
		}
		if c.addrs == 8 { // with a pad, and as a fragment
			if p := dissect(append(f[:len(f):len(f)], 0, 0, 0)); !p.unfinished() {
				t.Errorf("%s, padded", name)
			}
			f[c.l4-14] |= 0x20
			if p := dissect(f); p.proto != 0 {
				t.Errorf("%s: a fragment has a transport header: %+v", name, p)
			}
		}
	}
}

// FuzzDissect: whatever comes, nothing is read that is not there.
func FuzzDissect(f *testing.F) {
	f.Add(build(f, ether(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolTCP), &layers.TCP{}))
	f.Add(build(f, ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{Type: layers.EthernetTypeIPv4}, ipv4(layers.IPProtocolUDP), &layers.UDP{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for n := range len(b) {
			p := dissect(b[:n:n])
			p.unfinished()
		}
	})
}
