package wire

import (
	"fmt"
	"testing"

	"dataplane/mbuf"
)

// BenchmarkBurst32 is one burst of 32 through the wire, both ends on one thread:
// allocate, TxBurst, RxBurst (one copy), free on both sides. ns/op is per frame.
func BenchmarkBurst32(b *testing.B) {
	for _, size := range []int{64, 1400} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p := newPair(b, Config{}, Config{})
			var f [32]*mbuf.Mbuf
			q, r := p.a.Queue(0), p.b.Queue(0)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 32 {
				p.pa.AllocBulk(f[:])
				for _, m := range f {
					m.DataLen, m.PktLen = uint16(size), uint32(size)
				}
				q.TxBurst(f[:])
				n := r.RxBurst(f[:])
				p.pb.FreeBulk(f[:n])
			}
		})
	}
}

// BenchmarkSuper is a super-segment of 64,000 bytes through the wire; ns/op is per
// segment of 1400.
func BenchmarkSuper(b *testing.B) {
	p := newPair(b, Config{Offloads: Has}, Config{Offloads: Has})
	q, r := p.a.Queue(0), p.b.Queue(0)
	const segments = 45
	b.SetBytes(1400)
	for i := 0; i < b.N; i += segments {
		m := p.pa.Alloc()
		last := m
		last.DataLen = 2000
		for range 31 {
			s := p.pa.Alloc()
			s.DataLen = 2000
			last.SetNext(s)
			m.NbSegs++
			last = s
		}
		m.PktLen = 64000
		m.OlFlags = mbuf.TxTCPSeg
		m.SetTx(14, 20, 20, 1400)
		f := [1]*mbuf.Mbuf{m}
		q.TxBurst(f[:])
		n := r.RxBurst(f[:])
		p.pb.FreeBulk(f[:n])
	}
}

// BenchmarkEmptyPoll is a poll that finds nothing.
func BenchmarkEmptyPoll(b *testing.B) {
	p := newPair(b, Config{}, Config{})
	var f [32]*mbuf.Mbuf
	q := p.a.Queue(0)
	for b.Loop() {
		q.RxBurst(f[:])
	}
}
