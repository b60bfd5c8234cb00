package ip

import (
	"testing"

	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// sink is a queue that gives back what is sent, and keeps nothing.
type sink struct{ pool *mbuf.Pool }

func (s *sink) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (s *sink) FD() int                  { return -1 }
func (s *sink) TxBurst(b []*mbuf.Mbuf) int {
	s.pool.FreeBulk(b)
	return len(b)
}

// fast is a rig whose ports swallow and whose transport only counts.
func fast(t testing.TB) *rig {
	r := newRig(t)
	r.udp.keep = false
	r.learn(0, peer0)
	for i := range r.ifaces {
		r.ifaces[i].Tx = pmd.NewTxBuffer(&sink{r.pool}, r.pool, &r.stat)
	}
	return r
}

// again gives the same frame in.
func (r *rig) again(frame []byte) perf.Verdict {
	m := r.pool.Alloc()
	copy(m.Append(len(frame)), frame)
	return r.inMbuf(0, m)
}

func (r *rig) output(e *Endpoint, n int) {
	m := r.pool.Alloc()
	m.Append(n)
	if errno := r.l.Output(m, e, ProtoUDP, r.now); errno != 0 {
		r.t.Fatal(errno)
	}
}

// paths are the ways that packets take most of the time.
func hotPaths(r *rig) map[string]func() {
	udp := r.framed(0, r.ifaces[0].MAC, udpPacket(peer0, own0, pattern(18)))
	full := r.framed(0, r.ifaces[0].MAC, udpPacket(peer0, own0, pattern(1472)))
	ping := r.framed(0, r.ifaces[0].MAC, pingPacket(peer0, own0, pattern(56)))
	loop := r.framed(2, [6]byte{}, udpPacket(loopback4, loopback4, pattern(18)))
	var frags [][]byte
	for _, f := range cutUp(udpPacket(peer0, own0, pattern(2900), ident(4)), 1480) {
		frags = append(frags, r.framed(0, r.ifaces[0].MAC, f))
	}
	out := &Endpoint{Remote: peer0}
	df := &Endpoint{Remote: peer0, DontFrag: true}
	var two [2]Endpoint
	two[0].Remote, two[1].Remote = peer0, addr("10.0.0.3")
	one := &Endpoint{}
	n := 0
	r.learn(0, two[1].Remote)
	for i := range r.ifaces {
		r.ifaces[i].Tx = pmd.NewTxBuffer(&sink{r.pool}, r.pool, &r.stat)
	}
	return map[string]func(){
		"input":      func() { r.again(udp) },
		"input1500":  func() { r.again(full) },
		"inputLoop":  func() { r.again(loop) },
		"echo":       func() { r.again(ping) },
		"output":     func() { r.output(out, 26) },
		"outputDF":   func() { r.output(df, 26) },
		"fragments":  func() { r.output(out, 2000) },
		"reassembly": func() { r.again(frags[0]); r.again(frags[1]) },
		"alternate": func() { // an unconnected socket's two peers
			*one = Endpoint{Remote: two[n&1].Remote}
			n++
			r.output(one, 26)
		},
	}
}

func TestNoAllocations(t *testing.T) {
	r := fast(t)
	for name, f := range hotPaths(r) {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if r.udp.n == 0 || r.stat.Events[perf.EvICMPEchoAnswered] == 0 || r.stat.Events[perf.EvIPReassembled] == 0 {
		t.Error("the paths were not taken")
	}
}

func TestNoAllocationsForErrors(t *testing.T) {
	r := fast(t)
	r.l.protos[ProtoUDP] = refuser{r.l}
	b := r.framed(0, r.ifaces[0].MAC, udpPacket(peer0, own0, pattern(18)))
	too := r.framed(0, r.ifaces[0].MAC, icmpError(3, 4, 1300, udpPacket(own0, far, pattern(1472), func(*layers.IPv4) {})[:28]))
	for name, f := range map[string]func(){
		"unreachable": func() { r.now += perf.Second; r.again(b) },
		"frag needed": func() { r.again(too) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkIP(b *testing.B) {
	r := fast(b)
	paths := hotPaths(r)
	for _, name := range []string{"input", "input1500", "echo", "output", "outputDF", "alternate", "fragments", "reassembly"} {
		f := paths[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.now += 10 * perf.Microsecond
				f()
			}
		})
	}
}

func BenchmarkResolveFresh(b *testing.B) {
	r := fast(b)
	e := &Endpoint{Remote: peer0}
	for b.Loop() {
		r.l.Resolve(e)
	}
}

func BenchmarkResolveStale(b *testing.B) {
	r := fast(b)
	e := &Endpoint{Remote: far}
	for b.Loop() {
		e.Dst.gen = 0
		r.l.Resolve(e)
	}
}

func BenchmarkResolveNew(b *testing.B) {
	r := fast(b)
	e := &Endpoint{Remote: far}
	for b.Loop() {
		r.l.stale()
		r.l.Resolve(e)
	}
}

// BenchmarkFragmentFlood is the cost of a half datagram when the table is full.
func BenchmarkFragmentFlood(b *testing.B) {
	r := fast(b)
	f := r.framed(0, r.ifaces[0].MAC, fragmentOf(1, 0, true, pattern(8)))
	h := Header4(f[eth.HdrLen:][:20])
	for i := 0; b.Loop(); i++ {
		be.PutUint16(h[4:], uint16(i))
		be.PutUint16(h[12:], uint16(198<<8|i>>8&0x7f))
		h.setChecksum()
		r.again(f)
	}
}
