package fault

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/pmdtest"
	"dataplane/pmd/wire"
)

// TestContract: with rules that lose nothing, a spoiled port is a port.
func TestContract(t *testing.T) {
	// So fast a rate and so short a jitter keep no frame beyond the next poll.
	quick := Impair{Rate: 1e12, Jitter: 100, Queue: 1 << 14}
	for name, c := range map[string]Config{
		"idle":   {},
		"rx":     {Rx: quick},
		"tx":     {Tx: quick},
		"both":   {Rx: quick, Tx: quick},
		"delay":  {Rx: Impair{Delay: 20 * perf.Microsecond}},
		"chance": {Rx: Impair{Lose: 1e-18}, Tx: Impair{Corrupt: 1e-18}},
	} {
		t.Run(name, func(t *testing.T) {
			pmdtest.TestPort(t, func() (a, b pmd.Port) {
				p, q, err := wire.Pair(wire.Config{Offloads: wire.Has, Depth: 256}, wire.Config{Offloads: wire.Has, Depth: 256})
				if err != nil {
					t.Fatal(err)
				}
				return Wrap(p, c), Wrap(q, c)
			})
		})
	}
}

// lab is a spoiled port A opposite a plain one B, in virtual time.
type lab struct {
	*testing.T
	now    perf.Tick
	a      *Port
	b      *wire.Port
	pa, pb *mbuf.Pool
	serial uint16
}

