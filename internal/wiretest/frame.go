package wiretest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"dataplane/mbuf"
	"dataplane/perf"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// history is how many frames a failure shows.
const history = 20

// Frame is one frame, read by gopacket. Layers that it lacks are nil.
type Frame struct {
	At       perf.Tick
	Out      bool   // sent by the stack
	Data     []byte // the frame as it was on the link
	OlFlags  uint64 // offloads the stack asked for
	SegSize  int    // of a super-segment
	Eth      *layers.Ethernet
	ARP      *layers.ARP
	IP       *layers.IPv4
	TCP      *layers.TCP
	UDP      *layers.UDP
	ICMP     *layers.ICMPv4
	Fragment bool
	Payload  []byte // of the innermost layer
}

// decode reads a frame; an error says what gopacket could not read.
func decode(data []byte) (*Frame, error) {
	f := &Frame{Data: data}
	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.Ethernet:
			f.Eth = l
		case *layers.ARP:
			f.ARP = l
		case *layers.IPv4:
			f.IP = l
			f.Payload = l.Payload
		case *layers.TCP:
			f.TCP = l
			f.Payload = l.Payload
		case *layers.UDP:
			f.UDP = l
			f.Payload = l.Payload
		case *layers.ICMPv4:
			f.ICMP = l
			f.Payload = l.Payload
		case *gopacket.Fragment:
			f.Fragment = true
		}
		if f.ICMP != nil {
			break // what an error quotes is its payload
		}
	}
	// What lies above a transport is the test's own data, whatever its port.
	if e := p.ErrorLayer(); e != nil && f.TCP == nil && f.UDP == nil && f.ICMP == nil {
		return f, e.Error()
	}
	return f, nil
}

// sent takes a frame from the stack: checks it, logs it, answers ARP.
func (w *Wire) sent(data []byte, m *mbuf.Mbuf) {
	f, err := decode(data)
	f.At, f.Out, f.OlFlags, f.SegSize = w.Now, true, m.OlFlags, m.SegSize()
	w.note(f)
	if err != nil {
		w.fatalf("gopacket cannot read what the stack sent: %v\n% x", err, data)
	}
	if why := w.wrong(f); why != "" {
		w.fatalf("the stack sent a wrong frame: %s\n%s", why, f)
	}
	if f.ARP != nil && !w.cfg.ManualARP {
		w.answerARP(f.ARP)
		return
	}
	w.got = append(w.got, f)
}

// wrong says what no frame of ours may look like, whatever the test.
func (w *Wire) wrong(f *Frame) string {
	tso := f.OlFlags&(mbuf.TxTCPSeg|mbuf.TxUDPSeg) != 0
	if [6]byte(f.Eth.SrcMAC) != LocalMAC {
		return "its source MAC is not ours"
	}
	if len(f.Data) > w.cfg.MTU+14 && !tso {
		return fmt.Sprintf("it has %d bytes, the MTU is %d", len(f.Data)-14, w.cfg.MTU)
	}
	if f.IP == nil {
		return ""
	}
	if to := [6]byte(f.Eth.DstMAC); to != PeerMAC && to[0]&1 == 0 && !w.cfg.NoARP {
		return "its destination MAC is nobody's"
	}
	h := f.Data[14:]
	if int(f.IP.Length) > len(h) {
		return "its IP length leads out of the frame"
	}
	if sum(h[:int(f.IP.IHL)*4], 0) != 0xffff && f.OlFlags&mbuf.TxIPChecksum == 0 {
		return "its IP checksum is wrong"
	}
	if f.IP.TTL == 0 {
		return "its TTL is 0"
	}
	if f.Fragment || f.OlFlags&mbuf.TxL4Mask != 0 || tso {
		return ""
	}
	body := h[int(f.IP.IHL)*4 : f.IP.Length]
	switch {
	case f.TCP != nil && sum(body, pseudo(f.IP, len(body))) != 0xffff:
		return "its TCP checksum is wrong"
	case f.UDP != nil && f.UDP.Checksum != 0 && sum(body, pseudo(f.IP, len(body))) != 0xffff:
		return "its UDP checksum is wrong"
	case f.ICMP != nil && sum(body, 0) != 0xffff:
		return "its ICMP checksum is wrong"
	}
	return ""
}

// sum is RFC 1071, the slow and plain way.
func sum(b []byte, s uint32) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func pseudo(h *layers.IPv4, n int) uint32 {
	b := make([]byte, 12)
	copy(b, h.SrcIP.To4())
	copy(b[4:], h.DstIP.To4())
	b[9] = byte(h.Protocol)
	binary.BigEndian.PutUint16(b[10:], uint16(n))
	return uint32(sum(b, 0))
}

// note keeps the last frames for a failure.
func (w *Wire) note(f *Frame) {
	if len(w.log) == history {
		w.log = append(w.log[:0], w.log[1:]...)
	}
	w.log = append(w.log, f.String())
}

// String is the frame in one line.
func (f *Frame) String() string {
	var b strings.Builder
	way := "<"
	if f.Out {
		way = ">"
	}
	fmt.Fprintf(&b, "%s %10.6f ", way, float64(f.At-Start)/float64(perf.Second))
	switch {
	case f.ARP != nil:
		fmt.Fprintf(&b, "arp op %d %v is %x, asks %v", f.ARP.Operation, addr4(f.ARP.SourceProtAddress), f.ARP.SourceHwAddress, addr4(f.ARP.DstProtAddress))
	case f.TCP != nil:
		fmt.Fprintf(&b, "tcp %v:%d > %v:%d %s", f.IP.SrcIP, uint16(f.TCP.SrcPort), f.IP.DstIP, uint16(f.TCP.DstPort), tcpLine(f.TCP, len(f.Payload)))
	case f.UDP != nil:
		fmt.Fprintf(&b, "udp %v:%d > %v:%d len %d", f.IP.SrcIP, uint16(f.UDP.SrcPort), f.IP.DstIP, uint16(f.UDP.DstPort), len(f.Payload))
	case f.ICMP != nil:
		fmt.Fprintf(&b, "icmp %v > %v %v len %d", f.IP.SrcIP, f.IP.DstIP, f.ICMP.TypeCode, len(f.Payload))
	case f.IP != nil:
		fmt.Fprintf(&b, "ip %v > %v proto %d offset %d len %d", f.IP.SrcIP, f.IP.DstIP, f.IP.Protocol, f.IP.FragOffset*8, len(f.Payload))
	default:
		fmt.Fprintf(&b, "% x", f.Data[:min(len(f.Data), 40)])
	}
	if f.SegSize > 0 {
		fmt.Fprintf(&b, " in segments of %d", f.SegSize)
	}
	return b.String()
}

func addr4(b []byte) string {
	if len(b) != 4 {
		return fmt.Sprintf("%x", b)
	}
	return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3])
}
