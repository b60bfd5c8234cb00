package lcore

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// fakePort is a port whose other side is the test.
type fakePort struct {
	info   pmd.Info
	queues []*fakeQueue
	mute   bool // its queues cannot wake anybody
}

func newPort(queues int, off pmd.Offload) *fakePort {
	p := &fakePort{info: pmd.Info{Queues: queues, MTU: 1500, Offloads: off}}
	for range queues {
		p.queues = append(p.queues, &fakeQueue{fd: -1, room: 1 << 30})
	}
	return p
}

func (p *fakePort) Info() pmd.Info           { return p.info }
func (p *fakePort) Start([]*mbuf.Pool) error { return nil }
func (p *fakePort) LinkUp() bool             { return true }
func (p *fakePort) Stats() pmd.Stats         { return pmd.Stats{} }
func (p *fakePort) Close() error             { return nil }
func (p *fakePort) Queue(i int) pmd.Queue {
	if p.mute {
		return struct{ pmd.Queue }{p.queues[i]} // hides Notify
	}
	return p.queues[i]
}

// fakeQueue receives what the test puts in and keeps what is sent.
type fakeQueue struct {
	mu   sync.Mutex
	rx   []*mbuf.Mbuf
	tx   []*mbuf.Mbuf
	room int // frames it still takes
	fd   int
	wake func()
}

func (q *fakeQueue) FD() int            { return q.fd }
func (q *fakeQueue) Notify(wake func()) { q.wake = wake }

func (q *fakeQueue) RxBurst(b []*mbuf.Mbuf) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := copy(b, q.rx)
	q.rx = append(q.rx[:0], q.rx[n:]...)
	return n
}

func (q *fakeQueue) TxBurst(b []*mbuf.Mbuf) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(b), q.room)
	q.tx = append(q.tx, b[:n]...)
	q.room -= n
	return n
}

// put lets frames arrive.
func (q *fakeQueue) put(b ...*mbuf.Mbuf) {
	q.mu.Lock()
	q.rx = append(q.rx, b...)
	wake := q.wake
	q.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// sent takes away what was sent.
func (q *fakeQueue) sent() []*mbuf.Mbuf {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.tx
	q.tx = nil
	return b
}

// fakeStack keeps what it gets. Its hooks run on the core.
type fakeStack struct {
	core    *Core
	tx      *pmd.TxBuffer
	got     []*mbuf.Mbuf
	input   func(m *mbuf.Mbuf) // takes; nil: got keeps it
	log     func(call string)
	tasks   func() int
	jobs    atomic.Int64 // requests to serve, added by the test
	served  atomic.Int64 // written by the core
	frames  atomic.Int64 // frames seen, written by the core
	due     perf.Tick    // next timer, 0: none
	fired   atomic.Int64 // written by the core
	readies int          // Wake's next answer
	kept    int          // how often house was kept
	closed  int
}

func (s *fakeStack) say(call string) {
	if s.log != nil {
		s.log(call)
	}
}

func (s *fakeStack) Input(b []*mbuf.Mbuf, now perf.Tick) {
	s.say("input")
	for _, m := range b {
		s.core.Stat().Count(perf.Delivered)
		if s.input != nil {
			s.input(m)
		} else {
			s.got = append(s.got, m)
		}
	}
	s.frames.Add(int64(len(b)))
}

func (s *fakeStack) Tasks(perf.Tick) int {
	if s.tasks == nil {
		return 0
	}
	s.say("tasks")
	return s.tasks()
}

func (s *fakeStack) Serve(now perf.Tick) int {
	n := s.requests() + s.timers(now)
	s.say("output")
	return n
}

func (s *fakeStack) requests() int {
	s.say("requests")
	if s.jobs.Load() == 0 {
		return 0
	}
	n := s.jobs.Swap(0)
	s.served.Add(n)
	return int(n)
}

func (s *fakeStack) timers(now perf.Tick) int {
	s.say("timers")
	if s.due == 0 || now < s.due {
		return 0
	}
	s.due = 0
	s.fired.Add(1)
	return 1
}

func (s *fakeStack) Wake() int {
	s.say("wake")
	n := s.readies
	s.readies = 0
	return n
}

func (s *fakeStack) Housekeep(perf.Tick) { s.kept++ }

func (s *fakeStack) Next(perf.Tick) (perf.Tick, bool) { return s.due, s.due != 0 }

func (s *fakeStack) Close(perf.Tick) {
	s.closed++
	for _, m := range s.got {
		s.core.Pool().Free(m)
	}
	s.got = nil
}

// rig is a group of cores with fake stacks on one fake port, and a pool of the
// test's own from which frames arrive.
type rig struct {
	t      testing.TB
	g      *Group
	port   *fakePort
	stacks []*fakeStack
	gen    *mbuf.Pool
	pools  []*mbuf.Pool
}

func newRig(t testing.TB, cores int, mode Mode, idle Idle, port *fakePort) *rig {
	t.Helper()
	return newRigOn(t, cores, mode, idle, port, port)
}

// newRigOn is newRig with something around the port.
func newRigOn(t testing.TB, cores int, mode Mode, idle Idle, port *fakePort, around pmd.Port) *rig {
	t.Helper()
	g, err := NewGroup(cores, mode, idle)
	if err != nil {
		t.Fatal(err)
	}
	g.maxNap = 10 * perf.Minute // a lost wake-up shall be seen
	r := &rig{t: t, g: g, port: port, gen: newPool(t, "gen", 4096)}
	for i := range cores {
		c := g.Core(i)
		p := newPool(t, "core", 1024)
		r.pools = append(r.pools, p)
		c.SetPool(p)
		s := &fakeStack{core: c}
		s.tx = c.AddPort(7, around)
		c.SetStack(s)
		r.stacks = append(r.stacks, s)
	}
	return r
}

func newPool(t testing.TB, name string, n int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: name, Count: n})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// close stops the group and proves that every buffer is back.
func (r *rig) close() {
	r.t.Helper()
	if err := r.g.Stop(); err != nil {
		r.t.Error(err)
	}
	for _, q := range r.port.queues {
		for _, m := range append(q.sent(), q.rx...) {
			mbuf.FreeAnywhere(m)
		}
		q.rx = nil
	}
	for i, c := range r.g.cores {
		if !c.stat.Balanced() {
			r.t.Errorf("core %d: %d frames received, %d delivered, %d dropped", i, c.stat.RxFrames, c.stat.Delivered, c.stat.Dropped())
		}
	}
	for _, p := range append(r.pools, r.gen) {
		p.Housekeep()
	}
	for _, p := range append(r.pools, r.gen) {
		if err := p.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// frame returns a frame of the test's pool that holds b.
func (r *rig) frame(b []byte) *mbuf.Mbuf {
	r.t.Helper()
	m := r.gen.Alloc()
	if m == nil {
		r.t.Fatal("the test's pool is empty")
	}
	copy(m.Append(len(b)), b)
	return m
}

// eventually waits for ok. The bound is only there to end a broken test.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("waited in vain: %s\n%s", what, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(100 * time.Microsecond)
	}
}

