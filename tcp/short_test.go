package tcp

import (
	"bytes"
	"testing"

	"dataplane/perf"
	"dataplane/pmd"
)

// TestPlainLikeGeneral: the short way makes the frames that the long one makes.
func TestPlainLikeGeneral(t *testing.T) {
	for name, off := range map[string]pmd.Offload{"plain": 0, "checksum": pmd.TxTCPChecksum | pmd.TxIPChecksum | pmd.RxChecksum} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, off, 1500)
			for i := range b.buf {
				b.buf[i] = byte(i * i >> 3)
			}
			b.move(b.a, b.b, 20_001)
			b.settle()
			s := b.a
			s.TX.Write(b.buf[:40_000])
			for _, n := range []int{0, 1, 2, 63, 64, 65, 1447, s.win.MSS} {
				seq, flags := s.snd.nxt+uint32(7*n), uint8(PSH)
				b.l.plain(s, seq, s.headerLen(), n, flags)
				b.l.general(s, seq, n, flags)
				f := b.taken()
				if len(f) != 2 || !bytes.Equal(f[0].Bytes(), f[1].Bytes()) || f[0].OlFlags != f[1].OlFlags ||
					f[0].OlFlags != 0 && f[0].TxOffload != f[1].TxOffload {
					t.Fatalf("%d bytes: %d frames, or they differ:\n%x\n%x", n, len(f), f[0].Bytes(), f[1].Bytes())
				}
				b.pool.FreeBulk(f)
			}
		})
	}
}

// TestBrief: a lone message takes the short way, and what is not as simple does not.
func TestBrief(t *testing.T) {
	b := newBench(t, 0, 1500)
	b.move(b.a, b.b, 3000)
	b.settle()
	s := b.a
	take := func(want bool, what string, n int) {
		t.Helper()
		s.TX.Write(b.buf[:n])
		if got := b.l.brief(s); got != want {
			t.Errorf("%s: %v", what, got)
		}
		s.l.want(s)
		for range 50 { // an acknowledgement may be delayed
			b.now += 5 * perf.Millisecond
			b.settle()
		}
	}
	s.snd.last = b.now
	take(true, "a message", 64)
	s.snd.last = b.now
	take(false, "more than a segment", s.win.MSS+1)
	take(false, "after a rest", 64)
	s.snd.last, s.opt.cork = b.now, corkOption
	take(false, "corked", 64)
	s.snd.last, s.opt.cork = b.now, 0
	wnd := s.snd.wnd
	s.snd.wnd = 10
	take(false, "no room in the window", 64)
	s.snd.wnd = max(wnd, s.snd.wnd)
	s.snd.last = b.now
	if b.l.brief(s) {
		t.Error("sent, though there was nothing")
	}
}
