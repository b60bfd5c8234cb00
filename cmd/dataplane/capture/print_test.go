package capture

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// build makes a frame of layers.
func build(t *testing.T, typ layers.EthernetType, stack ...gopacket.SerializableLayer) []byte {
	t.Helper()
	e := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: typ}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, append([]gopacket.SerializableLayer{e}, stack...)...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every kind of frame has its line.
func TestPrint(t *testing.T) {
	ip := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, Protocol: p, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	}
	frag := ip(layers.IPProtocolUDP)
	frag.FragOffset = 185
	six := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
	arp := layers.ARP{
		AddrType: 1, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
		SourceHwAddress: []byte{2, 0, 0, 0, 0, 1}, DstHwAddress: make([]byte, 6), SourceProtAddress: []byte{10, 0, 0, 1}, DstProtAddress: []byte{10, 0, 0, 2},
	}
	reply := arp
	reply.Operation = layers.ARPReply
	for want, f := range map[string][]byte{
		"IP 10.0.0.1.5 > 10.0.0.2.80: Flags [P.], seq 7:10, ack 9, win 99, length 3": build(t, layers.EthernetTypeIPv4, ip(layers.IPProtocolTCP),
			&layers.TCP{SrcPort: 5, DstPort: 80, Seq: 7, Ack: 9, ACK: true, PSH: true, Window: 99}, gopacket.Payload("abc")),
		"vlan 5, IP 10.0.0.1.5 > 10.0.0.2.53: UDP, length 3": build(t, layers.EthernetTypeDot1Q, &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4},
			ip(layers.IPProtocolUDP), &layers.UDP{SrcPort: 5, DstPort: 53}, gopacket.Payload("abc")),
		"IP6 fd00::1.5 > fd00::2.53: UDP, length 0":                          build(t, layers.EthernetTypeIPv6, six, &layers.UDP{SrcPort: 5, DstPort: 53}),
		"IP 10.0.0.1 > 10.0.0.2: fragment at 1480 of UDP, length 3":          build(t, layers.EthernetTypeIPv4, frag, gopacket.Payload("abc")),
		"IP 10.0.0.1 > 10.0.0.2: ICMP EchoRequest, id 3, seq 4, length 8":    build(t, layers.EthernetTypeIPv4, ip(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: 8 << 8, Id: 3, Seq: 4}),
		"IP 10.0.0.1 > 10.0.0.2: SCTP, length 3":                             build(t, layers.EthernetTypeIPv4, ip(layers.IPProtocolSCTP), gopacket.Payload("abc")),
		"ARP, who-has 10.0.0.2 tell 10.0.0.1":                                build(t, layers.EthernetTypeARP, &arp),
		"ARP, 10.0.0.1 is-at 02:00:00:00:00:01":                              build(t, layers.EthernetTypeARP, &reply),
		"02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88b5, length 60": build(t, 0x88b5, gopacket.Payload("abc")),
		"a frame of 3 bytes":                                                 []byte("abc"),
	} {
		if got := summary(f, len(f)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	var out bytes.Buffer
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.Local)
	newPrinter(&out, []string{"dp0", "lo"}).frame(&Frame{Data: []byte("abc"), Len: 3, Time: at, Iface: 1, Type: 4})
	if got := out.String(); got != "03:04:05.000678 lo  Out a frame of 3 bytes\n" {
		t.Errorf("%q", got)
	}
}

// Nothing that comes makes the printer panic.
func TestPrintHostile(t *testing.T) {
	f := build(t, layers.EthernetTypeIPv4, &layers.IPv4{Version: 4, Protocol: 6, SrcIP: net.IP{1, 1, 1, 1}, DstIP: net.IP{2, 2, 2, 2}}, &layers.TCP{})
	for n := range f {
		summary(f[:n], n)
		for _, x := range []byte{0, 0xff, 0x45, 0x60} {
			g := bytes.Clone(f)
			g[n] = x
			if strings.Contains(summary(g, len(g)), "\n") {
				t.Errorf("%x is not one line", g)
			}
		}
	}
}
