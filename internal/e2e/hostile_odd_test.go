package e2e

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestMutations sends 20,000 good frames with random damage, half of them with the
// checksums made right again.
func TestMutations(t *testing.T) {
	for _, w := range []int{0, 3} {
		t.Run(ways[w].name, func(t *testing.T) {
			besiege(t, func(s *siege) {
				base := s.samples()
				for range 20000 {
					f := append([]byte(nil), base[s.rnd.IntN(len(base))]...)
					f = s.damage(f)
					if s.rnd.IntN(2) == 0 {
						repair(f)
					}
					if !poison(f) {
						s.raw(f)
					}
				}
			}, ways[w].set)
		})
	}
}

// poison reports whether f is an ARP packet in the kernel's name: believing it is
// no mistake, but it ends all traffic for a while.
func poison(f []byte) bool {
	return len(f) >= 32 && binary.BigEndian.Uint16(f[12:]) == 0x0806 && net.IP(f[28:32]).String() == kernelIP
}

// samples are good frames of many kinds.
func (s *siege) samples() (all [][]byte) {
	ip := func(proto layers.IPProtocol) *layers.IPv4 { return ip4(s.stranger(), proto) }
	add := func(l ...gopacket.SerializableLayer) { all = append(all, append([]byte(nil), s.serial(l...)...)) }
	for _, flags := range []layers.TCP{{SYN: true}, {ACK: true}, {FIN: true, ACK: true}, {RST: true}, {SYN: true, ACK: true}} {
		h, seg := ip(layers.IPProtocolTCP), flags
		seg.SrcPort, seg.DstPort, seg.Window, seg.Seq, seg.Ack = s.port(), 7, 1000, s.rnd.Uint32(), s.rnd.Uint32()
		seg.Options = []layers.TCPOption{
			{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 180}},
			{OptionType: layers.TCPOptionKindSACKPermitted, OptionLength: 2},
			{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: s.bytes(8)},
			{OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{7}},
		}
		seg.SetNetworkLayerForChecksum(h)
		add(s.ether(layers.EthernetTypeIPv4), h, &seg, gopacket.Payload(s.bytes(20)))
	}
	h := ip(layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: 5000, DstPort: 7}
	u.SetNetworkLayerForChecksum(h)
	add(s.ether(layers.EthernetTypeIPv4), h, u, gopacket.Payload(s.bytes(100)))
	add(s.ether(layers.EthernetTypeIPv4), ip(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}, gopacket.Payload(s.bytes(56)))
	h = ip(layers.IPProtocolUDP)
	h.Options = []layers.IPv4Option{{OptionType: 7, OptionLength: 7, OptionData: []byte{4, 0, 0, 0, 0}}, {OptionType: 68, OptionLength: 8, OptionData: []byte{5, 0, 0, 0, 0, 0}}}
	add(s.ether(layers.EthernetTypeIPv4), h, u, gopacket.Payload(s.bytes(30)))
	for _, off := range []uint16{0, 3, 6} {
		h = ip(layers.IPProtocolUDP)
		h.FragOffset, h.Id = off, 77
		if off < 6 {
			h.Flags = layers.IPv4MoreFragments
		}
		add(s.ether(layers.EthernetTypeIPv4), h, gopacket.Payload(s.bytes(24)))
	}
	add(s.ether(layers.EthernetTypeARP), &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
		SourceHwAddress: []byte{2, 1, 2, 3, 4, 5}, SourceProtAddress: []byte{10, 9, 0, 200}, DstHwAddress: make([]byte, 6), DstProtAddress: net.ParseIP(planeIP).To4(),
	})
	add(s.ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4}, ip(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)})
	return all
}

