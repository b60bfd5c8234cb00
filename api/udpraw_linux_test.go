package api

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"dataplane/ip"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/wire"

	"golang.org/x/net/ipv4"
)

// raw is a station that is not a plane: frames are what it sends and receives.
// 10.0.0.1 speaks to a plane at 10.0.0.2 over an in-memory wire.
type raw struct {
	t    testing.TB
	port *wire.Port
	q    pmd.Queue
	pool *mbuf.Pool
	mac  [6]byte // the plane's
	b    [32]*mbuf.Mbuf
}

// rawPlane opens a plane and a raw station before it.
func rawPlane(t testing.TB, cfg Config, off pmd.Offload) (*raw, *Net) {
	t.Helper()
	return rawPlaneAt(t, cfg, off, netip.MustParsePrefix("10.0.0.2/24"))
}

// rawPlaneAt is rawPlane with these addresses, the first of which is 10.0.0.2.
func rawPlaneAt(t testing.TB, cfg Config, off pmd.Offload, at ...netip.Prefix) (*raw, *Net) {
	t.Helper()
	a, b, err := wire.Pair(wire.Config{Name: "raw", Offloads: off}, wire.Config{Name: "plane", Offloads: off})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Ports = []Port{{Opened: b, Addrs: at, Optimistic: true}}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := mbuf.NewPool(mbuf.Config{Name: "raw", Count: 4096})
	if err == nil {
		err = a.Start([]*mbuf.Pool{pool})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, port: a, q: a.Queue(0), pool: pool, mac: b.Info().MAC}
	t.Cleanup(func() {
		n.Close()
		a.Close()
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	r.introduce()
	return r, n
}

// introduce makes the plane know our link address.
func (r *raw) introduce() {
	f := make([]byte, 42)
	copy(f, r.mac[:])
	mac := r.port.Info().MAC
	copy(f[6:], mac[:])
	copy(f[12:], "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01")
	copy(f[22:], mac[:])
	copy(f[28:], "\x0a\x00\x00\x01")
	copy(f[38:], "\x0a\x00\x00\x02")
	r.send(f)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		answered := false
		for _, m := range r.receive() {
			b := m.Bytes()
			answered = answered || b[12] == 8 && b[13] == 6 && b[21] == 2
			r.pool.Free(m)
		}
		if answered {
			return
		}
	}
	r.t.Fatal("the plane does not answer ARP")
}

// send sends one frame.
func (r *raw) send(f []byte) {
	m := r.pool.Alloc()
	copy(m.Append(len(f)), f)
	if r.q.TxBurst([]*mbuf.Mbuf{m}) != 1 {
		r.t.Fatal("the wire is full")
	}
}

// receive returns what has come, which the caller frees, and lets others run.
func (r *raw) receive() []*mbuf.Mbuf {
	runtime.Gosched()
	return r.b[:r.q.RxBurst(r.b[:])]
}

// datagram makes a frame from 10.0.0.1, port from, to port to of the plane.
func (r *raw) datagram(from, to uint16, data []byte) []byte {
	be := binary.BigEndian
	f := make([]byte, 42+len(data))
	copy(f, r.mac[:])
	mac := r.port.Info().MAC
	copy(f[6:], mac[:])
	copy(f[12:], "\x08\x00\x45\x00")
	be.PutUint16(f[16:], uint16(28+len(data)))
	copy(f[20:], "\x40\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02")
	be.PutUint16(f[24:], ^ip.Checksum(f[14:34], 0))
	be.PutUint16(f[34:], from)
	be.PutUint16(f[36:], to)
	be.PutUint16(f[38:], uint16(8+len(data)))
	copy(f[42:], data)
	src, dst := ip.From4([4]byte{10, 0, 0, 1}), ip.From4([4]byte{10, 0, 0, 2})
	be.PutUint16(f[40:], ^ip.Checksum(f[34:], ip.PseudoSum(src, dst, ip.ProtoUDP, 8+len(data))))
	return f
}

// BenchmarkUDPEcho is a burst of datagrams from a raw station to a goroutine
// that answers each, and back.
func BenchmarkUDPEcho(b *testing.B) {
	for _, c := range []struct {
		name        string
		size, burst int
		serve       func(c *UDPConn)
	}{
		{"64/32/single", 64, 32, echoSingle},
		{"64/1/single", 64, 1, echoSingle},
		{"1400/32/single", 1400, 32, echoSingle},
		{"64/32/batch", 64, 32, echoBatch},
		{"64/32/messages", 64, 32, echoMessages},
		{"64/1/batch", 64, 1, echoBatch},
		{"64/32/handler", 64, 32, func(c *UDPConn) { c.Handle(func(*Inside) DatagramHandler { return udpEcho{t: b} }) }}, //nolint:errcheck // nothing comes back then
	} {
		b.Run(c.name, func(b *testing.B) {
			r, n := rawPlane(b, Config{Mode: lcore.Shared, Buffers: 4096}, 0)
			pc, err := n.ListenPacket("udp", ":7")
			if err != nil {
				b.Fatal(err)
			}
			go c.serve(pc.(*UDPConn))
			r.bench(b, r.datagram(1000, 7, make([]byte, c.size)), c.burst)
		})
	}
}

// BenchmarkUDPPeer is BenchmarkUDPEcho with a connected socket.
func BenchmarkUDPPeer(b *testing.B) {
	for _, c := range []struct {
		name  string
		burst int
		serve func(n *Net, c *UDPConn) error
	}{
		{"32/goroutine", 32, func(_ *Net, c *UDPConn) error { go echoTask(c); return nil }},
		{"1/goroutine", 1, func(_ *Net, c *UDPConn) error { go echoTask(c); return nil }},
		{"32/resident", 32, func(n *Net, c *UDPConn) error { return n.GoResident(0, func() { echoTask(c) }) }},
		{"1/resident", 1, func(n *Net, c *UDPConn) error { return n.GoResident(0, func() { echoTask(c) }) }},
		{"32/handler", 32, func(_ *Net, c *UDPConn) error {
			return c.Handle(func(*Inside) DatagramHandler { return udpEcho{t: b} })
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, n := rawPlane(b, Config{Mode: lcore.Shared, Buffers: 4096}, 0)
			conn, err := n.Dial("udp", "10.0.0.1:1000")
			if err == nil {
				err = c.serve(n, conn.(*UDPConn))
			}
			if err != nil {
				b.Fatal(err)
			}
			port := conn.LocalAddr().(*net.UDPAddr).Port
			r.bench(b, r.datagram(1000, uint16(port), make([]byte, 64)), c.burst)
		})
	}
}

func echoSingle(c *UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err == nil {
			_, err = c.WriteToUDPAddrPort(buf[:n], from)
		}
		if err != nil {
			return
		}
	}
}

