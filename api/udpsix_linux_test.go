package api

import (
	"encoding/binary"
	"testing"

	"dataplane/ip"
	"dataplane/lcore"
)

// packet6 makes a frame from fe80::1 to the plane's link-local address; the checksum
// stands at sum in data.
func (r *raw) packet6(next, hops uint8, data []byte, sum int) []byte {
	be := binary.BigEndian
	f := make([]byte, 54, 54+len(data))
	copy(f, r.mac[:])
	mac := r.port.Info().MAC
	copy(f[6:], mac[:])
	copy(f[12:], "\x86\xdd\x60")
	be.PutUint16(f[18:], uint16(len(data)))
	f[20], f[21] = next, hops
	src, dst := ip.Addr{0xfe, 0x80, 15: 1}, ip.LinkLocal(r.mac)
	copy(f[22:], src[:])
	copy(f[38:], dst[:])
	f = append(f, data...)
	be.PutUint16(f[54+sum:], ^ip.Checksum(f[54:], ip.PseudoSum(src, dst, next, len(data))))
	return f
}

// introduce6 asks for the plane's address, so that it knows ours.
func (r *raw) introduce6() {
	b := make([]byte, 32)
	b[0] = ip.ICMP6NeighborSolicit
	dst := ip.LinkLocal(r.mac)
	copy(b[8:], dst[:])
	b[24], b[25] = 1, 1
	mac := r.port.Info().MAC
	copy(b[26:], mac[:])
	r.send(r.packet6(ip.ProtoICMPv6, 255, b, 2))
}

// BenchmarkUDPEcho6 is BenchmarkUDPEcho by IPv6; the benchmark "four" is beside it.
func BenchmarkUDPEcho6(b *testing.B) {
	for _, c := range []struct {
		name string
		six  bool
	}{{"four", false}, {"six", true}} {
		b.Run(c.name, func(b *testing.B) {
			r, n := rawPlane(b, Config{Mode: lcore.Shared, Buffers: 4096}, 0)
			pc, err := n.ListenPacket("udp", ":7")
			if err != nil {
				b.Fatal(err)
			}
			go pc.(*UDPConn).Handle(func(*Inside) DatagramHandler { return udpEcho{t: b} }) //nolint:errcheck // nothing comes back then
			f := r.datagram(1000, 7, make([]byte, 64))
			if c.six {
				r.introduce6()
				data := append([]byte("\x03\xe8\x00\x07\x00\x48\x00\x00"), make([]byte, 64)...)
				f = r.packet6(ip.ProtoUDP, 64, data, 6)
			}
			r.bench(b, f, 32)
		})
	}
}
