package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// TestTrainLikeSegments: a train's frames are byte for byte those of segments
// sent one by one, with and without offloads, wherever the ring wraps.
func TestTrainLikeSegments(t *testing.T) {
	for name, off := range map[string]pmd.Offload{
		"plain": 0, "checksum": pmd.TxTCPChecksum | pmd.TxIPChecksum | pmd.RxChecksum, "tcp only": pmd.TxTCPChecksum | pmd.RxChecksum,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, off, 1500)
			r := rand.New(rand.NewPCG(1, uint64(off)))
			for i := range b.buf {
				b.buf[i] = byte(r.Uint32())
			}
			b.move(b.a, b.b, 30_000+r.IntN(1000))
			b.settle()
			s := b.a
			s.TX.Write(b.buf[:200_001])
			for range 300 {
				from := r.IntN(100_000)
				n := s.segSize() + 1 + r.IntN(trainMax*s.segSize())
				flags := [3]uint8{0, PSH, PSH | FIN}[r.IntN(3)]
				b.compareTrain(t, s, s.snd.nxt+uint32(from), n, flags)
			}
		})
	}
}

func (b *bench) compareTrain(t *testing.T, s *Sock, seq uint32, n int, flags uint8) {
	t.Helper()
	size := s.segSize()
	sent := b.l.train(s, seq, n, flags)
	if sent != min(n, trainMax*size) {
		t.Fatalf("%d of %d bytes left", sent, n)
	}
	train := b.taken()
	for at := 0; at < sent; at += size {
		k, f := min(size, sent-at), uint8(0)
		if at+k == sent {
			f = flags
		}
		b.l.emit(s, seq+uint32(at), k, f)
	}
	single := b.taken()
	if len(train) != len(single) {
		t.Fatalf("%d frames, want %d", len(train), len(single))
	}
	for i, m := range train {
		o := single[i]
		where := m.TxOffload == o.TxOffload || m.OlFlags == 0 // else nobody looks at it
		if !bytes.Equal(m.Bytes(), o.Bytes()) || m.OlFlags != o.OlFlags || !where || m.PktLen != o.PktLen {
			t.Fatalf("frame %d of %d:\n%x %#x %#x\n%x %#x %#x", i, len(train),
				m.Bytes()[:80], m.OlFlags, m.TxOffload, o.Bytes()[:80], o.OlFlags, o.TxOffload)
		}
		b.pool.Free(m)
		b.pool.Free(o)
	}
}

// taken takes the frames that were sent.
func (b *bench) taken() []*mbuf.Mbuf {
	b.tx.Flush()
	f := append([]*mbuf.Mbuf(nil), b.q.frames...)
	b.q.frames = b.q.frames[:0]
	return f
}

// TestTrainShort: with few buffers less leaves, nothing is lost or counted twice,
// and the rest follows; also where each segment is made for itself.
func TestTrainShort(t *testing.T) {
	t.Run("train", func(t *testing.T) { testTrainShort(t, false) })
	t.Run("singles", func(t *testing.T) { testTrainShort(t, true) })
}

func testTrainShort(t *testing.T, single bool) {
	b := newBench(t, 0, 1500)
	b.l.cfg.NoGSO = single
	b.move(b.a, b.b, 100_000)
	b.settle()
	var held []*mbuf.Mbuf
	for b.pool.Available() > 5 {
		held = append(held, b.pool.Alloc())
	}
	b.a.TX.Write(b.buf[:50_000])
	b.a.l.want(b.a)
	b.l.Output(b.now)
	b.tx.Flush()
	if n := len(b.q.frames); n != 5 {
		t.Fatalf("%d frames with 5 buffers", n)
	}
	if b.stat.Lost[perf.LostNoMbuf] == 0 {
		t.Error("nobody counted the missing buffer")
	}
	b.pool.FreeBulk(held)
	for range 100 {
		b.now += 50 * perf.Millisecond
		b.settle()
	}
	if n := b.b.RX.Len(); n != 50_000 {
		t.Errorf("%d bytes arrived", n)
	}
}
