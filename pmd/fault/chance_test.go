package fault

import (
	"bytes"
	"math/bits"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd/wire"
)

// near fails unless got is within five standard deviations of n tries at a chance.
func near(t *testing.T, what string, got, n uint64, chance float64) {
	t.Helper()
	mean := float64(n) * chance
	if d := float64(got) - mean; d*d > 25*mean*(1-chance) {
		t.Errorf("%s: %d of %d, want about %.0f", what, got, n, mean)
	}
}

// run sends n frames through and returns what came, in order.
func (l *lab) run(n int) (all []int) {
	for range n {
		l.out(1)
		l.now += perf.Microsecond
		all = append(all, l.atB()...)
	}
	l.now += perf.Second
	return append(all, l.atB()...)
}

func TestChances(t *testing.T) {
	const n = 50000
	c := Impair{Lose: 0.02, Duplicate: 0.03, Reorder: 0.05, Corrupt: 0.01, Truncate: 0.01}
	l := newLab(t, Config{Seed: 1, Tx: c})
	all := l.run(n)
	_, tx := l.a.Counts()
	if tx.Frames != n || tx.Overflowed+tx.BlackHoled+tx.Discarded != 0 {
		t.Errorf("%+v", tx)
	}
	near(t, "lost", tx.Lost, n, 0.02)
	left := n - tx.Lost
	near(t, "duplicated", tx.Duplicated, left, 0.03)
	near(t, "reordered", tx.Reordered, left, 0.05)
	near(t, "corrupted", tx.Corrupted, left, 0.01)
	near(t, "truncated", tx.Truncated, left, 0.01)
	if got := uint64(len(all)); got != left+tx.Duplicated {
		t.Errorf("%d frames came, want %d and %d copies", got, left, tx.Duplicated)
	}
}

func TestReorder(t *testing.T) {
	const n, gap = 20000, 4
	l := newLab(t, Config{Seed: 3, Tx: Impair{Reorder: 0.1, Gap: gap, Hold: perf.Millisecond}})
	all := l.run(n)
	if len(all) != n {
		t.Fatalf("%d of %d came", len(all), n)
	}
	late, widest := uint64(0), 0
	for i, s := range all {
		if i >= s+1 { // frames with greater numbers came before
			late++
			widest = max(widest, i-s)
		}
	}
	near(t, "late", late, n, 0.1)
	if widest < gap || widest > 3*gap {
		t.Errorf("overtaken by up to %d frames, want about %d", widest, gap)
	}
	// The last frame of all, with nothing behind it, waits only for Hold.
	l = newLab(t, Config{Tx: Impair{Reorder: 1, Hold: perf.Millisecond}})
	l.out(1)
	l.expect(l.atB())
	due, ok := l.a.Next()
	if !ok || due != l.now+perf.Millisecond {
		t.Fatalf("Next = %v, %v", due-l.now, ok)
	}
	l.now = due
	l.expect(l.atB(), 0)
}

// TestSameFate: a seed decides alone, another seed decides otherwise, and asking for
// more faults leaves the others where they were.
func TestSameFate(t *testing.T) {
	c := Impair{Lose: 0.1, Duplicate: 0.1, Reorder: 0.1, Jitter: 3 * perf.Microsecond}
	one := newLab(t, Config{Seed: 7, Tx: c}).run(2000)
	two := newLab(t, Config{Seed: 7, Tx: c}).run(2000)
	three := newLab(t, Config{Seed: 8, Tx: c}).run(2000)
	if !slices.Equal(one, two) {
		t.Error("one seed, two fates")
	}
	if slices.Equal(one, three) {
		t.Error("two seeds, one fate")
	}
	lostBy := func(c Impair) []int {
		got := newLab(t, Config{Seed: 7, Tx: c}).run(2000)
		var lost []int
		for s := range 2000 {
			if !slices.Contains(got, s) {
				lost = append(lost, s)
			}
		}
		return lost
	}
	if !slices.Equal(lostBy(Impair{Lose: 0.1}), lostBy(c)) {
		t.Error("other faults changed which frames are lost")
	}
	if slices.Equal(lostBy(Impair{Lose: 0.1}), lostBy(Impair{Lose: 0.1, Burst: 4})) {
		t.Error("bursts change nothing")
	}
	// The directions have fates of their own.
	l := newLab(t, Config{Seed: 7, Rx: c, Tx: c})
	l.in(500)
	got := l.atA()
	l.now += perf.Second
	got = append(got, l.atA()...)
	if slices.Equal(got, one[:min(len(got), len(one))]) {
		t.Error("both directions have one fate")
	}
}

func TestBursts(t *testing.T) {
	const n = 50000
	l := newLab(t, Config{Seed: 2, Tx: Impair{Lose: 0.05, Burst: 10}})
	got := l.run(n)
	near10 := float64(n-len(got)) / n
	if near10 < 0.03 || near10 > 0.07 {
		t.Errorf("lost %.3f, want about 0.05", near10)
	}
	runs, last := 0, -1
	for _, s := range got {
		if s > last+1 {
			runs++
		}
		last = s
	}
	if mean := float64(n-len(got)) / float64(runs); mean < 9 || mean > 16 {
		t.Errorf("mean run of losses is %.1f", mean)
	}
}