// damage changes bits and bytes, cuts, or lengthens. Addresses of the link stay, or
// the frame would not arrive.
func (s *siege) damage(f []byte) []byte {
	for range 1 + s.rnd.IntN(4) {
		i := 12 + s.rnd.IntN(len(f)-12)
		if s.rnd.IntN(3) > 0 {
			i = min(14+s.rnd.IntN(60), len(f)-1) // the headers matter most
		}
		switch s.rnd.IntN(6) {
		case 0:
			f[i] ^= 1 << s.rnd.IntN(8)
		case 1:
			f[i] = byte(s.rnd.Uint32())
		case 2:
			f[i] = 0
		case 3:
			f[i] = 255
		case 4:
			if n := 14 + s.rnd.IntN(len(f)-13); n < len(f) {
				f = f[:n]
			}
		case 5:
			f = append(f, s.bytes(s.rnd.IntN(40))...)
		}
		if len(f) < 15 {
			f = append(f, 0)
		}
	}
	return f
}

// repair makes the checksums of IP, and of TCP, UDP or ICMP, right where the frame
// still has the shape for it.
func repair(f []byte) {
	if len(f) < 34 || binary.BigEndian.Uint16(f[12:]) != 0x0800 {
		return
	}
	ip := f[14:]
	n := int(ip[0]&15) * 4
	if n < 20 || n > len(ip) {
		return
	}
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], ^sum(ip[:n], 0))
	end := min(int(binary.BigEndian.Uint16(ip[2:])), len(ip))
	if end < n {
		return
	}
	l4, at, pseudo := ip[n:end], 0, uint32(0)
	switch ip[9] {
	case 1:
		at = 2
	case 6, 17:
		at = map[byte]int{6: 16, 17: 6}[ip[9]]
		pseudo = uint32(sum(ip[12:20], uint32(ip[9])+uint32(len(l4))))
	default:
		return
	}
	if len(l4) < at+2 {
		return
	}
	binary.BigEndian.PutUint16(l4[at:], 0)
	binary.BigEndian.PutUint16(l4[at:], ^sum(l4, pseudo))
}

