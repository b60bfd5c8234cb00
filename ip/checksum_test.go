package ip

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"dataplane/mbuf"
)

// plainSum is RFC 1071 as one would write it on a blackboard.
func plainSum(b []byte, s uint64) uint16 {
	for i := range b {
		if i%2 == 0 {
			s += uint64(b[i]) << 8
		} else {
			s += uint64(b[i])
		}
	}
	for s>>16 != 0 {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestSumLikePlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < 300; n++ {
		for align := 0; align < 8; align++ {
			b := randomBytes(r, n+align)[align:]
			s := r.Uint32()
			if got, want := Checksum(b, s), plainSum(b, uint64(s)); got != want {
				t.Fatalf("%d bytes at %d, initial %#x: %#x, want %#x", n, align, s, got, want)
			}
		}
	}
}

// TestSumHeader: the short way is the long way, whatever the header holds.
func TestSumHeader(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 10000 {
		h := randomBytes(r, HdrLen4)
		for i := range h { // drive the carries
			if r.IntN(3) == 0 {
				h[i] = 0xff
			}
		}
		if got, want := bits.ReverseBytes16(sumHeader(h)), plainSum(h, 0); got != want {
			t.Fatalf("%x: %#x, want %#x", h, got, want)
		}
	}
}

// wordSum is Sum on a CPU without vector instructions.
func wordSum(b []byte, s uint32) uint32 {
	return sumWords(b, s)
}

// TestSumTwins compares the two ways to add blocks at lengths that end everywhere
// in a turn of the loops.
func TestSumTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	buf := randomBytes(r, 4096+64)
	ones := make([]byte, len(buf))
	for i := range ones {
		ones[i] = 0xff
	}
	for _, src := range [][]byte{buf, ones} {
		for n := 0; n <= 4096; n += 1 + r.IntN(7) {
			b := src[n%64:][:n]
			if got, want := Fold(Sum(b, 7)), Fold(wordSum(b, 7)); got != want {
				t.Fatalf("%d bytes: %#x, want %#x", n, got, want)
			}
		}
	}
}

// TestSumExtremes drives every carry.
func TestSumExtremes(t *testing.T) {
	for n := 0; n < 200; n++ {
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xfe, 0xff} {
			b := make([]byte, n)
			for i := range b {
				b[i] = v
			}
			for _, s := range []uint32{0, 1, 0xffff, 0x10000, 0x1fffe, 0xffffffff} {
				if got, want := Checksum(b, s), plainSum(b, uint64(s)); got != want {
					t.Fatalf("%d × %#x, initial %#x: %#x, want %#x", n, v, s, got, want)
				}
			}
		}
	}
}

func TestSumOfPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	b := randomBytes(r, 1000)
	for cut := 0; cut <= len(b); cut += 2 {
		if got, want := Checksum(b[cut:], Sum(b[:cut], 7)), plainSum(b, 7); got != want {
			t.Fatalf("cut at %d: %#x, want %#x", cut, got, want)
		}
	}
}

// TestCopySumEverywhere: every length and place copies exactly its bytes, and sums
// as Sum does.
func TestCopySumEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	src, dst, want := randomBytes(r, 3000), make([]byte, 3000), make([]byte, 3000)
	for n := 0; n < 2000; n++ {
		from, to := r.IntN(70), r.IntN(70)
		copy(want, dst)
		copy(want[to:], src[from:from+n])
		s := r.Uint32()
		if got, sum := Fold(CopySum(dst[to:], src[from:from+n], s)), plainSum(src[from:from+n], uint64(s)); got != sum {
			t.Fatalf("%d bytes: %#x, want %#x", n, got, sum)
		}
		if string(dst) != string(want) {
			t.Fatalf("%d bytes from %d to %d: not the bytes that were to be copied", n, from, to)
		}
	}
}

func TestCopySum(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 7, 64, 1447, 4095, 4096, 4097, 9001, 65535} {
		src, dst := randomBytes(r, n), make([]byte, n+3)
		s := r.Uint32()
		if got, want := Fold(CopySum(dst, src, s)), plainSum(src, uint64(s)); got != want {
			t.Errorf("%d bytes: %#x, want %#x", n, got, want)
		}
		if string(dst[:n]) != string(src) {
			t.Errorf("%d bytes: copy differs", n)
		}
	}
}