var (
	macA = []byte{2, 0, 0, 0, 0, 1}
	macB = []byte{2, 0, 0, 0, 0, 2}
)

// encode serialises layers; gopacket is the independent judge of formats.
func encode(t testing.TB, l ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, l...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ether(t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: t}
}

func ip4(src, dst [4]byte, proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: src[:], DstIP: dst[:]}
}

// udp4 is a UDP datagram from 10.0.0.1:sport to 10.0.0.2:dport with a number.
func udp4(t testing.TB, sport, dport uint16, number uint32) []byte {
	t.Helper()
	return encode(t, ether(layers.EthernetTypeIPv4), ip4(hostA, hostB, layers.IPProtocolUDP),
		&layers.UDP{SrcPort: layers.UDPPort(sport), DstPort: layers.UDPPort(dport)},
		gopacket.Payload(binary.BigEndian.AppendUint32(nil, number)))
}

var hostA, hostB = [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}

// flowOf returns the port and the number that udp4 wrote.
func flowOf(m *mbuf.Mbuf) (sport uint16, number uint32) {
	b := m.Bytes()
	return binary.BigEndian.Uint16(b[34:]), binary.BigEndian.Uint32(b[42:])
}

// arp is a broadcast ARP request.
func arp(t testing.TB) []byte {
	t.Helper()
	e := ether(layers.EthernetTypeARP)
	e.DstMAC = []byte{255, 255, 255, 255, 255, 255}
	return encode(t, e, &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4,
		HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
		SourceHwAddress: macA, SourceProtAddress: hostA[:], DstHwAddress: make([]byte, 6), DstProtAddress: hostB[:]})
}

// flowOn returns a source port whose flow core i owns.
func (r *rig) flowOn(i int) uint16 {
	for p := uint16(1000); ; p++ {
		if r.g.Owner(Hash4(mapped(hostA), mapped(hostB), p, 80)) == i {
			return p
		}
	}
}