func sum(b []byte, s uint32) uint16 {
	for i, x := range b {
		if i%2 == 0 {
			s += uint32(x) << 8
		} else {
			s += uint32(x)
		}
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// TestOldAttacks are those with names: land, smurf, fraggle, teardrop, ping of
// death, and frames that are for nobody. None may be answered.
func TestOldAttacks(t *testing.T) {
	t.Run("siege", func(t *testing.T) {
		besiege(t, func(s *siege) {
			for range 200 {
				s.named()
			}
		})
	})
	t.Run("silence", func(t *testing.T) {
		b := newBed(t, withGateway)
		serveTCP(t, b.plane.Listen, planeIP+":7", echo)
		serveUDP(t, b.plane.ListenPacket, ":7")
		tool(t, 5*time.Second, "ping", "-n", "-c", "1", planeIP)
		time.Sleep(2300 * time.Millisecond) // the last announcement of our address is out (RFC 5227)
		s := &siege{bed: b, attacker: newAttacker(b)}
		before := b.sent()
		for last := before - 1; last != before; { // a late one, of a busy machine
			last = before
			time.Sleep(200 * time.Millisecond)
			before = b.sent()
		}
		for range 50 {
			s.named()
		}
		s.badSums()
		time.Sleep(100 * time.Millisecond)
		if n := b.sent() - before; n > 0 {
			t.Errorf("%d frames were sent in answer", n)
		}
	})
}

// sent is how many frames the plane has sent.
func (b *bed) sent() (n uint64) {
	for _, p := range b.plane.Ports() {
		n += p.Stats.OPackets
	}
	return n
}

// named sends one round of the attacks with names.
func (s *siege) named() {
	plane := net.ParseIP(planeIP).To4()
	tcp := func(ip *layers.IPv4, seg *layers.TCP) { s.tcp(ip, seg, nil) }
	echoReq := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}
	// land: from us to us.
	tcp(ip4(plane, layers.IPProtocolTCP), &layers.TCP{SrcPort: 7, DstPort: 7, SYN: true, Window: 1000})
	s.send(ip4(plane, layers.IPProtocolICMPv4), echoReq)
	// Sources that nobody has.
	for _, src := range []string{"127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "10.9.0.255", "240.1.2.3"} {
		tcp(ip4(net.ParseIP(src), layers.IPProtocolTCP), &layers.TCP{SrcPort: 9, DstPort: 7, SYN: true, Window: 1000})
		s.send(ip4(net.ParseIP(src), layers.IPProtocolICMPv4), echoReq)
	}
	// smurf, and a SYN to everybody: broadcast and multicast destinations.
	for _, dst := range []string{"10.9.0.255", "255.255.255.255", "224.0.0.1"} {
		ip := ip4(s.stranger(), layers.IPProtocolICMPv4)
		ip.DstIP = net.ParseIP(dst).To4()
		s.send(ip, echoReq)
		ip.Protocol = layers.IPProtocolTCP
		tcp(ip, &layers.TCP{SrcPort: 9, DstPort: 7, SYN: true, Window: 1000})
		ip.Protocol = layers.IPProtocolUDP
		u := &layers.UDP{SrcPort: 9, DstPort: 19} // a port nobody has
		u.SetNetworkLayerForChecksum(ip)
		s.send(ip, u, gopacket.Payload("x"))
	}
	s.fragments()
	s.nobodys()
}

// badSums sends good packets with one checksum wrong.
func (s *siege) badSums() {
	for _, f := range s.samples()[:8] {
		ip := 14 + int(f[14]&15)*4
		at := ip + map[byte]int{1: 2, 6: 16, 17: 6}[f[23]]
		f[at] ^= 0x55
		s.raw(f)
		f[at] ^= 0x55
		f[24] ^= 0x55 // of the IP header
		s.raw(f)
	}
}

// fragments: teardrop, ping of death, and the tiny fragment.
func (s *siege) fragments() {
	id, src := uint16(s.rnd.Uint32()), s.stranger()
	for _, f := range []struct {
		off  uint16
		more layers.IPv4Flag
		n    int
	}{
		{0, layers.IPv4MoreFragments, 36}, {3, 0, 4}, // teardrop: the second within the first, not at its end
		{8189, 0, 1400},                             // ping of death: beyond 65535
		{8190, layers.IPv4MoreFragments, 8},         // and almost
		{0, layers.IPv4MoreFragments, 7}, {1, 0, 8}, // not a multiple of 8
	} {
		ip := ip4(src, layers.IPProtocolUDP)
		ip.Id, ip.Flags, ip.FragOffset = id, f.more, f.off
		s.send(ip, gopacket.Payload(s.bytes(f.n)))
	}
}

// nobodys: frames for another station, from ourselves, runts, and a unicast packet
// in a broadcast frame.
func (s *siege) nobodys() {
	echoReq := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}
	ip := ip4(net.ParseIP(kernelIP), layers.IPProtocolICMPv4)
	for _, e := range []*layers.Ethernet{
		{SrcMAC: s.known, DstMAC: net.HardwareAddr{2, 9, 9, 9, 9, 9}, EthernetType: layers.EthernetTypeIPv4},
		{SrcMAC: s.known, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeIPv4},
		{SrcMAC: s.known, DstMAC: net.HardwareAddr{1, 0, 0x5e, 0, 0, 1}, EthernetType: layers.EthernetTypeIPv4},
		{SrcMAC: s.known, DstMAC: s.target, EthernetType: 0x1234},
		{SrcMAC: s.known, DstMAC: s.target, EthernetType: layers.EthernetTypeIPv6},
	} {
		s.raw(s.serial(e, ip, echoReq))
	}
	whole := s.serial(s.ether(layers.EthernetTypeIPv4), ip, echoReq)
	for n := 14; n < 42; n++ {
		s.raw(whole[:n])
	}
}
