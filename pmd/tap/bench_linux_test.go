package tap

import (
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// rawUDP is a kernel socket without Go's poller, so that its cost can be left out
// of the figures and its garbage out of the counts.
func rawUDP(t testing.TB, p *plane, segment int) (fd int, to *unix.SockaddrInet4, port int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	local := &unix.SockaddrInet4{}
	copy(local.Addr[:], net.ParseIP(hostIP).To4())
	if err := unix.Bind(fd, local); err != nil {
		t.Fatal(err)
	}
	if segment > 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, segment); err != nil {
			t.Skip("this kernel knows no USO")
		}
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to = &unix.SockaddrInet4{Port: 4000}
	copy(to.Addr[:], net.ParseIP(planeIP).To4())
	return fd, to, sa.(*unix.SockaddrInet4).Port
}

// drain empties a socket and returns how many datagrams it held.
func drain(fd int, b []byte) (n int) {
	for {
		if _, err := unix.Read(fd, b); err != nil {
			return n
		}
		n++
	}
}

// sender sends bursts of a frame and times them.
type sender struct {
	*plane
	fd       int
	buf      []byte
	template []byte
	flags    uint64
	mss      int
	times    timing
	arrived  int
}

// timing collects how long bursts took. On a machine with other work to do the
// shortest one says most.
type timing struct{ sum, best time.Duration }

func (t *timing) add(d time.Duration) {
	t.sum += d
	if t.best == 0 || d < t.best {
		t.best = d
	}
}

func (t *timing) report(b *testing.B, perBurst int) {
	b.ReportMetric(float64(t.sum.Nanoseconds())/float64(perBurst*b.N), "ns/packet")
	b.ReportMetric(float64(t.best.Nanoseconds())/float64(perBurst), "best-ns/packet")
	b.ReportMetric(0, "ns/op")
}

func newSender(t testing.TB, payload, mss int) *sender {
	s := &sender{plane: openPeers(t, pmd.Options{}), buf: make([]byte, 1<<16), mss: mss, flags: mbuf.TxUDPChecksum}
	fd, _, port := rawUDP(t, s.plane, 0)
	if s.fd = fd; mss > 0 {
		s.flags = mbuf.TxUDPSeg
	}
	udp := &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(port)}
	s.template = s.build(hostIP, udp, pattern(payload))
	return s
}

// burst sends n frames.
func (s *sender) burst(n int) {
	var b [32]*mbuf.Mbuf
	for i := range b[:n] {
		b[i] = s.chain(s.template, 2000)
		offload(b[i], s.flags, s.mss)
	}
	start := time.Now()
	if k := s.port.Queue(0).TxBurst(b[:n]); k != n {
		s.Fatalf("%d of %d frames taken", k, n)
	}
	s.times.add(time.Since(start))
	s.arrived += drain(s.fd, s.buf)
}

func benchmarkSend(b *testing.B, payload, mss, burst int) {
	s := newSender(b, payload, mss)
	if mss > 0 { // whole frames go up to the socket
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1); err != nil {
			b.Fatal(err)
		}
	}
	for range b.N {
		s.burst(burst)
	}
	if s.arrived != burst*b.N {
		b.Errorf("%d of %d frames arrived", s.arrived, burst*b.N)
	}
	if mss > 0 {
		burst *= (payload + mss - 1) / mss
	}
	s.times.report(b, burst)
}

func BenchmarkSend64(b *testing.B)      { benchmarkSend(b, 22, 0, 32) }
func BenchmarkSend1400(b *testing.B)    { benchmarkSend(b, 1400, 0, 32) }
func BenchmarkSendUSO1400(b *testing.B) { benchmarkSend(b, 44*1400, 1400, 1) }

func benchmarkReceive(b *testing.B, payload, mss, burst int) {
	p := openPeers(b, pmd.Options{})
	fd, to, _ := rawUDP(b, p, mss)
	data := pattern(payload)
	var times timing
	var m [32]*mbuf.Mbuf
	got := 0
	for range b.N {
		for range burst {
			if err := unix.Sendto(fd, data, 0, to); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		n := p.port.Queue(0).RxBurst(m[:])
		p.pool.FreeBulk(m[:n])
		times.add(time.Since(start))
		got += n
	}
	if got < burst*b.N {
		b.Errorf("%d of %d frames came", got, burst*b.N)
	}
	if mss > 0 {
		burst *= (payload + mss - 1) / mss
	}
	times.report(b, burst)
}

func BenchmarkReceive64(b *testing.B)      { benchmarkReceive(b, 22, 0, 32) }
func BenchmarkReceive1400(b *testing.B)    { benchmarkReceive(b, 1400, 0, 32) }
func BenchmarkReceiveUSO1400(b *testing.B) { benchmarkReceive(b, 44*1400, 1400, 1) }

func BenchmarkEmptyPoll(b *testing.B) {
	p := openPeers(b, pmd.Options{})
	var m [32]*mbuf.Mbuf
	for range b.N {
		n := p.port.Queue(0).RxBurst(m[:])
		p.pool.FreeBulk(m[:n])
	}
}

func TestReceiveAllocatesNothing(t *testing.T) {
	for name, mss := range map[string]int{"plain": 0, "uso": 1400} {
		t.Run(name, func(t *testing.T) {
			p := openPeers(t, pmd.Options{})
			fd, to, _ := rawUDP(t, p, mss)
			data := pattern(1400)
			if mss > 0 {
				data = pattern(40 * mss)
			}
			var m [32]*mbuf.Mbuf
			got := 0
			if n := testing.AllocsPerRun(200, func() {
				if err := unix.Sendto(fd, data, 0, to); err != nil {
					t.Fatal(err)
				}
				n := p.port.Queue(0).RxBurst(m[:])
				p.pool.FreeBulk(m[:n])
				got += n
			}); n != 0 || got < 200 {
				t.Errorf("%v allocations for a frame; %d came", n, got)
			}
		})
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	for name, mss := range map[string]int{"plain": 0, "uso": 1400} {
		t.Run(name, func(t *testing.T) {
			payload := 1400
			if mss > 0 {
				payload = 40 * mss
			}
			s := newSender(t, payload, mss)
			if n := testing.AllocsPerRun(200, func() { s.burst(1) }); n != 0 || s.arrived < 200 {
				t.Errorf("%v allocations for a frame; %d arrived", n, s.arrived)
			}
		})
	}
}
