package loop

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
)

// TestStirred: a queue need be polled from what was sent to the poll that finds nothing.
func TestStirred(t *testing.T) {
	p := New(1)
	pool := newPool(t)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	q := p.queues[0]
	if *q.Stirred() {
		t.Error("a new queue wants to be polled")
	}
	m := pool.Alloc()
	m.Append(60)
	q.TxBurst([]*mbuf.Mbuf{m})
	var b [4]*mbuf.Mbuf
	for _, want := range []int{1, 0} {
		if !*q.Stirred() {
			t.Error("nobody need poll")
		}
		n := q.RxBurst(b[:])
		if n != want {
			t.Errorf("%d frames, expected %d", n, want)
		}
		pool.FreeBulk(b[:n])
	}
	if *q.Stirred() || p.Stats().IPackets != 1 {
		t.Errorf("stirred %v, %+v", *q.Stirred(), p.Stats())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestContract(t *testing.T) {
	pmdtest.TestPort(t, func() (a, b pmd.Port) {
		p := New(1)
		return p, p
	})
}

func newPool(t testing.TB) *mbuf.Pool {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.Config{Name: "loop", Count: 2048})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// TestSameBuffer: what comes back is the buffer that went, with the flags of a
// frame that never left.
func TestSameBuffer(t *testing.T) {
	const good = mbuf.FlagLoop | mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
	p, pool := New(2), newPool(t)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tx, rx uint64 }{
		{0, good},
		{mbuf.RxRSSHash | mbuf.FlagCopy | mbuf.TxIPv4 | mbuf.TxTCPChecksum, good},
		{mbuf.TxTCPSeg | mbuf.TxTCPChecksum, good | mbuf.RxLRO},
		{mbuf.TxUDPSeg, good | mbuf.RxLRO},
		{mbuf.TxVLAN, good | mbuf.RxVLAN | mbuf.RxVLANStripped},
	} {
		m := pool.Alloc()
		m.Append(100)
		m.OlFlags, m.VlanTCI = c.tx, 5
		m.SetTx(14, 20, 20, 1400)
		var b [2]*mbuf.Mbuf
		if p.Queue(1).TxBurst([]*mbuf.Mbuf{m}) != 1 || p.Queue(0).RxBurst(b[:]) != 0 || p.Queue(1).RxBurst(b[:]) != 1 {
			t.Fatal("did not come back on its queue")
		}
		if b[0] != m || m.OlFlags != c.rx || m.SegSize() != 1400 || m.VlanTCI != 5 {
			t.Errorf("flags %#x: got %#x, want %#x", c.tx, m.OlFlags, c.rx)
		}
		pool.Free(m)
	}
	p.Close()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	p, err := pmd.Open("loop", "lo", pmd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if in := p.Info(); !in.Loopback || !in.NoARP || in.MTU != 65535 || in.Device != "lo" || in.Offloads != Has {
		t.Errorf("%+v", in)
	}
	none := pmd.Offload(0)
	p, err = pmd.Open("loop", "lo", pmd.Options{MTU: 9000, Queues: 4, Offloads: &none})
	if err != nil {
		t.Fatal(err)
	}
	if in := p.Info(); in.MTU != 9000 || in.Queues != 4 || in.Offloads != 0 || in.MaxTSO != 0 {
		t.Errorf("%+v", in)
	}
	for _, bad := range []pmd.Options{{MTU: 10}, {MTU: 1 << 17}, {Queues: -1}, {Queues: 1000}} {
		if _, err := pmd.Open("loop", "lo", bad); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

func BenchmarkBurst32(b *testing.B) {
	p, pool := New(1), newPool(b)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		b.Fatal(err)
	}
	var f [32]*mbuf.Mbuf
	pool.AllocBulk(f[:])
	for _, m := range f {
		m.Append(64)
	}
	q := p.Queue(0)
	for i := 0; i < b.N; i += 32 {
		q.TxBurst(f[:])
		q.RxBurst(f[:])
	}
	pool.FreeBulk(f[:])
}
