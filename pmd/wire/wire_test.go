package wire

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

func TestContract(t *testing.T) {
	for name, c := range map[string]Config{
		"plain":    {Name: "t"},
		"offloads": {Name: "t", Offloads: Has},
		"short":    {Name: "t", Depth: 64},
		"jumbo":    {Name: "t", MTU: 9000, Offloads: pmd.MultiSeg},
	} {
		t.Run(name, func(t *testing.T) {
			pmdtest.TestPort(t, func() (a, b pmd.Port) {
				p, q, err := Pair(c, c)
				if err != nil {
					t.Fatal(err)
				}
				return p, q
			})
		})
	}
}

// pair is two started sides and their pools.
type pair struct {
	a, b   *Port
	pa, pb *mbuf.Pool
}

func newPair(t testing.TB, a, b Config) *pair {
	t.Helper()
	var p pair
	var err error
	if p.a, p.b, err = Pair(a, b); err != nil {
		t.Fatal(err)
	}
	p.pa, p.pb = newPool(t), newPool(t)
	for _, s := range []struct {
		port *Port
		pool *mbuf.Pool
	}{{p.a, p.pa}, {p.b, p.pb}} {
		if err := s.port.Start([]*mbuf.Pool{s.pool}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			s.port.Close()
			if err := s.pool.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return &p
}

func newPool(t testing.TB) *mbuf.Pool {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.Config{Name: "wire", Count: 1024})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// pass sends a frame of n bytes with the flags, from a to b, and returns what b
// gets: nil if nothing. The caller frees it with pb.
func (p *pair) pass(t *testing.T, n int, flags uint64, segment int) *mbuf.Mbuf {
	t.Helper()
	m := p.pa.Alloc()
	for left := n; ; {
		s := m
		if left != n {
			s = p.pa.Alloc()
		}
		k := min(left, s.Tailroom())
		s.Append(k)
		if s != m {
			m.Chain(s)
		}
		if left -= k; left == 0 {
			break
		}
	}
	m.OlFlags = flags
	m.VlanTCI = 77
	m.SetTx(14, 20, 32, segment)
	if p.a.Queue(0).TxBurst([]*mbuf.Mbuf{m}) != 1 {
		t.Fatal("not taken")
	}
	var b [4]*mbuf.Mbuf
	switch p.b.Queue(0).RxBurst(b[:]) {
	case 0:
		return nil
	case 1:
		return b[0]
	}
	t.Fatal("several frames out of one")
	return nil
}

func TestFlags(t *testing.T) {
	all := Config{Offloads: Has}
	tcp := uint64(mbuf.TxIPv4 | mbuf.TxIPChecksum | mbuf.TxTCPChecksum)
	for _, c := range []struct {
		name    string
		a, b    Config
		n       int
		flags   uint64
		segment int
		want    uint64
		lost    bool
	}{
		{"nothing asked", all, all, 100, 0, 0, 0, false},
		{"receive flags mean nothing to a sender", all, all, 100, mbuf.RxL4ChecksumGood | mbuf.RxLRO, 0, 0, false},
		{"tcp", all, all, 100, tcp, 0, mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood, false},
		{"udp", all, all, 100, mbuf.TxUDPChecksum, 0, mbuf.RxL4ChecksumGood, false},
		{"ip only", all, all, 100, mbuf.TxIPChecksum, 0, mbuf.RxIPChecksumGood, false},
		{"sender may not", Config{}, all, 100, tcp, 0, 0, false},
		{"receiver can not", all, Config{}, 100, tcp, 0, 0, false},
		{"tag", all, all, 100, mbuf.TxVLAN, 0, mbuf.RxVLAN | mbuf.RxVLANStripped, false},
		{"tso", all, all, 65535, tcp | mbuf.TxTCPSeg, 1400,
			mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood | mbuf.RxLRO, false},
		{"uso", all, all, 30000, mbuf.TxUDPChecksum | mbuf.TxUDPSeg, 1400, mbuf.RxL4ChecksumGood | mbuf.RxLRO, false},
		{"longest", all, all, pmd.MaxFrame, tcp | mbuf.TxTCPSeg, 1400,
			mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood | mbuf.RxLRO, false},
		{"beyond the longest", all, all, pmd.MaxFrame + 1, tcp | mbuf.TxTCPSeg, 1400, 0, true},
		{"without a segment size", all, all, 5000, tcp | mbuf.TxTCPSeg, 0, 0, true},
		{"segments too long", all, all, 5000, tcp | mbuf.TxTCPSeg, 1600, 0, true},
		{"tso not offered", Config{Offloads: Has &^ pmd.TSO}, all, 5000, tcp | mbuf.TxTCPSeg, 1400, 0, true},
		{"tso without lro", all, Config{Offloads: Has &^ pmd.LRO}, 5000, tcp | mbuf.TxTCPSeg, 1400, 0, true},
		{"longer than the receiver's MTU", Config{MTU: 9000}, Config{}, 5000, 0, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, c.a, c.b)
			m := p.pass(t, c.n, c.flags, c.segment)
			sa, sb := p.a.Stats(), p.b.Stats()
			if c.lost {
				if m != nil || sa.OErrors+sb.IErrors != 1 {
					t.Fatalf("%v came; sender %+v, receiver %+v", m, sa, sb)
				}
				return
			}
			if m == nil {
				t.Fatalf("lost: sender %+v, receiver %+v", sa, sb)
			}
			defer p.pb.Free(m)
			if int(m.PktLen) != c.n || m.OlFlags != c.want {
				t.Errorf("%d bytes, flags %#x; want %d, %#x", m.PktLen, m.OlFlags, c.n, c.want)
			}
			if c.want&mbuf.RxLRO != 0 && (m.SegSize() != c.segment || m.L2Len() != 14 || m.L3Len() != 20 || m.L4Len() != 32) {
				t.Errorf("segments %d, headers %d %d %d", m.SegSize(), m.L2Len(), m.L3Len(), m.L4Len())
			}
			if c.want&mbuf.RxVLAN != 0 && m.VlanTCI != 77 {
				t.Errorf("tag %d", m.VlanTCI)
			}
		})
	}
}

