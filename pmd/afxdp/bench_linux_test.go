package afxdp

import (
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// timing collects how long bursts took. On a machine with other work to do the
// shortest one says most.
type timing struct{ sum, best time.Duration }

func (t *timing) add(d time.Duration) {
	t.sum += d
	if t.best == 0 || d < t.best {
		t.best = d
	}
}

func (t *timing) report(b *testing.B) {
	b.ReportMetric(float64(t.sum.Nanoseconds())/float64(32*b.N), "ns/packet")
	b.ReportMetric(float64(t.best.Nanoseconds())/float64(32), "best-ns/packet")
	b.ReportMetric(0, "ns/op")
}

// benchmark sends bursts of 32 from one end of a veth pair to the other. In the copy
// modes the system call that sends does the kernel's part of receiving, too, on the
// sender's CPU: what the receiver pays itself is our part alone.
func benchmark(b *testing.B, size int, rx bool) {
	for _, m := range copyModes {
		b.Run(m, func(b *testing.B) {
			opt := inMode(m)
			opt.Extra["partial"] = "refuse"
			x, y := startPair(b, opt)
			var t timing
			var buf [32]*mbuf.Mbuf
			turn := func() {
				for i := range buf {
					buf[i] = x.frame(size)
				}
				start := time.Now()
				n := x.q.TxBurst(buf[:])
				sent := time.Since(start)
				x.pool.FreeBulk(buf[n:])
				start = time.Now()
				n = y.q.RxBurst(buf[:])
				y.pool.FreeBulk(buf[:n])
				received := time.Since(start)
				if n != len(buf) {
					b.Logf("%d frames came", n)
				}
				if rx {
					t.add(received)
				} else {
					t.add(sent)
				}
			}
			for range b.N {
				turn()
			}
			t.report(b)
		})
	}
}

func BenchmarkSend64(b *testing.B)      { benchmark(b, 64, false) }
func BenchmarkSend1400(b *testing.B)    { benchmark(b, 1442, false) }
func BenchmarkReceive64(b *testing.B)   { benchmark(b, 64, true) }
func BenchmarkReceive1400(b *testing.B) { benchmark(b, 1442, true) }

func BenchmarkEmptyPoll(b *testing.B) {
	_, y := startPair(b, pmd.Options{})
	var buf [32]*mbuf.Mbuf
	for b.Loop() {
		y.q.RxBurst(buf[:])
	}
}
