package inet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
	"dataplane/tcp"
)

// A joiner is a stack without threads that a test feeds with bursts, and that
// keeps what it sends.
type joiner struct {
	t     testing.TB
	st    *Stack
	stat  perf.Stat
	pool  *mbuf.Pool
	tx    *pmd.TxBuffer
	now   perf.Tick
	sent  [][]byte
	ls    *tcp.Sock
	flows []*joinFlow
}

// joinFlow is one connection and what its peer knows of it.
type joinFlow struct {
	s    *tcp.Sock
	ack  uint32 // of the stack's bytes
	last tcp.Header
	got  []byte
}

func (j *joiner) RxBurst([]*mbuf.Mbuf) int { return 0 }
func (j *joiner) FD() int                  { return -1 }
func (j *joiner) TxBurst(b []*mbuf.Mbuf) int {
	for _, m := range b {
		f := make([]byte, m.PktLen)
		m.CopyTo(0, f)
		j.sent = append(j.sent, f)
		j.pool.Free(m)
	}
	return len(b)
}

var (
	joinSelf = netip.MustParsePrefix("10.0.0.1/24")
	joinPeer = [4]byte{10, 0, 0, 2}
)

func newJoiner(t testing.TB, cfg StackConfig) *joiner {
	j := &joiner{t: t, now: 1000 * perf.Second}
	var err error
	j.pool, err = mbuf.NewPool(mbuf.Config{Name: "join", Count: 512})
	must(t, err)
	h := NewHost(func(_, _ [16]byte, _, _ uint16) int { return 0 })
	routes, err := ip.NewRoutes([]ip.RouteIface{{Name: "x", MTU: 1500, Prefixes: []ip.Prefix{ip.FromPrefix(joinSelf)}}})
	must(t, err)
	h.Routes.Store(routes)
	j.tx = pmd.NewTxBuffer(j, j.pool, &j.stat)
	ifc := &eth.Iface{Name: "x", MTU: 1500, NoARP: true, Tx: j.tx}
	cfg.Cores, cfg.Pool, cfg.Stat, cfg.Ifaces, cfg.Host = 1, j.pool, &j.stat, []*eth.Iface{ifc}, h
	cfg.Secret, cfg.Now = [16]byte{1, 2, 3}, j.now
	j.st, err = NewStack(cfg)
	must(t, err)
	j.ls = j.st.TCP.NewSock()
	name := sock.NameFrom(netip.AddrPortFrom(joinSelf.Addr(), 80))
	j.st.TCP.Bind(&j.ls.Sock, name)
	j.st.TCP.Listen(&j.ls.Sock, 16)
	return j
}

// close gives everything back; the books must balance.
func (j *joiner) close() {
	if !j.stat.Balanced() {
		j.t.Errorf("received %d, delivered %d, dropped %d", j.stat.RxFrames, j.stat.Delivered, j.stat.Dropped())
	}
	j.st.Close(j.now)
	j.tx.Flush()
	must(j.t, j.pool.Close())
}

// burst is one turn.
func (j *joiner) burst(frames [][]byte) {
	j.sent = j.sent[:0]
	var b []*mbuf.Mbuf
	for _, f := range frames {
		m := j.pool.Alloc()
		copy(m.Append(len(f)), f)
		b = append(b, m)
		j.stat.RxFrames++
	}
	j.st.Input(b, j.now)
	j.st.Serve(j.now)
	j.tx.Flush()
	for _, f := range j.sent {
		h, ok := tcp.ParseHeader(f[34:])
		if !ok {
			j.t.Fatalf("sent %x", f)
		}
		if i := int(h.DstPort()) - 1000; i < len(j.flows) {
			j.flows[i].last = h
		}
	}
	j.now += perf.Millisecond
}

// seg is a segment that a test makes.
type seg struct {
	flow     int
	seq, ack uint32
	flags    uint8
	ts, wnd  int // ts 0: no options
	opts     []byte
	data     []byte
	tos, ttl uint8
	bad      bool
}