// TestSenderKeepsNothing: the buffers come back when the sender polls in vain, twice in a
// row, or sends and there are some, and not before the receiver has copied them.
func TestSenderKeepsNothing(t *testing.T) {
	p := newPair(t, Config{}, Config{})
	var b [8]*mbuf.Mbuf
	q, r := p.a.Queue(0), p.b.Queue(0)
	for range 8 {
		m := p.pa.Alloc()
		m.Append(64)
		q.TxBurst([]*mbuf.Mbuf{m})
	}
	q.RxBurst(b[:])
	if n := p.pa.InUse(); n != 8 {
		t.Errorf("%d lent, want 8", n)
	}
	n := r.RxBurst(b[:5])
	p.pb.FreeBulk(b[:n])
	q.RxBurst(b[:])
	q.RxBurst(b[:])
	if n := p.pa.InUse(); n != 3 {
		t.Errorf("%d lent, want 3", n)
	}
	n = r.RxBurst(b[:])
	p.pb.FreeBulk(b[:n])
	q.RxBurst(b[:])
	if n := p.pa.InUse(); n != 0 {
		t.Errorf("%d lent, want 0", n)
	}
	for range reclaimAt {
		m := p.pa.Alloc()
		m.Append(64)
		q.TxBurst([]*mbuf.Mbuf{m})
	}
	n = r.RxBurst(b[:])
	p.pb.FreeBulk(b[:n])
	q.TxBurst(nil)
	if n := p.pa.InUse(); n != 0 {
		t.Errorf("%d lent, want 0", n)
	}
}

func TestBeforeStart(t *testing.T) {
	a, b, err := Pair(Config{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t)
	m := pool.Alloc()
	m.Append(60)
	buf := []*mbuf.Mbuf{m}
	if a.Queue(0).TxBurst(buf) != 0 || a.Queue(0).RxBurst(buf[:]) != 0 || a.LinkUp() {
		t.Error("a port works before Start")
	}
	if err := a.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	if a.LinkUp() {
		t.Error("up before the other end is")
	}
	if a.Queue(0).TxBurst(buf) != 1 {
		t.Error("the ring takes frames for an end that is not started yet")
	}
	if err := b.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	if !a.LinkUp() || !b.LinkUp() {
		t.Error("down with both ends started")
	}
	var in [4]*mbuf.Mbuf
	if n := b.Queue(0).RxBurst(in[:]); n != 1 {
		t.Errorf("%d frames", n)
	}
	pool.Free(in[0])
	b.Close()
	a.Close()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

func TestQueues(t *testing.T) {
	a, b, err := Pair(Config{Queues: 3}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t)
	for _, p := range []*Port{a, b} {
		if p.Info().Queues != 3 {
			t.Errorf("%d queues", p.Info().Queues)
		}
		if err := p.Start([]*mbuf.Pool{pool}); err != nil {
			t.Fatal(err)
		}
	}
	var in [4]*mbuf.Mbuf
	for i := range 3 {
		m := pool.Alloc()
		m.Append(60)
		a.Queue(i).TxBurst([]*mbuf.Mbuf{m})
		for j := range 3 {
			n := b.Queue(j).RxBurst(in[:])
			if (n == 1) != (i == j) {
				t.Errorf("sent on %d, %d frames on %d", i, n, j)
			}
			pool.FreeBulk(in[:n])
		}
		for range 2 { // finds nothing, and shows the counters
			b.Queue(i).RxBurst(in[:])
		}
	}
	if s := b.Stats(); s.IPackets != 3 || s.IBytes != 180 {
		t.Errorf("%+v", s)
	}
	a.Close()
	b.Close()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []Config{
		{MTU: 60}, {MTU: 70000}, {Queues: -1}, {Queues: 300}, {Depth: -1}, {Depth: 1 << 20}, {MAC: [6]byte{1}},
	} {
		if _, _, err := Pair(c, Config{}); err == nil {
			t.Errorf("%+v passes", c)
		}
	}
	if _, _, err := Pair(Config{Queues: 2}, Config{Queues: 3}); err == nil {
		t.Error("2 queues against 3")
	}
	a, b, err := Pair(Config{Name: "x", Depth: 100}, Config{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.queues[0].tx.slots) != 128 || len(b.queues[0].tx.slots) != 512 {
		t.Error("depth")
	}
	if a.Info().MAC == b.Info().MAC || a.Info().MAC[0] != 2 {
		t.Errorf("MACs %x %x", a.Info().MAC, b.Info().MAC)
	}
}
