package pmdtest

import (
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func testInfo(t *testing.T, l *link) {
	for _, e := range l.ends() {
		in := e.port.Info()
		if in.Driver == "" || in.MTU < 68 || in.Queues != 1 || in.MAC[0]&1 != 0 {
			t.Errorf("implausible: %+v", in)
		}
		if !e.port.LinkUp() {
			t.Error("link is down")
		}
		if in.Offloads.Has(pmd.TSO) && in.MaxTSO < in.MTU {
			t.Errorf("TSO up to %d with an MTU of %d", in.MaxTSO, in.MTU)
		}
	}
}

// testBursts sends bursts of every length up to 64, of frames of many sizes, both
// ways: nothing is lost, changed or out of order.
func testBursts(t *testing.T, l *link) {
	pairs := [][2]*end{{l.a, l.b}, {l.b, l.a}}
	serial := uint32(0)
	for n := 1; n <= 64; n++ {
		for _, p := range pairs {
			first := serial
			b := make([]*mbuf.Mbuf, n)
			for i := range b {
				b[i] = p[0].frame(t, serial, size(serial))
				serial++
			}
			p[0].send(t, b)
			for i, m := range p[1].receive(t, n) {
				p[1].check(t, m, first+uint32(i), size(first+uint32(i)))
			}
		}
	}
}

// size runs through 60..1514 in an order without pattern.
func size(serial uint32) int { return 60 + int(serial*2654435761>>8)%1455 }

// testChains sends frames in several segments.
func testChains(t *testing.T, l *link) {
	if !l.a.port.Info().Offloads.Has(pmd.MultiSeg) {
		t.Skip("sends no chains")
	}
	for parts := 2; parts <= 5; parts++ {
		m := l.a.frame(t, uint32(parts), 300)
		whole := payload(uint32(parts), 300*parts)
		copy(m.Bytes(), whole)
		for i := 1; i < parts; i++ {
			s := l.a.frame(t, 0, 300)
			copy(s.Bytes(), whole[300*i:])
			m.Chain(s)
		}
		l.a.send(t, []*mbuf.Mbuf{m})
		l.b.check(t, l.b.receive(t, 1)[0], uint32(parts), 300*parts)
	}
}

func testEmpty(t *testing.T, l *link) {
	var b [8]*mbuf.Mbuf
	for _, e := range l.ends() {
		if n := e.queue.RxBurst(b[:]); n != 0 {
			t.Errorf("%d frames out of nothing", n)
		}
		if n := e.queue.TxBurst(nil); n != 0 {
			t.Errorf("%d of 0 frames taken", n)
		}
		l.a.send(t, []*mbuf.Mbuf{l.a.frame(t, 1, 60)})
		if n := l.b.queue.RxBurst(nil); n != 0 {
			t.Errorf("%d frames for no room", n)
		}
		l.b.check(t, l.b.receive(t, 1)[0], 1, 60)
	}
	m := l.a.pool.Alloc() // no bytes at all: taken, and an error
	l.a.send(t, []*mbuf.Mbuf{m})
	if n := l.b.drain(); n != 0 {
		t.Error("an empty frame came through")
	}
	if s := l.a.port.Stats(); s.OErrors != 1 {
		t.Errorf("OErrors = %d, want 1", s.OErrors)
	}
}

// testTooLong: a frame beyond MTU+18 is taken, counted and freed; its neighbours go.
func testTooLong(t *testing.T, l *link) {
	limit := l.a.port.Info().MTU + pmd.Overhead
	if !l.b.port.Info().Offloads.Has(pmd.MultiSeg) && limit > mbuf.DefaultDataRoom {
		t.Skip("no chains")
	}
	l.a.send(t, []*mbuf.Mbuf{
		l.a.frame(t, 1, 60), l.a.frame(t, 2, limit+1), l.a.frame(t, 3, limit),
	})
	got := l.b.receive(t, 2)
	l.b.check(t, got[0], 1, 60)
	l.b.check(t, got[1], 3, limit)
	if n := l.b.drain(); n != 0 {
		t.Errorf("%d more frames came", n)
	}
	l.a.poll()
	if s := l.a.port.Stats(); s.OErrors != 1 || s.OPackets != 2 {
		t.Errorf("OErrors = %d, OPackets = %d, want 1 and 2", s.OErrors, s.OPackets)
	}
}

// testBackPressure fills the link: TxBurst takes fewer, and the rest is the
// caller's; what was taken arrives; then there is room again.
func testBackPressure(t *testing.T, l *link) {
	for round := range uint32(3) {
		sent := uint32(0)
		for {
			b := []*mbuf.Mbuf{l.a.frame(t, sent, 64), l.a.frame(t, sent+1, 64), l.a.frame(t, sent+2, 64)}
			n := l.a.queue.TxBurst(b)
			sent += uint32(n)
			l.a.pool.FreeBulk(b[n:])
			if n < len(b) {
				break
			}
			if sent > poolSize-8 {
				t.Skipf("holds more than %d frames", sent)
			}
		}
		for i, m := range l.b.receive(t, int(sent)) {
			l.b.check(t, m, uint32(i), 64)
		}
		if n := l.b.drain(); n != 0 {
			t.Errorf("round %d: %d frames more than were taken", round, n)
		}
	}
}

// testNoMbuf: a receiver without buffers loses frames and counts them; no buffer of
// either side is lost.
func testNoMbuf(t *testing.T, l *link) {
	if l.self {
		t.Skip("nothing is copied")
	}
	kept := make([]*mbuf.Mbuf, 0, poolSize)
	for m := l.b.pool.Alloc(); m != nil; m = l.b.pool.Alloc() {
		kept = append(kept, m)
	}
	l.b.pool.FreeBulk(kept[:5])
	b := make([]*mbuf.Mbuf, 32)
	for i := range b {
		b[i] = l.a.frame(t, uint32(i), 100)
	}
	l.a.send(t, b)
	for i, m := range l.b.receive(t, 5) {
		l.b.check(t, m, uint32(i), 100)
	}
	l.b.pool.FreeBulk(kept[5:])
	rest := l.b.drain()
	if s := l.b.port.Stats(); s.RxNoMbuf+s.IMissed+uint64(rest) != 27 {
		t.Errorf("RxNoMbuf = %d, IMissed = %d, came late %d: want 27 together", s.RxNoMbuf, s.IMissed, rest)
	}
}

func testStats(t *testing.T, l *link) {
	b := make([]*mbuf.Mbuf, 10)
	for i := range b {
		b[i] = l.a.frame(t, uint32(i), 100+i)
	}
	l.a.send(t, b)
	for i, m := range l.b.receive(t, 10) {
		l.b.check(t, m, uint32(i), 100+i)
	}
	l.a.poll()
	l.b.poll()
	tx, rx := l.a.port.Stats(), l.b.port.Stats()
	if tx.OPackets != 10 || tx.OBytes != 1045 || tx.OErrors != 0 {
		t.Errorf("sender: %+v", tx)
	}
	if rx.IPackets != 10 || rx.IBytes != 1045 || rx.IErrors+rx.IMissed+rx.RxNoMbuf != 0 {
		t.Errorf("receiver: %+v", rx)
	}
}

func testAllocs(t *testing.T, l *link) {
	var b [32]*mbuf.Mbuf
	turn := func() {
		if !l.a.pool.AllocBulk(b[:]) {
			t.Fatal("pool is empty")
		}
		for _, m := range b {
			m.Append(64)
		}
		n := l.a.queue.TxBurst(b[:])
		l.a.pool.FreeBulk(b[n:])
		n = l.b.queue.RxBurst(b[:])
		l.b.pool.FreeBulk(b[:n])
	}
	for range 100 {
		turn() // rings and lists reach their size
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations per burst", n)
	}
	l.b.drain()
}
