package capture

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// directions are the types of packets in the words of tcpdump.
var directions = [...]string{"In ", "B  ", "M  ", "P  ", "Out"}

// printer prints a line for each frame.
type printer struct {
	w      io.Writer
	ifaces []string
	wide   int // the longest name
}

func newPrinter(w io.Writer, ifaces []string) *printer {
	p := &printer{w: w, ifaces: ifaces}
	for _, n := range ifaces {
		p.wide = max(p.wide, len(n))
	}
	return p
}

func (p *printer) frame(f *Frame) error {
	name, dir := "?", "?  "
	if f.Iface < len(p.ifaces) {
		name = p.ifaces[f.Iface]
	}
	if int(f.Type) < len(directions) {
		dir = directions[f.Type]
	}
	_, err := fmt.Fprintf(p.w, "%s %-*s %s %s\n", f.Time.Format("15:04:05.000000"), p.wide, name, dir, summary(f.Data, f.Len))
	return err
}

// summary is a frame in one line.
func summary(b []byte, n int) string {
	pkt := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	e, ok := pkt.LinkLayer().(*layers.Ethernet)
	if !ok {
		return fmt.Sprintf("a frame of %d bytes", n)
	}
	tag := ""
	if q, ok := pkt.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q); ok {
		tag = fmt.Sprintf("vlan %d, ", q.VLANIdentifier)
	}
	if a, ok := pkt.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
		return tag + arp(a)
	}
	switch h := pkt.NetworkLayer().(type) {
	case *layers.IPv4:
		if h.FragOffset != 0 || h.Flags&layers.IPv4MoreFragments != 0 {
			return fmt.Sprintf("%sIP %v > %v: fragment at %d of %v, length %d", tag, h.SrcIP, h.DstIP, int(h.FragOffset)*8, h.Protocol, len(h.Payload))
		}
		return tag + "IP " + above(pkt, h.SrcIP, h.DstIP, h.Protocol, int(h.Length)-int(h.IHL)*4)
	case *layers.IPv6:
		return tag + "IP6 " + above(pkt, h.SrcIP, h.DstIP, h.NextHeader, int(h.Length))
	}
	return fmt.Sprintf("%s%v > %v, ethertype 0x%04x, length %d", tag, e.SrcMAC, e.DstMAC, uint16(e.EthernetType), n)
}

func arp(a *layers.ARP) string {
	src, dst := net.IP(a.SourceProtAddress), net.IP(a.DstProtAddress)
	if a.Operation == layers.ARPReply {
		return fmt.Sprintf("ARP, %v is-at %v", src, net.HardwareAddr(a.SourceHwAddress))
	}
	return fmt.Sprintf("ARP, who-has %v tell %v", dst, src)
}

// above is what is above IP; size is the length of it.
func above(pkt gopacket.Packet, src, dst net.IP, proto layers.IPProtocol, size int) string {
	if t, ok := pkt.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
		return fmt.Sprintf("%v.%d > %v.%d: %s", src, t.SrcPort, dst, t.DstPort, segment(t, size))
	}
	if u, ok := pkt.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
		return fmt.Sprintf("%v.%d > %v.%d: UDP, length %d", src, u.SrcPort, dst, u.DstPort, int(u.Length)-8)
	}
	between := fmt.Sprintf("%v > %v: ", src, dst)
	if c, ok := pkt.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
		return between + fmt.Sprintf("ICMP %v, id %d, seq %d, length %d", c.TypeCode, c.Id, c.Seq, size)
	}
	if c, ok := pkt.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6); ok {
		return between + fmt.Sprintf("ICMP6 %v, length %d", c.TypeCode, size)
	}
	return between + fmt.Sprintf("%v, length %d", proto, size)
}

// segment is a segment of TCP, of size bytes with its header.
func segment(t *layers.TCP, size int) string {
	var f strings.Builder
	for _, x := range []struct {
		on   bool
		name string
	}{{t.FIN, "F"}, {t.SYN, "S"}, {t.RST, "R"}, {t.PSH, "P"}, {t.URG, "U"}, {t.ECE, "E"}, {t.CWR, "W"}, {t.ACK, "."}} {
		if x.on {
			f.WriteString(x.name)
		}
	}
	n := size - int(t.DataOffset)*4
	s := fmt.Sprintf("Flags [%s], seq %d", f.String(), t.Seq)
	if n > 0 {
		s += fmt.Sprintf(":%d", t.Seq+uint32(n))
	}
	if t.ACK {
		s += fmt.Sprintf(", ack %d", t.Ack)
	}
	return s + fmt.Sprintf(", win %d, length %d", t.Window, n)
}