// TestDamage: corruption inverts one bit, truncation shortens, both end every
// promise about checksums; the frame's copies stay whole; ARP vanishes.
func TestDamage(t *testing.T) {
	l := newLab(t, Config{Seed: 4})
	var p pipe
	p.init(Impair{Corrupt: 1}, newDice(4, 0, 0))
	p.pool = l.pa
	seen := map[int]bool{}
	for i := range uint64(500) {
		m := l.frame(l.pa, 200)
		tail := l.frame(l.pa, 100)
		m.Chain(tail)
		before := make([]byte, 300)
		m.CopyTo(0, before)
		m.OlFlags = mbuf.RxL4ChecksumGood | mbuf.RxIPChecksumGood | mbuf.RxVLAN | mbuf.TxTCPChecksum
		m = p.damage(m, i)
		after := make([]byte, 300)
		m.CopyTo(0, after)
		flips := 0
		for k := range before {
			if d := bits.OnesCount8(before[k] ^ after[k]); d != 0 {
				flips += d
				seen[k] = true
			}
		}
		if flips != 1 || m.OlFlags != mbuf.RxVLAN {
			t.Fatalf("frame %d: %d bits inverted, flags %#x", i, flips, m.OlFlags)
		}
		l.pa.Free(m)
	}
	if len(seen) < 200 {
		t.Errorf("damage hit only %d different bytes", len(seen))
	}
	p.init(Impair{Truncate: 1}, newDice(4, 0, 0))
	for i := range uint64(500) {
		m := p.damage(l.frame(l.pa, 100), i)
		if m.PktLen < 1 || m.PktLen > 99 {
			t.Fatalf("%d bytes are left of 100", m.PktLen)
		}
		l.pa.Free(m)
	}
	destroyed := p.count.destroyed.Load()
	arp := l.frame(l.pa, 60)
	copy(arp.Bytes()[12:], []byte{0x08, 0x06})
	if p.damage(arp, 1) != nil {
		t.Error("a damaged ARP frame came through")
	}
	short := l.pa.Alloc()
	short.Append(5)
	if p.damage(short, 1) != nil {
		t.Error("a damaged runt came through")
	}
	if n := p.count.destroyed.Load() - destroyed; n != 2 {
		t.Errorf("%d destroyed, want 2", n)
	}
}

// TestShared: a buffer that somebody else reads too is not damaged in place.
func TestShared(t *testing.T) {
	l := newLab(t, Config{})
	var p pipe
	p.init(Impair{Corrupt: 1}, newDice(0, 0, 0))
	p.pool = l.pa
	m := l.frame(l.pa, 100)
	m.RefCnt = 2
	before := bytes.Clone(m.Bytes())
	c := p.damage(m, 0)
	if c == m || !bytes.Equal(m.Bytes(), before) || m.RefCnt != 1 {
		t.Error("a shared buffer was changed")
	}
	l.pa.Free(c)
	l.pa.Free(m)
}

func TestClone(t *testing.T) {
	l := newLab(t, Config{})
	m := l.frame(l.pa, 1900)
	for range 3 {
		m.Chain(l.frame(l.pa, 1700))
	}
	m.OlFlags, m.VlanTCI, m.RSS = mbuf.RxVLAN, 9, 1234
	c := clone(l.pa, m)
	want, got := make([]byte, 7000), make([]byte, 7000)
	if m.CopyTo(0, want) != c.CopyTo(0, got) || !bytes.Equal(want, got) {
		t.Error("bytes differ")
	}
	if c.PktLen != m.PktLen || c.OlFlags != m.OlFlags || c.VlanTCI != 9 || c.RSS != 1234 {
		t.Error("fields differ")
	}
	l.pa.Free(c)
	rest := make([]*mbuf.Mbuf, 0, 2048)
	for x := l.pa.Alloc(); x != nil; x = l.pa.Alloc() {
		rest = append(rest, x)
	}
	l.pa.FreeBulk(rest[:2])
	if clone(l.pa, m) != nil || l.pa.Available() != 2 {
		t.Error("a copy out of too few buffers")
	}
	l.pa.FreeBulk(rest[2:])
	l.pa.Free(m)
}

// TestAlarm: in real time a held frame wakes the core that sleeps over it.
func TestAlarm(t *testing.T) {
	p, q, err := wire.Pair(wire.Config{}, wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a, pool := Wrap(p, Config{Tx: Impair{Delay: 5 * perf.Millisecond}}), newPool(t)
	for _, s := range []interface{ Start([]*mbuf.Pool) error }{a, q} {
		if err := s.Start([]*mbuf.Pool{pool}); err != nil {
			t.Fatal(err)
		}
	}
	var woken atomic.Int32
	bell := make(chan bool, 16)
	queue := a.Queue(0).(*queue)
	queue.Notify(func() { woken.Add(1); bell <- true })
	l := &lab{T: t}
	var b [4]*mbuf.Mbuf
	for round := range 3 {
		start := time.Now()
		l.send(queue, pool, 1, 100)
		if q.Queue(0).RxBurst(b[:]) != 0 {
			t.Fatal("early")
		}
		select {
		case <-bell:
		case <-time.After(20 * time.Second):
			t.Fatalf("round %d: nobody was woken", round)
		}
		if d := time.Since(start); d < 4*time.Millisecond {
			t.Errorf("woken after %v", d)
		}
		queue.RxBurst(b[:])
		if q.Queue(0).RxBurst(b[:]) != 1 {
			t.Fatal("the frame did not leave at its time")
		}
		pool.Free(b[0])
	}
	if n := woken.Load(); n != 3 {
		t.Errorf("woken %d times, want 3", n)
	}
	a.Close()
	q.Close()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}
