package afpacket

import (
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
	_ "dataplane/pmd/tap"
)

// What a port costs, beside a TAP in the same run: the kernel's UDP is at the other
// end of both. go test -bench . ./pmd/afpacket

// bench is a port with the kernel behind it.
type bench struct {
	*testing.B
	queue pmd.Queue
	pool  *mbuf.Pool
	fd    int // a kernel UDP socket
	port  int // its port
	to    *unix.SockaddrInet4
	host  net.HardwareAddr
	buf   []byte
	// On a machine with other work to do the shortest burst says most.
	sum, best time.Duration
}

// onBoth runs f with a port of each driver.
func onBoth(b *testing.B, f func(b *bench)) {
	for _, driver := range []string{"afpacket", "tap"} {
		b.Run(driver, func(t *testing.B) { f(newBench(t, driver)) })
	}
}

func newBench(t *testing.B, driver string) *bench {
	b := &bench{B: t, host: kernelMAC, buf: make([]byte, 1<<16)}
	opt, device := pmd.Options{MAC: [6]byte(planeMAC)}, planeEnd
	if driver == "tap" {
		device = "aptap0"
		opt.Extra = map[string]string{"host-addr": kernelIP + "/24"}
	} else {
		wire(t, 1500)
	}
	b.pool = newPool(t, 1024)
	p, err := pmd.Open(driver, device, opt)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	must(t, p.Start([]*mbuf.Pool{b.pool}))
	b.queue = p.Queue(0)
	if driver == "tap" {
		l, err := netlink.LinkByName(device)
		must(t, err)
		b.host = l.Attrs().HardwareAddr
		must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: net.ParseIP(planeIP),
			HardwareAddr: planeMAC, State: netlink.NUD_PERMANENT}))
	}
	b.socket()
	return b
}

// socket opens the kernel's end without Go's poller.
func (b *bench) socket() {
	var err error
	b.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	must(b, err)
	b.Cleanup(func() { unix.Close(b.fd) })
	local := &unix.SockaddrInet4{Addr: [4]byte(net.ParseIP(kernelIP).To4())}
	must(b, unix.Bind(b.fd, local))
	_ = unix.SetsockoptInt(b.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	sa, err := unix.Getsockname(b.fd)
	must(b, err)
	b.port = sa.(*unix.SockaddrInet4).Port
	b.to = &unix.SockaddrInet4{Port: 4000, Addr: [4]byte(net.ParseIP(planeIP).To4())}
}

// timed adds what f took.
func (b *bench) timed(f func()) {
	start := time.Now()
	f()
	d := time.Since(start)
	b.sum += d
	if b.best == 0 || d < b.best {
		b.best = d
	}
}

func (b *bench) report(perBurst int) {
	b.ReportMetric(float64(b.sum.Nanoseconds())/float64(perBurst*b.N), "ns/frame")
	b.ReportMetric(float64(b.best.Nanoseconds())/float64(perBurst), "best-ns/frame")
	b.ReportMetric(0, "ns/op")
}

// send times bursts of n copies of a frame.
func (b *bench) send(frame []byte, n int, flags uint64, mss int) {
	copy(frame, b.host)
	p := &plane{TB: b.B, pool: b.pool}
	var burst [32]*mbuf.Mbuf
	for range b.N {
		for i := range burst[:n] {
			burst[i] = p.chain(frame, 2000)
			offload(burst[i], flags, mss)
		}
		b.timed(func() {
			if k := b.queue.TxBurst(burst[:n]); k != n {
				b.Fatalf("%d of %d frames taken", k, n)
			}
		})
		for {
			if _, err := unix.Read(b.fd, b.buf); err != nil {
				break
			}
		}
		b.pool.FreeBulk(burst[:b.queue.RxBurst(burst[:])]) // a reset, perhaps
	}
	b.report(n)
}

// receive times bursts of n datagrams, cut into segments where that is not 0.
func (b *bench) receive(payload, n, segment int) {
	must(b, unix.SetsockoptInt(b.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, segment))
	data := pattern(payload)
	var burst [32]*mbuf.Mbuf
	for range b.N {
		for range n {
			must(b, unix.Sendto(b.fd, data, 0, b.to))
		}
		b.timed(func() {
			k := b.queue.RxBurst(burst[:])
			b.pool.FreeBulk(burst[:k])
			if k < n {
				b.Errorf("%d of %d frames came", k, n)
			}
		})
	}
	b.report(n)
}

func (b *bench) udp(n int) []byte {
	return build(b, &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(b.port)}, pattern(n))
}

func BenchmarkSend64(b *testing.B) {
	onBoth(b, func(b *bench) { b.send(b.udp(22), 32, mbuf.TxUDPChecksum, 0) })
}

func BenchmarkSend1400(b *testing.B) {
	onBoth(b, func(b *bench) { b.send(b.udp(1400), 32, mbuf.TxUDPChecksum, 0) })
}

// Resets for a connection that is not there: the kernel drops them.
func BenchmarkSendTSO(b *testing.B) {
	onBoth(b, func(b *bench) {
		b.send(build(b, &layers.TCP{SrcPort: 5, DstPort: 6, RST: true}, pattern(43*1400)), 4, mbuf.TxTCPSeg, 1400)
	})
}

func BenchmarkReceive64(b *testing.B)   { onBoth(b, func(b *bench) { b.receive(22, 32, 0) }) }
func BenchmarkReceive1400(b *testing.B) { onBoth(b, func(b *bench) { b.receive(1400, 32, 0) }) }
func BenchmarkReceiveGSO(b *testing.B)  { onBoth(b, func(b *bench) { b.receive(43*1400, 4, 1400) }) }

func BenchmarkEmptyPoll(b *testing.B) {
	onBoth(b, func(b *bench) {
		var m [32]*mbuf.Mbuf
		b.ResetTimer()
		for range b.N {
			b.pool.FreeBulk(m[:b.queue.RxBurst(m[:])])
		}
	})
}
