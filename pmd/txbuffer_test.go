package pmd

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// fakeQueue takes so many frames and then refuses.
type fakeQueue struct {
	pool   *mbuf.Pool
	room   int
	bursts []int
	frames int
	bytes  int
	order  []uint32
}

func (q *fakeQueue) FD() int                    { return -1 }
func (q *fakeQueue) RxBurst(b []*mbuf.Mbuf) int { return 0 }
func (q *fakeQueue) TxBurst(b []*mbuf.Mbuf) int {
	n := min(len(b), q.room)
	q.room -= n
	if q.order != nil {
		q.bursts = append(q.bursts, len(b))
	}
	for _, m := range b[:n] {
		q.frames++
		q.bytes += int(m.PktLen)
		if q.order != nil {
			q.order = append(q.order, m.RSS)
		}
		m.PktLen = 9999 // somebody else's from here on
		q.pool.Free(m)
	}
	return n
}

type bench struct {
	*testing.T
	pool *mbuf.Pool
	q    *fakeQueue
	st   perf.Stat
	tx   *TxBuffer
	next uint32
}

func newBench(t *testing.T) *bench {
	pool, err := mbuf.NewPool(mbuf.Config{Name: "tx", Count: 1024})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, pool: pool, q: &fakeQueue{pool: pool, order: []uint32{}}}
	b.tx = NewTxBuffer(b.q, pool, &b.st)
	t.Cleanup(func() {
		b.tx.Close()
		if n := pool.InUse(); n != 0 {
			t.Errorf("%d buffers lost", n)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) add(n int) {
	for range n {
		m := b.pool.Alloc()
		m.Append(60 + int(b.next%7))
		m.RSS = b.next
		b.next++
		b.tx.Add(m)
	}
}

func TestTxBufferBursts(t *testing.T) {
	b := newBench(t)
	b.q.room = 1000
	b.add(31)
	if len(b.q.bursts) != 0 || b.tx.Pending() != 31 {
		t.Fatalf("left early: %v, %d pending", b.q.bursts, b.tx.Pending())
	}
	b.add(1)
	if len(b.q.bursts) != 1 || b.tx.Pending() != 0 {
		t.Fatalf("the 32nd frame: %v, %d pending", b.q.bursts, b.tx.Pending())
	}
	b.add(5)
	b.tx.Flush()
	b.tx.Flush()
	if len(b.q.bursts) != 2 || b.q.bursts[1] != 5 {
		t.Fatalf("Flush: %v", b.q.bursts)
	}
	if b.st.TxFrames != 37 || b.st.TxBytes != uint64(b.q.bytes) {
		t.Errorf("counted %d frames, %d bytes; went %d, %d", b.st.TxFrames, b.st.TxBytes, b.q.frames, b.q.bytes)
	}
}

func TestTxBufferRefused(t *testing.T) {
	b := newBench(t)
	b.q.room = 10
	b.add(100)
	if b.q.frames != 10 || b.tx.Pending() != 90 || b.st.TxFrames != 10 {
		t.Fatalf("went %d, pending %d, counted %d", b.q.frames, b.tx.Pending(), b.st.TxFrames)
	}
	b.add(300)
	if b.tx.Pending() != 256 {
		t.Errorf("%d wait, want 256", b.tx.Pending())
	}
	if lost := b.st.Lost[perf.LostTxFull]; lost != 400-10-256 {
		t.Errorf("%d lost, want %d", lost, 400-10-256)
	}
	b.q.room = 20
	b.tx.Flush()
	if b.tx.Pending() != 236 {
		t.Errorf("%d wait after 20 went", b.tx.Pending())
	}
	b.q.room = 1000
	b.tx.Flush()
	if b.tx.Pending() != 0 || b.st.TxFrames != 266 || b.st.TxBytes != uint64(b.q.bytes) {
		t.Errorf("pending %d, counted %d frames %d bytes (%d)", b.tx.Pending(), b.st.TxFrames, b.st.TxBytes, b.q.bytes)
	}
	for i, serial := range b.q.order {
		if serial != uint32(i) {
			t.Fatalf("frame %d was sent as number %d", serial, i)
		}
	}
}

func TestTxBufferClose(t *testing.T) {
	b := newBench(t)
	b.add(7)
	b.tx.Close()
	if b.tx.Pending() != 0 || b.pool.InUse() != 0 || b.st.Lost[perf.LostTxFull] != 7 {
		t.Errorf("pending %d, in use %d, lost %d", b.tx.Pending(), b.pool.InUse(), b.st.Lost[perf.LostTxFull])
	}
}

func TestTxBufferAllocs(t *testing.T) {
	b := newBench(t)
	b.q.order = nil
	n := testing.AllocsPerRun(1000, func() {
		b.q.room = 30
		b.add(40)
		b.tx.Flush()
		b.q.room = 20
		b.tx.Flush()
	})
	if n != 0 {
		t.Errorf("%v allocations per turn", n)
	}
}

func BenchmarkTxBuffer(b *testing.B) {
	pool, err := mbuf.NewPool(mbuf.Config{Name: "tx", Count: 256})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	var st perf.Stat
	tx := NewTxBuffer(&fakeQueue{pool: pool, room: 1 << 62}, pool, &st)
	for i := 0; i < b.N; i++ {
		m := pool.Alloc()
		m.PktLen = 64
		tx.Add(m)
	}
	tx.Flush()
}

// A tap sees each frame once, before it is offered, also when the queue refuses it; and
// none of those that came before the tap.
func TestTxBufferTap(t *testing.T) {
	b := newBench(t)
	b.add(3)
	var seen []uint32
	b.tx.SetTap(func(f []*mbuf.Mbuf) {
		for _, m := range f {
			seen = append(seen, m.RSS)
		}
	})
	for _, room := range []int{0, 2, 5, 0, 40, 1000} {
		b.q.room = room
		b.add(11)
		b.tx.Flush()
		b.tx.Flush()
	}
	if len(seen) != 66 {
		t.Errorf("%d frames seen", len(seen))
	}
	for i, n := range seen {
		if n != uint32(i+3) {
			t.Fatalf("frame %d is number %d", i, n)
		}
	}
	b.tx.SetTap(nil)
	b.add(5)
	b.tx.Flush()
	if len(seen) != 66 {
		t.Error("seen after the tap was taken off")
	}
}
