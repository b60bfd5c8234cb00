package api

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/pmd/wire"
	"dataplane/tcp"
)

// host is what two planes that dual returns are called, in a family, and what options
// are called there.
type host struct {
	name, a, b string

	level, recvTOS, pktinfo int
}

var hosts = []host{
	{"four", "10.0.0.1", "10.0.0.2", 0, 13, 8},
	{"six", "[2001:db8::1]", "[2001:db8::2]", 41, 66, 49},
}

// overHosts runs f by IPv4 with each of setups, and by IPv6 with the first of them.
func overHosts(t *testing.T, f func(t *testing.T, a, b *Net, h host)) {
	with := func(h host) func(t *testing.T, cfg Config) {
		return func(t *testing.T, cfg Config) {
			a, b := dual(t, cfg, wire.Config{})
			f(t, a, b, h)
		}
	}
	setups(t, with(hosts[0]))
	t.Run(hosts[1].name, func(t *testing.T) { with(hosts[1])(t, Config{Mode: ModeShared}) })
}

// dual returns two planes on a wire, with the addresses of hosts.
func dual(t testing.TB, cfg Config, w wire.Config) (a, b *Net) {
	return wiredAt(t, cfg, w,
		[]netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("2001:db8::1/64")},
		[]netip.Prefix{netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("2001:db8::2/64")})
}

// packet6 makes a frame from src to dst, the plane's; the checksum stands at sum in data.
func (r *raw) packet6(src, dst ip.Addr, next, hops uint8, data []byte, sum int) []byte {
	be := binary.BigEndian
	f := make([]byte, 54, 54+len(data))
	copy(f, r.mac[:])
	mac := r.port.Info().MAC
	copy(f[6:], mac[:])
	copy(f[12:], "\x86\xdd\x60")
	be.PutUint16(f[18:], uint16(len(data)))
	f[20], f[21] = next, hops
	copy(f[22:], src[:])
	copy(f[38:], dst[:])
	f = append(f, data...)
	be.PutUint16(f[54+sum:], ^ip.Checksum(f[54:], ip.PseudoSum(src, dst, next, len(data))))
	return f
}

// datagram6 is datagram by IPv6.
func (r *raw) datagram6(src, dst ip.Addr, from, to uint16, data []byte) []byte {
	be := binary.BigEndian
	d := make([]byte, 8, 8+len(data))
	be.PutUint16(d[0:], from)
	be.PutUint16(d[2:], to)
	be.PutUint16(d[4:], uint16(8+len(data)))
	return r.packet6(src, dst, ip.ProtoUDP, 64, append(d, data...), 6)
}

// solicited answers a neighbour solicitation to us alone: the plane asks now and then
// whether we are still there.
func (r *raw) solicited(f []byte) {
	if len(f) < 78 || [6]byte(f) != r.port.Info().MAC || f[20] != ip.ProtoICMPv6 || f[54] != ip.ICMP6NeighborSolicit {
		return
	}
	b := make([]byte, 24)
	b[0], b[4] = ip.ICMP6NeighborAdvert, 0x40
	copy(b[8:], f[62:78])
	r.send(r.packet6(ip.Addr(f[62:78]), ip.Addr(f[22:38]), ip.ProtoICMPv6, 255, b, 2))
}

// introduce6 asks for the plane's address dst until it answers, so that it knows ours.
func (r *raw) introduce6(src, dst ip.Addr) {
	b := make([]byte, 32)
	b[0] = ip.ICMP6NeighborSolicit
	copy(b[8:], dst[:])
	b[24], b[25] = 1, 1
	mac := r.port.Info().MAC
	copy(b[26:], mac[:])
	ask := r.packet6(src, dst, ip.ProtoICMPv6, 255, b, 2)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		r.send(ask)
		answered := false
		for wait := time.Now().Add(50 * time.Millisecond); !answered && time.Now().Before(wait); {
			for _, m := range r.receive() {
				f := m.Bytes()
				answered = answered || len(f) >= 78 && f[20] == ip.ProtoICMPv6 && f[54] == ip.ICMP6NeighborAdvert && ip.Addr(f[38:54]) == src
				r.pool.Free(m)
			}
		}
		if answered {
			return
		}
	}
	r.t.Fatalf("%v does not answer", dst)
}

// station opens a plane and a raw station before it, and returns a datagram of 64 bytes
// from the station's port 1000 to port 7 of the plane, by the address of that name.
func station(b *testing.B, name string) (*raw, *Net, []byte) {
	r, n := rawPlaneAt(b, Config{Mode: lcore.Shared, Buffers: 4096}, 0,
		netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("2001:db8::2/64"))
	data := make([]byte, 64)
	if name == "four" {
		return r, n, r.datagram(1000, 7, data)
	}
	src, dst := ip.Addr{0xfe, 0x80, 15: 1}, ip.LinkLocal(r.mac)
	if name == "six" {
		src, dst = ip.Addr{0x20, 1, 13, 0xb8, 15: 1}, ip.Addr{0x20, 1, 13, 0xb8, 15: 2}
	}
	r.introduce6(src, dst)
	return r, n, r.datagram6(src, dst, 1000, 7, data)
}

// BenchmarkSix is the ways to answer datagrams, an exchange of 64 bytes, a connection
// and a bulk transfer, by IPv4 and by IPv6. Run it with -cpu 1.
func BenchmarkSix(b *testing.B) {
	for _, s := range []struct {
		name  string
		serve func(c *UDPConn)
	}{
		{"handler", func(c *UDPConn) { c.Handle(func(*Inside) DatagramHandler { return udpEcho{t: b} }) }}, //nolint:errcheck // nothing comes back then
		{"goroutine", echoSingle},
		{"batch", echoBatch},
	} {
		for _, name := range []string{"four", "six", "link"} {
			b.Run("udp-"+s.name+"/"+name, func(b *testing.B) {
				r, n, f := station(b, name)
				go s.serve(listenUDP(b, n, ":7"))
				r.bench(b, f, 32)
			})
		}
	}
	for _, h := range hosts {
		at := h.b + ":7"
		b.Run("tasks/"+h.name, func(b *testing.B) {
			x, y := dual(b, Config{Mode: ModeShared}, wire.Config{})
			benchmarkTasks(b, x, y, at)
		})
		b.Run("goroutines/"+h.name, func(b *testing.B) {
			x, y := dual(b, Config{Mode: ModeShared}, wire.Config{})
			benchmarkGoroutines(b, x, y, at)
		})
		b.Run("connect/"+h.name, func(b *testing.B) {
			x, y := dual(b, churnConfig(ModeShared), wire.Config{})
			churn(b, x, y, at, 1)
		})
		for _, w := range []struct {
			name string
			off  pmd.Offload
			tcp  tcp.Config
		}{{"single", 0, tcp.Config{NoGRO: true, NoGSO: true}}, {"plain", 0, tcp.Config{}}, {"super", wire.Has, tcp.Config{}}} {
			b.Run("bulk-"+w.name+"/"+h.name, func(b *testing.B) {
				x, y := dual(b, Config{Mode: ModeShared, Buffers: 4096, TCP: w.tcp}, wire.Config{Offloads: w.off})
				c, s := connectedAt(b, x, y, at)
				benchmarkBulk(b, written(c), read(s))
			})
		}
	}
}