// echoBatch answers what has come with one call.
func echoBatch(c *UDPConn) {
	ds := make([]Datagram, 32)
	for i := range ds {
		ds[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	for {
		n, err := c.ReadBatchAddrPort(ds, 0)
		for i := range ds[:n] {
			ds[i].Buffers[0] = ds[i].Buffers[0][:ds[i].N]
		}
		for sent := 0; sent < n && err == nil; {
			var k int
			k, err = c.WriteBatchAddrPort(ds[sent:n], 0)
			sent += k
		}
		if err != nil {
			return
		}
		for i := range ds[:n] {
			ds[i].Buffers[0] = ds[i].Buffers[0][:2048]
		}
	}
}

// echoMessages is the same with the messages of package ipv4.
func echoMessages(c *UDPConn) {
	ms := make([]ipv4.Message, 32)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	for {
		n, err := c.ReadBatch(ms, 0)
		for i := range ms[:n] {
			ms[i].Buffers[0] = ms[i].Buffers[0][:ms[i].N]
		}
		for sent := 0; sent < n && err == nil; {
			var k int
			k, err = c.WriteBatch(ms[sent:n], 0)
			sent += k
		}
		if err != nil {
			return
		}
		for i := range ms[:n] {
			ms[i].Buffers[0] = ms[i].Buffers[0][:2048]
		}
	}
}

// bench sends bursts of f and waits for as many answers. One operation is one
// datagram there and back.
func (r *raw) bench(b *testing.B, f []byte, burst int) {
	run := func(n int) {
		for left := n; left > 0; {
			k := min(burst, left)
			if !r.pool.AllocBulk(r.b[:k]) {
				b.Fatal("no buffers")
			}
			for _, m := range r.b[:k] {
				copy(m.Append(len(f)), f)
			}
			r.q.TxBurst(r.b[:k])
			left -= k
			for k > 0 {
				ms := r.receive()
				for _, m := range ms {
					if b := m.Bytes(); len(b) == len(f) {
						k--
					} else {
						r.solicited(b)
					}
				}
				r.pool.FreeBulk(ms)
			}
		}
	}
	run(1000)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	run(b.N)
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkUDPStream sends 32 datagrams of 1200 bytes from goroutine to goroutine:
// by single calls, in batches, and as one segmented write that is one read.
func BenchmarkUDPStream(b *testing.B) {
	const size, count = 1200, 32
	to := netip.MustParseAddrPort("10.0.0.2:7")
	single := func(b *testing.B, c *UDPConn) {
		buf := make([]byte, size)
		for range count {
			c.WriteToUDPAddrPort(buf, to)
		}
	}
	ds := make([]Datagram, count)
	for i := range ds {
		ds[i] = Datagram{Buffers: [][]byte{make([]byte, size)}, Addr: to}
	}
	batch := func(b *testing.B, c *UDPConn) { c.WriteBatchAddrPort(ds, 0) }
	oob, all := cmsg(syscall.IPPROTO_UDP, 103, []byte{size & 255, size >> 8}), make([]byte, count*size)
	segment := func(b *testing.B, c *UDPConn) { c.WriteMsgUDPAddrPort(all, oob, to) }
	for _, w := range []struct {
		name string
		send func(*testing.B, *UDPConn)
		off  pmd.Offload
		gro  bool
	}{
		{"single", single, 0, false}, {"batch", batch, 0, false}, {"segment", segment, 0, false}, {"segment-gro", segment, 0, true},
		{"segment-gro-uso", segment, pmd.AllOffloads, true},
	} {
		b.Run(w.name, func(b *testing.B) {
			cfg := Config{Mode: lcore.Shared}
			pa, pb, err := wire.Pair(wire.Config{Name: "0", Offloads: w.off}, wire.Config{Name: "1", Offloads: w.off})
			if err != nil {
				b.Fatal(err)
			}
			cfg.Ports = []Port{{Opened: pa, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}}
			x, err := Open(cfg)
			if err != nil {
				b.Fatal(err)
			}
			cfg.Ports = []Port{{Opened: pb, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}}
			y, err := Open(cfg)
			if err != nil {
				b.Fatal(err)
			}
			closeBoth(b, x, y)
			c, s := listenUDP(b, x, ":7"), listenUDP(b, y, ":7")
			if w.gro {
				if err := s.SetsockoptInt(syscall.IPPROTO_UDP, 104, 1); err != nil {
					b.Fatal(err)
				}
			}
			in := rooms(count)
			if w.gro {
				in = []Datagram{{Buffers: [][]byte{make([]byte, 1<<16)}, OOB: make([]byte, 64)}}
			}
			round := func() {
				w.send(b, c)
				for got := 0; got < count*size; {
					n, err := s.ReadBatchAddrPort(in, 0)
					if err != nil {
						b.Fatal(err)
					}
					for _, d := range in[:n] {
						got += d.N
					}
				}
			}
			c.WriteToUDPAddrPort(make([]byte, 1), to)
			s.ReadBatchAddrPort(in, 0)
			round()
			b.SetBytes(count * size)
			before := cpuTime()
			b.ResetTimer()
			for range b.N {
				round()
			}
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N)/count, "cpu-ns/datagram")
		})
	}
}
