package e2e

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/perf"
)

// TestSYNFlood: 20,000 SYNs from random sources. RFC 4987.
func TestSYNFlood(t *testing.T) {
	besiege(t, func(s *siege) {
		for range 20000 {
			s.tcp(ip4(s.stranger(), layers.IPProtocolTCP), &layers.TCP{
				SrcPort: s.port(), DstPort: 7, Seq: s.rnd.Uint32(), SYN: true, Window: 64240,
				Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 180}}},
			}, nil)
		}
		if n := s.events(perf.EvTCPCookieSent); n == 0 {
			t.Error("no SYN cookie was sent")
		}
	})
}

// TestFragmentFlood: 6,000 first halves; good fragments pass all the same
// (CVE-2018-5391). TestPing has shown that they do in peace.
func TestFragmentFlood(t *testing.T) {
	besiege(t, func(s *siege) {
		for i := range 6000 {
			ip := ip4(s.stranger(), layers.IPProtocolUDP)
			ip.Id, ip.Flags = uint16(i), layers.IPv4MoreFragments
			if i%3 == 0 {
				ip.SrcIP = net.ParseIP(kernelIP).To4()
			}
			ip.FragOffset = uint16(s.rnd.IntN(2) * 185)
			s.send(ip, gopacket.Payload(s.bytes(1480)))
			if i%1000 == 999 {
				out := tool(t, 10*time.Second, "ping", "-n", "-c", "1", "-W", "2", "-s", "5000", planeIP)
				if !strings.Contains(out, " 0% packet loss") {
					t.Errorf("after %d halves:\n%s", i+1, out)
				}
			}
		}
	})
}

// TestARPFlood: 3,000 senders ask for us, and claim to be each other.
func TestARPFlood(t *testing.T) {
	besiege(t, func(s *siege) {
		for i := range 3000 {
			ip := s.stranger().To4()
			if i%2 == 0 {
				ip = net.IPv4(10, 9, 0, byte(3+s.rnd.IntN(252))).To4()
			}
			mac := net.HardwareAddr(append([]byte{2}, s.bytes(5)...))
			e := &layers.Ethernet{SrcMAC: mac, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeARP}
			s.raw(s.serial(e, &layers.ARP{
				AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
				Operation: uint16(1 + i%2), SourceHwAddress: mac, SourceProtAddress: ip,
				DstHwAddress: s.target, DstProtAddress: net.ParseIP(planeIP).To4(),
			}))
		}
	})
}

// TestBlindSegments: segments for the established connections, from somebody who
// knows the addresses and ports but not the sequence numbers. RFC 5961.
func TestBlindSegments(t *testing.T) {
	besiege(t, func(s *siege) {
		port := layers.TCPPort(s.victim.LocalAddr().(*net.TCPAddr).Port)
		for range 10000 {
			seg := &layers.TCP{SrcPort: port, DstPort: 7, Seq: s.rnd.Uint32(), Ack: s.rnd.Uint32(), Window: uint16(s.rnd.Uint32())}
			s.flags(seg)
			if s.rnd.IntN(2) == 0 {
				seg.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: s.bytes(8)}}
			}
			s.tcp(ip4(net.ParseIP(kernelIP), layers.IPProtocolTCP), seg, s.bytes(s.rnd.IntN(3)*700))
		}
	})
}

// TestACKFlood: segments for connections that do not exist.
func TestACKFlood(t *testing.T) {
	besiege(t, func(s *siege) {
		for range 10000 {
			seg := &layers.TCP{SrcPort: s.port(), DstPort: s.port(), Seq: s.rnd.Uint32(), Ack: s.rnd.Uint32(), Window: 1}
			s.flags(seg)
			s.tcp(ip4(s.stranger(), layers.IPProtocolTCP), seg, nil)
		}
	})
}

// TestICMPFlood: errors about the established connections, with wrong and with
// impossible contents (RFC 5927), and echo requests.
func TestICMPFlood(t *testing.T) {
	besiege(t, func(s *siege) {
		port := uint16(s.victim.LocalAddr().(*net.TCPAddr).Port)
		for i := range 8000 {
			quoted := ip4(net.ParseIP(planeIP), layers.IPProtocolTCP)
			quoted.DstIP = net.ParseIP(kernelIP).To4()
			quoted.Length = 60
			head := binary.BigEndian.AppendUint16(nil, 7)
			head = binary.BigEndian.AppendUint16(head, port)
			head = binary.BigEndian.AppendUint32(head, s.rnd.Uint32())
			icmp := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(uint8([]int{3, 3, 4, 5, 11, 12, 8, 3}[i%8]), uint8(i/8%16)), Seq: uint16(s.rnd.Uint32())}
			inner := s.serial(quoted, gopacket.Payload(head))
			s.send(ip4(s.stranger(), layers.IPProtocolICMPv4), icmp, gopacket.Payload(inner))
		}
	})
}
