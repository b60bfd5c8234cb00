package wiretest

import (
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Raw sends a frame as it is, and lets the stack work on it.
func (w *Wire) Raw(frame []byte) {
	f, _ := decode(frame)
	f.At = w.Now
	w.note(f)
	w.port.in = append(w.port.in, frame)
	w.pump()
}

// frame puts an Ethernet header to the stack before the layers.
func (w *Wire) frame(l ...gopacket.SerializableLayer) []byte {
	eth := &layers.Ethernet{SrcMAC: PeerMAC[:], DstMAC: LocalMAC[:], EthernetType: layers.EthernetTypeIPv4}
	if _, ok := l[0].(*layers.ARP); ok {
		eth.EthernetType = layers.EthernetTypeARP
	}
	return w.Serialize(append([]gopacket.SerializableLayer{eth}, l...)...)
}

// Serialize lets gopacket write layers, with lengths and checksums.
func (w *Wire) Serialize(l ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		w.fatalf("wiretest: %v", err)
	}
	return buf.Bytes()
}

// Header returns an IPv4 header from the test to the stack, to be changed.
func Header(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: Peer.AsSlice(), DstIP: Local.AsSlice()}
}

// SendIP sends the layers behind an Ethernet header. The first is as a rule
// what Header returned.
func (w *Wire) SendIP(l ...gopacket.SerializableLayer) { w.Raw(w.frame(l...)) }

// Next takes the oldest frame that the stack sent; there must be one.
func (w *Wire) Next() *Frame {
	w.T.Helper()
	if len(w.got) == 0 {
		w.fatalf("want a frame, got nothing")
	}
	f := w.got[0]
	w.got = w.got[1:]
	return f
}

// Pending is how many frames the stack has sent that the test has not taken.
func (w *Wire) Pending() int { return len(w.got) }

// Datagram is a UDP datagram, seen from the test.
type Datagram struct {
	Local, Remote uint16 // the stack's port and the test's
	Data          string
	NoSum         bool // send without a checksum
}

// SendUDP sends a datagram.
func (w *Wire) SendUDP(d Datagram) {
	h := Header(layers.IPProtocolUDP)
	l := &layers.UDP{SrcPort: layers.UDPPort(d.Remote), DstPort: layers.UDPPort(d.Local)}
	if err := l.SetNetworkLayerForChecksum(h); err != nil {
		w.fatalf("wiretest: %v", err)
	}
	frame := w.frame(h, l, gopacket.Payload(d.Data))
	if d.NoSum {
		frame[14+20+6], frame[14+20+7] = 0, 0
	}
	w.Raw(frame)
}

// ExpectUDP takes the oldest frame, which must be this datagram.
func (w *Wire) ExpectUDP(d Datagram) *Frame {
	w.T.Helper()
	f := w.Next()
	if f.UDP == nil || uint16(f.UDP.SrcPort) != d.Local || uint16(f.UDP.DstPort) != d.Remote {
		w.fatalf("want a datagram from port %d to %d, got %s", d.Local, d.Remote, f)
	}
	if string(f.Payload) != d.Data {
		w.fatalf("data: want %.80q, got %.80q", d.Data, f.Payload)
	}
	return f
}

// ICMP is an ICMP message. Rest are the four bytes behind the checksum.
type ICMP struct {
	Type, Code uint8
	Rest       uint32
	Data       []byte
}

// SendICMP sends a message.
func (w *Wire) SendICMP(m ICMP) {
	w.SendIP(Header(layers.IPProtocolICMPv4), &layers.ICMPv4{
		TypeCode: layers.CreateICMPv4TypeCode(m.Type, m.Code), Id: uint16(m.Rest >> 16), Seq: uint16(m.Rest),
	}, gopacket.Payload(m.Data))
}

// ExpectICMP takes the oldest frame, which must be a message of this type,
// code and rest; Data is compared as far as it goes.
func (w *Wire) ExpectICMP(m ICMP) *Frame {
	w.T.Helper()
	f := w.Next()
	if f.ICMP == nil || f.ICMP.TypeCode.Type() != m.Type || f.ICMP.TypeCode.Code() != m.Code {
		w.fatalf("want an ICMP message of type %d code %d, got %s", m.Type, m.Code, f)
	}
	if rest := uint32(f.ICMP.Id)<<16 | uint32(f.ICMP.Seq); rest != m.Rest {
		w.fatalf("rest: want %#x, got %#x", m.Rest, rest)
	}
	if len(f.Payload) < len(m.Data) || string(f.Payload[:len(m.Data)]) != string(m.Data) {
		w.fatalf("data: want % x, got % x", m.Data, f.Payload)
	}
	return f
}

// Quote is what an ICMP error about f carries: its IP header and the eight
// bytes behind it.
func (f *Frame) Quote() []byte {
	h := f.Data[14:]
	return append([]byte(nil), h[:min(int(f.IP.IHL)*4+8, len(h))]...)
}

// ARP is an ARP message. In what is sent, a zero SenderMAC is the test's.
type ARP struct {
	Op                   uint16
	SenderMAC, TargetMAC [6]byte
	Sender, Target       netip.Addr
	To                   [6]byte // link destination; zero: the stack
}

// SendARP sends a message.
func (w *Wire) SendARP(a ARP) {
	if a.SenderMAC == [6]byte{} {
		a.SenderMAC = PeerMAC
	}
	if a.To == [6]byte{} {
		a.To = LocalMAC
	}
	eth := &layers.Ethernet{SrcMAC: a.SenderMAC[:], DstMAC: a.To[:], EthernetType: layers.EthernetTypeARP}
	w.Raw(w.Serialize(eth, &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: a.Op, SourceHwAddress: a.SenderMAC[:], SourceProtAddress: a.Sender.AsSlice(),
		DstHwAddress: a.TargetMAC[:], DstProtAddress: a.Target.AsSlice(),
	}))
}

// ExpectARP takes the oldest frame, which must be this message; for
// Config.ManualARP.
func (w *Wire) ExpectARP(a ARP) *Frame {
	w.T.Helper()
	f := w.Next()
	if f.ARP == nil {
		w.fatalf("want ARP, got %s", f)
	}
	sender, _ := netip.AddrFromSlice(f.ARP.SourceProtAddress)
	target, _ := netip.AddrFromSlice(f.ARP.DstProtAddress)
	if f.ARP.Operation != a.Op || sender != a.Sender || target != a.Target {
		w.fatalf("want ARP op %d from %v for %v, got %s", a.Op, a.Sender, a.Target, f)
	}
	return f
}

// answerARP plays the other stations of the link: each address of the subnet
// but the stack's is the test's.
func (w *Wire) answerARP(l *layers.ARP) {
	target, _ := netip.AddrFromSlice(l.DstProtAddress)
	if l.Operation != layers.ARPRequest || target == Local {
		return
	}
	sender, _ := netip.AddrFromSlice(l.SourceProtAddress)
	reply := &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: layers.ARPReply, SourceHwAddress: PeerMAC[:], SourceProtAddress: target.AsSlice(),
		DstHwAddress: l.SourceHwAddress, DstProtAddress: sender.AsSlice(),
	}
	w.port.in = append(w.port.in, w.frame(reply))
}