func newLab(t *testing.T, c Config) *lab {
	t.Helper()
	l := &lab{T: t, now: perf.Second}
	p, q, err := wire.Pair(wire.Config{Depth: 1024}, wire.Config{Depth: 1024})
	if err != nil {
		t.Fatal(err)
	}
	c.Now = func() perf.Tick { return l.now }
	l.a, l.b = Wrap(p, c), q
	l.pa, l.pb = newPool(t), newPool(t)
	if err := l.a.Start([]*mbuf.Pool{l.pa}); err != nil {
		t.Fatal(err)
	}
	if err := l.b.Start([]*mbuf.Pool{l.pb}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.a.Close()
		l.b.Close()
		for _, p := range []*mbuf.Pool{l.pa, l.pb} {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

func newPool(t *testing.T) *mbuf.Pool {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.Config{Name: "fault", Count: 2048})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// frame returns an IPv4-looking frame of n bytes with a serial number at its end.
func (l *lab) frame(pool *mbuf.Pool, n int) *mbuf.Mbuf {
	m := pool.Alloc()
	if m == nil {
		l.Fatal("pool is empty")
	}
	b := m.Append(n)
	clear(b)
	b[12], b[13] = 0x08, 0x00
	b[n-2], b[n-1] = byte(l.serial>>8), byte(l.serial)
	l.serial++
	return m
}

// out sends n frames of 100 bytes from the spoiled port, in is the same towards it.
func (l *lab) out(n int) { l.send(l.a.Queue(0), l.pa, n, 100) }
func (l *lab) in(n int)  { l.send(l.b.Queue(0), l.pb, n, 100) }

func (l *lab) send(q pmd.Queue, pool *mbuf.Pool, n, size int) {
	l.Helper()
	for range n {
		if q.TxBurst([]*mbuf.Mbuf{l.frame(pool, size)}) != 1 {
			l.Fatal("not taken")
		}
	}
}

// got fetches what waits on a side and returns the serial numbers.
func (l *lab) got(q pmd.Queue, pool *mbuf.Pool) (serials []int) {
	var b [32]*mbuf.Mbuf
	for {
		n := q.RxBurst(b[:])
		if n == 0 {
			return serials
		}
		for _, m := range b[:n] {
			serial := -1 // cut off
			if d := m.Bytes(); len(d) >= 2 {
				serial = int(d[len(d)-2])<<8 | int(d[len(d)-1])
			}
			serials = append(serials, serial)
			pool.Free(m)
		}
	}
}

// atB moves the spoiled side's delayed frames and returns what B gets; atA what the
// spoiled side gets.
func (l *lab) atB() []int { l.a.Queue(0).TxBurst(nil); return l.got(l.b.Queue(0), l.pb) }
func (l *lab) atA() []int { return l.got(l.a.Queue(0), l.pa) }

func (l *lab) expect(got []int, want ...int) {
	l.Helper()
	if len(got) != len(want) {
		l.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			l.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestInfo(t *testing.T) {
	p, _, err := wire.Pair(wire.Config{Offloads: wire.Has}, wire.Config{Offloads: wire.Has})
	if err != nil {
		t.Fatal(err)
	}
	in := Wrap(p, Config{}).Info()
	if in.Offloads != pmd.MultiSeg || in.MaxTSO != 0 || in.Driver != "wire" || in.MTU != 1500 {
		t.Errorf("%+v", in)
	}
}

// TestDelay: frames come when due, in order, and Next says when.
func TestDelay(t *testing.T) {
	c := Impair{Delay: 10 * perf.Millisecond}
	l := newLab(t, Config{Rx: c, Tx: c})
	if _, ok := l.a.Next(); ok {
		t.Error("something is due on an idle link")
	}
	start := l.now
	l.out(2)
	l.expect(l.atB())
	l.now += perf.Millisecond
	l.in(1)
	l.expect(l.atA())
	for _, want := range []perf.Tick{start + 10*perf.Millisecond, start + 11*perf.Millisecond} {
		due, ok := l.a.Next()
		if !ok || due != want {
			t.Fatalf("Next = %v, %v, want %v", due-start, ok, want-start)
		}
		l.now = due - 1
		l.expect(append(l.atB(), l.atA()...))
		l.now = due
		if want == start+10*perf.Millisecond {
			l.expect(l.atB(), 0, 1)
			l.expect(l.atA())
		} else {
			l.expect(l.atA(), 2)
		}
	}
	if due, ok := l.a.Next(); ok {
		t.Errorf("%v is still due", due)
	}
}

// TestJitter: never out of order, never early, never later than the most.
func TestJitter(t *testing.T) {
	l := newLab(t, Config{Seed: 5, Tx: Impair{Delay: perf.Millisecond, Jitter: perf.Millisecond}})
	var all []int
	spread := map[perf.Tick]bool{}
	for range 100 {
		l.out(1)
		sent := l.now
		due, _ := l.a.Next()
		spread[due-sent] = true
		if due < sent+perf.Millisecond || due > sent+2*perf.Millisecond {
			t.Fatalf("due after %v", due-sent)
		}
		l.now = due
		all = append(all, l.atB()...)
	}
	for i, s := range all {
		if s != i {
			t.Fatalf("order: %v", all)
		}
	}
	if len(all) != 100 || len(spread) < 90 {
		t.Errorf("%d frames, %d different delays", len(all), len(spread))
	}
}

// TestRate: 100-byte frames count as 124 on the line; at 992 kbit/s one takes 1 ms.
func TestRate(t *testing.T) {
	l := newLab(t, Config{Tx: Impair{Rate: 992_000, Queue: 5}})
	l.out(8)
	for i := range 5 {
		l.now += perf.Millisecond - 1
		l.expect(l.atB())
		l.now++
		l.expect(l.atB(), i)
	}
	l.now += perf.Second
	l.expect(l.atB())
	_, tx := l.a.Counts()
	if tx.Frames != 8 || tx.Overflowed != 3 {
		t.Errorf("%+v", tx)
	}
}

func TestBlackHole(t *testing.T) {
	l := newLab(t, Config{Tx: Impair{MTU: 1000}})
	l.send(l.a.Queue(0), l.pa, 1, 1014)
	l.send(l.a.Queue(0), l.pa, 1, 1015)
	m := l.frame(l.pa, 1018)
	copy(m.Bytes()[12:], []byte{0x81, 0, 0, 5, 0x08, 0})
	l.a.Queue(0).TxBurst([]*mbuf.Mbuf{m})
	l.expect(l.atB(), 0, 2)
	if _, tx := l.a.Counts(); tx.BlackHoled != 1 || tx.Frames != 3 {
		t.Errorf("%+v", tx)
	}
}

// TestClose: what is held goes home, in both directions, and is counted.
func TestClose(t *testing.T) {
	c := Impair{Delay: perf.Second, Reorder: 0.5}
	l := newLab(t, Config{Rx: c, Tx: c})
	l.out(20)
	l.in(30)
	l.expect(append(l.atB(), l.atA()...))
	l.a.Close()
	rx, tx := l.a.Counts()
	if rx.Discarded != 30 || tx.Discarded != 20 {
		t.Errorf("rx %+v, tx %+v", rx, tx)
	}
	if _, ok := l.a.Next(); ok {
		t.Error("something is due after Close")
	}
}