func (s *seg) frame() []byte {
	hl := 20 + len(s.opts)
	if s.ts != 0 {
		hl += 12
	}
	f := make([]byte, 34+hl+len(s.data))
	f[12], f[13] = 8, 0
	h := f[14:34]
	h[0], h[1], h[6], h[8], h[9] = 0x45, s.tos, 0x40, 64-s.ttl, 6
	be := binary.BigEndian
	be.PutUint16(h[2:], uint16(20+hl+len(s.data)))
	copy(h[12:], joinPeer[:])
	a := joinSelf.Addr().As4()
	copy(h[16:], a[:])
	be.PutUint16(h[10:], ^ip.Checksum(h, 0))
	tcp.PutHeader(f[34:], uint16(1000+s.flow), 80, s.seq, s.ack, hl, s.flags, uint16(s.wnd))
	if s.ts != 0 {
		be.PutUint32(f[54:], 0x0101080a)
		be.PutUint32(f[58:], uint32(s.ts))
	}
	copy(f[34+hl-len(s.opts):], s.opts)
	copy(f[34+hl:], s.data)
	be.PutUint16(f[50:], ^ip.Checksum(f[26:], uint32(6+hl+len(s.data))))
	if s.bad {
		f[len(f)-1] ^= 0x55
	}
	return f
}

// connect makes n connections; the peer's sequence numbers begin at 1.
func (j *joiner) connect(n, ts int, sack bool) {
	for i := range n {
		opts := []byte{2, 4, 5, 0xb4, 1, 3, 3, 4}
		if sack {
			opts = append(opts, 1, 1, 4, 2)
		}
		j.flows = append(j.flows, &joinFlow{})
		f := j.flows[i]
		j.burst([][]byte{(&seg{flow: i, flags: tcp.SYN, ts: ts, opts: opts, wnd: 60000}).frame()})
		f.ack = f.last.Seq() + 1
		j.burst([][]byte{(&seg{flow: i, seq: 1, ack: f.ack, flags: tcp.ACK, ts: ts, wnd: 60000}).frame()})
		sk, ok := j.ls.AcceptQ.Pop()
		if !ok {
			j.t.Fatal("no connection")
		}
		f.s = sk.Owner.(*tcp.Sock)
	}
}

// read takes what has come, as an application does.
func (f *joinFlow) read() {
	b := make([]byte, f.s.RX.Len())
	f.got = append(f.got, b[:f.s.RX.Read(b)]...)
	f.s.Consumed()
}

// joinBytes is the peer's stream.
var joinBytes = func() []byte {
	b := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}()

// TestJoin: a burst of full segments is one segment to TCP, counted as many.
func TestJoin(t *testing.T) {
	j := newJoiner(t, StackConfig{})
	j.connect(2, 7, true)
	var b [][]byte
	for i := range 20 {
		for flow := range 2 { // by turns
			b = append(b, (&seg{flow: flow, seq: uint32(1 + i*1000), ack: j.flows[flow].ack, flags: tcp.ACK, ts: 8, wnd: 60000, data: joinBytes[i*1000:][:1000]}).frame())
		}
	}
	fast := j.stat.Events[perf.EvTCPFastPath]
	j.burst(b)
	if n := j.stat.Events[perf.EvTCPFastPath] - fast; n != 2 {
		t.Errorf("%d segments for TCP, want 2", n)
	}
	for i, f := range j.flows {
		f.read()
		if !bytes.Equal(f.got, joinBytes[:20000]) {
			t.Errorf("flow %d: %d bytes, or wrong ones", i, len(f.got))
		}
		if f.last.Ack() != 20001 {
			t.Errorf("flow %d: acknowledged %d", i, f.last.Ack())
		}
	}
	if len(j.sent) != 2 {
		t.Errorf("%d acknowledgements", len(j.sent))
	}
	j.close()
}

// TestJoinDuplicates: RFC 5681 4.2: a peer without SACK counts a duplicate for each
// segment that arrived behind a hole.
func TestJoinDuplicates(t *testing.T) {
	j := newJoiner(t, StackConfig{})
	j.connect(1, 0, false)
	var b [][]byte
	for i := 1; i < 6; i++ {
		b = append(b, (&seg{seq: uint32(1 + i*1000), ack: j.flows[0].ack, flags: tcp.ACK, wnd: 60000, data: joinBytes[i*1000:][:1000]}).frame())
	}
	j.burst(b)
	if len(j.sent) != 5 {
		t.Errorf("%d duplicates for 5 segments", len(j.sent))
	}
	j.close()
}