// TestSumChain cuts a packet into segments of any length, odd ones too.
func TestSumChain(t *testing.T) {
	p := testPool(t, 64)
	r := rand.New(rand.NewPCG(7, 8))
	for round := 0; round < 500; round++ {
		b := randomBytes(r, 1+r.IntN(2000))
		m := chainOf(p, b, func() int { return r.IntN(400) })
		off := r.IntN(len(b))
		n := r.IntN(len(b) - off + 1)
		s := r.Uint32()
		if got, want := Fold(SumChain(m, off, n, s)), plainSum(b[off:off+n], uint64(s)); got != want {
			t.Fatalf("round %d: %d bytes from %d of %d in %d segments: %#x, want %#x", round, n, off, len(b), m.NbSegs, got, want)
		}
		p.Free(m)
	}
}

// TestSumChainShort asks for more than there is: no panic, no endless loop.
func TestSumChainShort(t *testing.T) {
	p := testPool(t, 8)
	m := chainOf(p, make([]byte, 30), func() int { return 10 })
	SumChain(m, 25, 100, 0)
	SumChain(m, 100, 100, 0)
	p.Free(m)
}

func TestPseudoSum(t *testing.T) {
	src, dst := From4([4]byte{192, 168, 1, 200}), From4([4]byte{255, 254, 253, 252})
	b := []byte{192, 168, 1, 200, 255, 254, 253, 252, 0, 17, 0xab, 0xcd}
	if got, want := Fold(PseudoSum(src, dst, 17, 0xabcd)), plainSum(b, 0); got != want {
		t.Errorf("IPv4: %#x, want %#x", got, want)
	}
	six := Addr{0: 0x20, 1: 1, 15: 9}
	b = append(append(append([]byte{}, six[:]...), six[:]...), 0, 0x01, 0x23, 0x45, 0, 0, 0, 6)
	if got, want := Fold(PseudoSum(six, six, 6, 0x12345)), plainSum(b, 0); got != want {
		t.Errorf("IPv6: %#x, want %#x", got, want)
	}
}

// TestChecksumVerifies: data with its own checksum sums up to 0xffff.
func TestChecksumVerifies(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for n := 2; n < 200; n++ {
		b := randomBytes(r, n)
		b[0], b[1] = 0, 0
		be.PutUint16(b, ^Checksum(b, 0))
		if got := Checksum(b, 0); got != 0xffff {
			t.Fatalf("%d bytes: %#x", n, got)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add([]byte{1, 2, 3}, uint32(0xffffffff))
	f.Add(make([]byte, 129), uint32(1))
	f.Add(make([]byte, 1500), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, s uint32) {
		want := plainSum(b, uint64(s))
		if got := Checksum(b, s); got != want {
			t.Errorf("%x + %#x: %#x, want %#x", b, s, got, want)
		}
		dst := make([]byte, len(b))
		if got := Fold(CopySum(dst, b, s)); got != want || string(dst) != string(b) {
			t.Errorf("copying: %x + %#x: %#x, want %#x", b, s, got, want)
		}
		if got := Fold(wordSum(b, s)); got != want {
			t.Errorf("without vectors: %x + %#x: %#x, want %#x", b, s, got, want)
		}
	})
}

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{20, 64, 128, 256, 1460, 9000, 65536} {
		buf := make([]byte, n)
		for name, sum := range map[string]func([]byte, uint32) uint32{"sum": Sum, "words": wordSum} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					sum(buf, 0)
				}
			})
		}
	}
}

func BenchmarkCopySum(b *testing.B) {
	for _, n := range []int{64, 1460, 65536} {
		src, dst := make([]byte, n), make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				CopySum(dst, src, 0)
			}
		})
	}
}

// testPool returns a pool that must be whole again when the test ends.
func testPool(t testing.TB, n int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: t.Name(), Count: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// chainOf returns b in a chain of segments whose lengths size chooses.
func chainOf(p *mbuf.Pool, b []byte, size func() int) *mbuf.Mbuf {
	var head *mbuf.Mbuf
	for first := true; first || len(b) > 0; first = false {
		m := p.Alloc()
		n := min(size(), len(b))
		copy(m.Append(n), b[:n])
		b = b[n:]
		if head == nil {
			head = m
		} else {
			head.Chain(m)
		}
	}
	return head
}
