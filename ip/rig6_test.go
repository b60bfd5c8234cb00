package ip

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/perf"
)

// The rig with IPv6 besides: net0 has 2001:db8::1/64 and its link-local address, the
// peer is 2001:db8::2, behind the router fe80::ff are all others.
var (
	own6   = addr("2001:db8::1")
	peer6  = addr("2001:db8::2")
	far6   = addr("2001:db8:f::7")
	ll6    = LinkLocal([6]byte{2, 0, 0, 0, 0, 1})
	gate6  = addr("fe80::ff").Scoped(0)
	peerLL = addr("fe80::2").Scoped(0)
)

func newRig6(t testing.TB, opts ...rigOption) *rig {
	t.Helper()
	r := newRig(t, opts...)
	ifaces := r.addrs()
	ifaces[0].Prefixes = append(ifaces[0].Prefixes, prefix("2001:db8::1/64"), Prefix{ll6, 64})
	ifaces[2].Prefixes = append(ifaces[2].Prefixes, prefix("::1/128"))
	r.routes.Store(mustRoutes(t, ifaces,
		Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.254"), Iface: AnyIface},
		Route{Prefix: prefix("::/0"), Gateway: addr("fe80::ff"), Iface: 0}))
	for _, a := range []Addr{peer6, gate6, peerLL} {
		r.e.Learn(r.ifaces[0], eth.Addr(a), peerMAC)
	}
	return r
}

// packet6 gives an IPv6 packet to port 0, in a frame for us.
func (r *rig) packet6(b []byte) perf.Verdict { return r.frame6(r.ifaces[0].MAC, b) }

func (r *rig) frame6(dst [6]byte, b []byte) perf.Verdict {
	f := make([]byte, eth.HdrLen+len(b))
	eth.PutHeader(f, dst, peerMAC, eth.TypeIPv6)
	copy(f[eth.HdrLen:], b)
	return r.in(0, f)
}

// ipv6 is a header for gopacket to fill in.
func ipv6(src, dst Addr, next layers.IPProtocol, change ...func(*layers.IPv6)) *layers.IPv6 {
	h := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: src.Netip().AsSlice(), DstIP: dst.Netip().AsSlice()}
	if src.IsZero() {
		h.SrcIP = make([]byte, 16)
	}
	for _, c := range change {
		c(h)
	}
	return h
}

// udp6 is a UDP packet from src to dst.
func udp6(src, dst Addr, data []byte, change ...func(*layers.IPv6)) []byte {
	h := ipv6(src, dst, layers.IPProtocolUDP, change...)
	u := &layers.UDP{SrcPort: 1000, DstPort: 2000}
	if err := u.SetNetworkLayerForChecksum(h); err != nil {
		panic(err)
	}
	return serialize(h, u, gopacket.Payload(data))
}

// icmp6Packet is an ICMPv6 message of a type and code, with body behind the checksum.
func icmp6Packet(src, dst Addr, typ, code uint8, body []byte, change ...func(*layers.IPv6)) []byte {
	h := ipv6(src, dst, layers.IPProtocolICMPv6, change...)
	c := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(typ, code)}
	if err := c.SetNetworkLayerForChecksum(h); err != nil {
		panic(err)
	}
	return serialize(h, c, gopacket.Payload(body))
}

// extended puts extension headers, whose last names proto, before the payload of the
// packet b: they stand as they are on the wire but for the numbers of the next ones.
func extended(b []byte, headers ...ext) []byte {
	proto, at := b[6], 6
	out := append([]byte(nil), b[:HdrLen6]...)
	for _, h := range headers {
		if h.b == nil { // only another number for what follows
			proto = h.num
			continue
		}
		out[at] = h.num
		at = len(out)
		out = append(out, h.b...)
	}
	out[at] = proto
	out = append(out, b[HdrLen6:]...)
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-HdrLen6))
	return out
}

// ext is an extension header.
type ext struct {
	num uint8
	b   []byte
}

// options6 is a header of options, padded with PadN.
func options6(num uint8, opts ...byte) ext {
	b := append([]byte{0, 0}, opts...)
	if n := (8 - len(b)%8) % 8; n == 1 {
		b = append(b, 0)
	} else if n > 1 {
		b = append(append(b, 1, byte(n-2)), make([]byte, n-2)...)
	}
	b[1] = byte(len(b)/8 - 1)
	return ext{num, b}
}

// frag6 is a fragment header.
func frag6(id uint32, off int, more bool) ext {
	b := make([]byte, 8)
	word := uint16(off)
	if more {
		word |= 1
	}
	binary.BigEndian.PutUint16(b[2:], word)
	binary.BigEndian.PutUint32(b[4:], id)
	return ext{ProtoFragment, b}
}

// pieces6 cuts the packet b into fragments of n bytes of payload.
func pieces6(b []byte, n int, id uint32) (all [][]byte) {
	load := b[HdrLen6:]
	for off := 0; off < len(load); off += n {
		end := min(off+n, len(load))
		p := append(append([]byte(nil), b[:HdrLen6]...), load[off:end]...)
		all = append(all, extended(p, frag6(id, off, end < len(load))))
	}
	return all
}

// packets6 returns the IPv6 packets that left port, checked and decoded by gopacket.
func (r *rig) packets6(port int) (all []gopacket.Packet) {
	r.t.Helper()
	for _, b := range r.sent(port) {
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		h, ok := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		if !ok {
			r.t.Fatalf("not an IPv6 packet: %v", p)
		}
		if int(h.Length) != len(b)-eth.HdrLen-HdrLen6 {
			r.t.Errorf("length field %d, frame has %d", h.Length, len(b)-eth.HdrLen-HdrLen6)
		}
		for _, l := range p.Layers() {
			if c, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				c.SetNetworkLayerForChecksum(h) //nolint:errcheck // it is an IPv6 header
			}
		}
		if h.NextHeader != layers.IPProtocolIPv6Fragment {
			if err, bad := p.VerifyChecksums(); err != nil || len(bad) > 0 {
				r.t.Errorf("checksums of %v: %v %v", p, err, bad)
			}
		}
		all = append(all, p)
	}
	return all
}

// one6 fails unless exactly one packet left port 0.
func (r *rig) one6() gopacket.Packet {
	r.t.Helper()
	all := r.packets6(0)
	if len(all) != 1 {
		r.t.Fatalf("%d packets left, want 1: %v", len(all), all)
	}
	return all[0]
}

// icmp6Of is the ICMPv6 message in p.
func icmp6Of(t testing.TB, p gopacket.Packet) (h *layers.IPv6, typ, code uint8, body []byte) {
	t.Helper()
	c, ok := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
	if !ok {
		t.Fatalf("no ICMPv6: %v", p)
	}
	return p.NetworkLayer().(*layers.IPv6), c.TypeCode.Type(), c.TypeCode.Code(), c.Payload
}

func netipOf(b []byte) netip.Addr { a, _ := netip.AddrFromSlice(b); return a }
