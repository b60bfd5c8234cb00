package tcp

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

// The bench is one core's layers between two ends of a TCP connection that
// goes to its own address: what the loopback sends comes in again at once. No
// link, no threads, no time but what step says.
type bench struct {
	tb    testing.TB
	l     *Layer
	eth   *eth.Layer
	core  *sock.Core
	pool  *mbuf.Pool
	stat  perf.Stat
	wheel timer.Wheel
	now   perf.Tick
	q     benchQueue
	tx    *pmd.TxBuffer
	a, b  *Sock
	buf   []byte
	join  bool // bursts are joined
}

// benchQueue keeps what is sent until it is received.
type benchQueue struct {
	frames []*mbuf.Mbuf
	good   bool // the checksum counts as checked
	sent   int
}

func (q *benchQueue) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (q *benchQueue) FD() int                  { return -1 }
func (q *benchQueue) TxBurst(b []*mbuf.Mbuf) int {
	q.frames = append(q.frames, b...)
	q.sent += len(b)
	return len(b)
}

func newBench(tb testing.TB, off pmd.Offload, mtu int) *bench {
	tb.Helper()
	b := &bench{tb: tb, now: 1000 * perf.Second, buf: make([]byte, 256<<10)}
	var err error
	if b.pool, err = mbuf.NewPool(mbuf.Config{Name: "bench", Count: 2048}); err != nil {
		tb.Fatal(err)
	}
	b.wheel.Init(int64(b.now))
	b.q.good = off&pmd.RxChecksum != 0
	b.q.frames = make([]*mbuf.Mbuf, 0, 1024)
	b.tx = pmd.NewTxBuffer(&b.q, b.pool, &b.stat)
	self := netip.MustParseAddr("10.0.0.1")
	ifc := &eth.Iface{Name: "lo", MTU: mtu, Loopback: true, NoARP: true, Offloads: off, Tx: b.tx}
	if off&pmd.TSO != 0 {
		ifc.MaxTSO = 65535
	}
	r, err := ip.NewRoutes([]ip.RouteIface{{Name: "lo", MTU: mtu, Loopback: true,
		Prefixes: []ip.Prefix{{Addr: ip.FromNetip(self), Bits: 24}}}})
	if err != nil {
		tb.Fatal(err)
	}
	routes := new(atomic.Pointer[ip.Routes])
	routes.Store(r)
	b.core = sock.NewCore(sock.CoreConfig{Pool: b.pool, Stat: &b.stat})
	b.core.Now = b.now
	b.eth = eth.New(eth.Config{Pool: b.pool, Stat: &b.stat, Wheel: &b.wheel, Ifaces: []*eth.Iface{ifc}})
	ipl := ip.New(ip.Config{Pool: b.pool, Stat: &b.stat, Eth: b.eth, Wheel: &b.wheel, Ifaces: []*eth.Iface{ifc}, Routes: routes})
	b.l, err = New(Config{IP: ipl, Eth: b.eth, Core: b.core, Pool: b.pool, Stat: &b.stat, Wheel: &b.wheel})
	if err != nil {
		tb.Fatal(err)
	}
	b.connect(self)
	return b
}

func (b *bench) connect(self netip.Addr) {
	ls := b.l.NewSock()
	name := sock.Name{Addr: self.As16(), Port: 80}
	b.l.Bind(&ls.Sock, name)
	b.l.Listen(&ls.Sock, 16)
	b.a = b.l.NewSock()
	if e := b.l.Connect(&b.a.Sock, sock.Name{Addr: self.As16(), Port: 40000}, name); e != 0 {
		b.tb.Fatal(e)
	}
	b.settle()
	sk, ok := ls.AcceptQ.Pop()
	if !ok {
		b.tb.Fatal("not connected")
	}
	b.b = sk.Owner.(*Sock)
}

// turn is one turn: what was sent comes in, requests, output.
func (b *bench) turn() bool {
	b.now += 20 * perf.Microsecond
	n := len(b.q.frames)
	var in [64]*mbuf.Mbuf
	for off := 0; off < n; off += len(in) {
		k := copy(in[:], b.q.frames[off:n])
		if b.q.good {
			for _, m := range in[:k] {
				m.OlFlags |= mbuf.RxL4ChecksumGood | mbuf.RxIPChecksumGood
			}
		}
		took := k
		if b.join {
			took = b.l.Join(in[:k])
		}
		for _, m := range in[:took] {
			v, ok := b.l.ip.Straight(m, b.now)
			if !ok {
				v = b.eth.Input(m, b.now)
			}
			b.stat.Count(v)
			if v != perf.Taken {
				b.pool.Free(m)
			}
		}
		b.l.EndBurst()
	}
	b.q.frames = b.q.frames[:copy(b.q.frames, b.q.frames[n:])]
	b.core.Requests(b.now)
	b.wheel.Advance(int64(b.now))
	b.l.Output(b.now)
	b.tx.Flush()
	return n > 0 || len(b.q.frames) > 0
}

func (b *bench) settle() {
	for b.turn() {
	}
}

// move sends n bytes from a to c and reads them there.
func (b *bench) move(a, c *Sock, n int) {
	for got, put := 0, 0; got < n; {
		if k := a.TX.Write(b.buf[:n-put]); k > 0 {
			put += k
			a.Kick(sock.ReqSend)
		}
		b.turn()
		for c.RX.Len() > 0 {
			got += c.RX.Read(b.buf[:n])
			c.Consumed()
		}
	}
}

// rr is a request and its answer: the ACK of each rides on the other.
func (b *bench) rr() {
	b.move(b.a, b.b, 64)
	b.move(b.b, b.a, 64)
}

const wireOffloads = pmd.RxChecksum | pmd.TxTCPChecksum | pmd.TxIPChecksum | pmd.TSO | pmd.LRO | pmd.MultiSeg

// TestAllocs: a segment in or out, in the steady state, allocates nothing.
func TestAllocs(t *testing.T) {
	for _, c := range []struct {
		name string
		off  pmd.Offload
		run  func(b *bench)
	}{
		{"request and response", 0, (*bench).rr},
		{"stream", 0, func(b *bench) { b.move(b.a, b.b, 100_000) }},
		{"joined", 0, func(b *bench) { b.join = true; b.move(b.a, b.b, 100_000) }},
		{"super-segments", wireOffloads, func(b *bench) { b.move(b.a, b.b, 200_000) }},
		{"loss", 0, func(b *bench) {
			b.a.TX.Write(b.buf[:20_000])
			b.a.Kick(sock.ReqSend)
			b.turn()
			b.pool.Free(b.q.frames[0]) // the first segment of the burst is lost
			b.q.frames = b.q.frames[:copy(b.q.frames, b.q.frames[1:])]
			for n := 0; n < 20_000; {
				b.turn()
				k := b.b.RX.Read(b.buf)
				b.b.Consumed()
				n += k
			}
			b.settle()
		}},
		{"stray segments", 0, (*bench).stray},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.off, 1500)
			for range 200 {
				c.run(b)
			}
			if n := testing.AllocsPerRun(100, func() { c.run(b) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if b.a.state != Established || b.b.state != Established {
				t.Errorf("states %v, %v", b.a.state, b.b.state)
			}
		})
	}
}

// stray is a segment for a port that nobody has, and its reset.
func (b *bench) stray() {
	m := b.pool.Alloc()
	h := m.Append(HeaderLen)
	PutHeader(h, 1234, 4321, 1, 1, HeaderLen, ACK, 100)
	self := b.a.Local
	sum := ip.PseudoSum(self, self, Proto, HeaderLen)
	binary.BigEndian.PutUint16(h[16:], ^ip.Fold(ip.Sum(h, sum)))
	e := ip.Endpoint{Local: self, Remote: self}
	b.l.ip.Output(m, &e, Proto, b.now)
	b.tx.Flush()
	b.settle()
}

// TestRequestResponseSegments: a request and its answer are two segments.
func TestRequestResponseSegments(t *testing.T) {
	b := newBench(t, 0, 1500)
	for range 100 {
		b.rr()
	}
	n := b.q.sent
	for range 100 {
		b.rr()
	}
	if n = b.q.sent - n; n > 202 {
		t.Errorf("%d segments for 100 requests and answers", n)
	}
}

// cpu is the processor time this process has used: on a busy machine it says
// more than the clock.
func cpu() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano() + r.Stime.Nano())
}

// A segment out and in costs what a request does: two segments, four copies.
func BenchmarkRequestResponse(b *testing.B) {
	x := newBench(b, 0, 1500)
	b.ReportAllocs()
	begin := cpu()
	for b.Loop() {
		x.rr()
	}
	b.ReportMetric((cpu()-begin)/float64(b.N)/2, "cpu-ns/segment")
}

func benchmarkStream(b *testing.B, off pmd.Offload, join bool) {
	x := newBench(b, off, 1500)
	x.join = join
	const n = 256 << 10
	for range 50 {
		x.move(x.a, x.b, n)
	}
	b.ReportAllocs()
	b.SetBytes(n)
	begin := cpu()
	for b.Loop() {
		x.move(x.a, x.b, n)
	}
	b.ReportMetric((cpu()-begin)/float64(b.N)/(n/1448), "cpu-ns/1448B")
}

func BenchmarkStream(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkStream(b, 0, false) })
	b.Run("joined", func(b *testing.B) { benchmarkStream(b, 0, true) })
	b.Run("offloads", func(b *testing.B) { benchmarkStream(b, wireOffloads, false) })
}

// BenchmarkConnect is a whole connection: SYN to TIME-WAIT.
func BenchmarkConnect(b *testing.B) {
	x := newBench(b, 0, 1500)
	self := x.a.Local
	ls := x.l.listeners.find(&ip.FlowKey{Local: self, LocalPort: 80}, 0)
	port := uint16(1024)
	x.l.cfg.MaxTimeWait = 1000
	b.ReportAllocs()
	for b.Loop() {
		if port++; port == 40000 {
			port = 1024
		}
		s := x.l.NewSock()
		x.l.Connect(&s.Sock, sock.Name{Addr: self, Port: port}, sock.Name{Addr: self, Port: 80})
		for ls.AcceptQ.Len() == 0 {
			x.turn()
		}
		c, _ := ls.AcceptQ.Pop()
		c.Kick(sock.ReqClose)
		x.turn()
		s.Kick(sock.ReqClose)
		x.settle()
	}
}
