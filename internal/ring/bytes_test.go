package ring

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// period is prime, so that a position off by any power of two shows.
const period = 65521

// table holds what belongs to the positions, for more than the longest ring.
var table = func() []byte {
	r := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, period+1<<19)
	for i := range b {
		if b[i] = byte(r.Uint32()); i >= period {
			b[i] = b[i-period]
		}
	}
	return b
}()

// pattern returns the bytes that belong to [pos, pos+n), to be read only.
func pattern(pos uint64, n int) []byte {
	i := int(pos % period)
	return table[i : i+n]
}

// TestBytesModel works both sides of a ring in one thread at random and checks
// every byte against its position: in order and ahead, growing, wrapping,
// reading again, releasing, dropping.
func TestBytesModel(t *testing.T) {
	for seed := range uint64(40) {
		m := &bytesModel{t: t, r: rand.New(rand.NewPCG(seed, 11)), ahead: map[uint64]int{}}
		limits := []int{0, 1, 100, firstBytes, 3*firstBytes + 17, 1 << 18}
		m.b.Init(limits[seed%uint64(len(limits))])
		for range 2000 {
			m.step()
			m.check()
		}
	}
}

type bytesModel struct {
	t          *testing.T
	r          *rand.Rand
	b          Bytes
	head, tail uint64
	highest    uint64
	ahead      map[uint64]int // written and not published: position -> length
}

func (m *bytesModel) step() {
	limit := m.b.Limit()
	room := limit - int(m.head-m.tail)
	switch m.r.IntN(10) {
	case 0:
		p := pattern(m.head, m.r.IntN(limit+10))
		n := m.b.Write(p)
		if n != max(min(len(p), room), 0) {
			m.t.Fatalf("Write took %d of %d, room %d", n, len(p), room)
		}
		m.head += uint64(n)
		m.highest = max(m.highest, m.head)
	case 1: // ahead of head
		if room > 1 {
			pos := m.head + uint64(m.r.IntN(room))
			n := m.r.IntN(limit - int(pos-m.tail) + 1)
			m.b.WriteAt(pos, pattern(pos, n))
			m.ahead[pos] = n
			if n > 0 {
				m.highest = max(m.highest, pos+uint64(n))
			}
		}
	case 2: // publish what continues at head
		for pos, n := range m.ahead {
			if end := pos + uint64(n); pos <= m.head && end > m.head {
				m.head = end
				m.b.Publish(end)
			}
			if pos <= m.head {
				delete(m.ahead, pos)
			}
		}
	case 3:
		p := make([]byte, m.r.IntN(limit+10))
		n := m.b.Read(p)
		if n != min(len(p), int(m.head-m.tail)) || !bytes.Equal(p[:n], pattern(m.tail, n)) {
			m.t.Fatalf("Read gave %d of %d, or wrong bytes", n, m.head-m.tail)
		}
		m.tail += uint64(n)
	case 4: // read again without releasing
		pos := m.tail + uint64(m.r.IntN(int(m.head-m.tail)+1))
		n := m.r.IntN(int(m.head-pos) + 1)
		x, y := m.b.Slices(pos, n)
		if !bytes.Equal(append(bytes.Clone(x), y...), pattern(pos, n)) {
			m.t.Fatal("Slices shows wrong bytes")
		}
	case 5:
		pos := m.tail + uint64(m.r.IntN(int(m.head-m.tail)+10))
		p := make([]byte, m.r.IntN(limit+10))
		n := m.b.CopyAt(p, pos)
		if n != min(len(p), max(int(m.head)-int(pos), 0)) || !bytes.Equal(p[:n], pattern(pos, n)) {
			m.t.Fatal("CopyAt gave wrong bytes")
		}
	case 6:
		m.tail += uint64(m.r.IntN(int(m.head-m.tail) + 1))
		m.b.Release(m.tail)
	case 7:
		m.b.Drop()
		if empty := m.tail == m.highest; empty && m.b.Cap() != 0 {
			m.t.Fatal("Drop kept the memory of an empty ring")
		}
	case 9:
		n := 1 + m.r.IntN(limit+10)
		p := m.b.Append(n)
		if p == nil {
			break
		}
		if end := m.highest + uint64(n); len(p) != n || end > m.tail+uint64(limit) || m.b.Written() != end {
			m.t.Fatalf("Append lent %d of %d", len(p), n)
		}
		copy(p, pattern(m.highest, n))
		m.ahead[m.highest] = n
		m.highest += uint64(n)
	case 8:
		if m.r.IntN(10) == 0 {
			n := m.r.IntN(1 << 16)
			m.b.SetLimit(n)
			if want := max(n, int(m.highest-m.tail)); m.b.Limit() != want {
				m.t.Fatalf("limit is %d, want %d", m.b.Limit(), want)
			}
		}
	}
}

func (m *bytesModel) check() {
	if m.b.Head() != m.head || m.b.Tail() != m.tail || m.b.Len() != int(m.head-m.tail) ||
		m.b.Free() != max(m.b.Limit()-m.b.Len(), 0) {
		m.t.Fatalf("head %d tail %d free %d, want %d %d", m.b.Head(), m.b.Tail(), m.b.Free(), m.head, m.tail)
	}
	if c := m.b.Cap(); c > ceilPow2(max(1<<18, firstBytes)) {
		m.t.Fatalf("%d bytes of memory", c)
	}
}

// TestBytesMemory: nothing before the first write, little for little, at most
// twice the limit.
func TestBytesMemory(t *testing.T) {
	var b Bytes
	b.Init(100_000)
	if b.Cap() != 0 {
		t.Error("memory without a write")
	}
	for _, c := range []struct{ write, want int }{{1, 256}, {255, 256}, {1, 512}, {92_000, 131072}, {7743, 131072}} {
		if n := b.Write(make([]byte, c.write)); n != c.write || b.Cap() != c.want {
			t.Errorf("wrote %d of %d: %d bytes of memory, want %d", n, c.write, b.Cap(), c.want)
		}
	}
	if b.Write([]byte{1}) != 0 || b.Free() != 0 {
		t.Error("more than the limit")
	}
	b.Release(b.Head())
	b.Drop()
	if b.Write([]byte("again")) != 5 || b.Cap() != 256 {
		t.Error("no use after Drop")
	}
	p := make([]byte, 9)
	if n := b.Read(p); string(p[:n]) != "again" {
		t.Errorf("%q", p[:n])
	}
	if n := b.Read(p); n != 0 {
		t.Error("bytes from an empty ring")
	}
}

// TestBytesBorrowedSurvivesGrowth: slices that a consumer holds stay as they
// are while the producer moves to a larger array and writes there.
func TestBytesBorrowedSurvivesGrowth(t *testing.T) {
	var b Bytes
	b.Init(1 << 20)
	b.Write(pattern(0, 4000))
	b.Release(3000)
	b.Write(pattern(4000, 3000)) // wraps in the first array
	x, y := b.Slices(3000, 4000)
	for b.Free() > 0 {
		b.Write(pattern(b.Head(), min(b.Free(), 5000)))
	}
	if !bytes.Equal(append(bytes.Clone(x), y...), pattern(3000, 4000)) || len(y) == 0 {
		t.Error("borrowed bytes changed")
	}
}

// TestBytesThreads streams through a growing ring: the producer writes ahead,
// fills the holes later and grows; the consumer borrows, looks twice and
// releases in steps.
func TestBytesThreads(t *testing.T) {
	for seed := range uint64(6) {
		const total = 1 << 21
		var b Bytes
		b.Init(200 + int(seed)*20_000)
		var wg sync.WaitGroup
		wg.Go(func() { produce(&b, total, rand.New(rand.NewPCG(seed, 1))) })
		consume(t, &b, total, rand.New(rand.NewPCG(seed, 2)))
		wg.Wait()
		if b.Len() != 0 || b.Cap() > 2*max(b.Limit(), firstBytes) {
			t.Errorf("%d bytes left, %d of memory", b.Len(), b.Cap())
		}
		b.Drop()
	}
}

func produce(b *Bytes, total uint64, r *rand.Rand) {
	for head := uint64(0); head < total; {
		n := min(1+r.IntN(6000), b.Free(), int(total-head))
		switch {
		case n == 0:
			runtime.Gosched()
		case n < 3 || r.IntN(2) == 0:
			b.Write(pattern(head, n))
			head += uint64(n)
		default: // the second half first
			half := uint64(n / 2)
			b.WriteAt(head+half, pattern(head+half, n-int(half)))
			runtime.Gosched()
			b.WriteAt(head, pattern(head, int(half)))
			head += uint64(n)
			b.Publish(head)
		}
		if r.IntN(20) == 0 {
			b.Drop()
		}
	}
}

func consume(t *testing.T, b *Bytes, total uint64, r *rand.Rand) {
	p := make([]byte, 9000)
	for tail := uint64(0); tail < total; {
		n := b.Len()
		if n == 0 {
			runtime.Gosched()
			continue
		}
		if r.IntN(2) == 0 {
			k := b.Read(p[:1+r.IntN(len(p)-1)])
			if !bytes.Equal(p[:k], pattern(tail, k)) {
				t.Fatalf("wrong bytes at %d", tail)
			}
			tail += uint64(k)
			continue
		}
		x, y := b.Slices(tail, n)
		runtime.Gosched() // the producer may grow now
		z := append(append(p[:0], x...), y...)
		if !bytes.Equal(z, pattern(tail, n)) {
			t.Fatalf("wrong bytes borrowed at %d", tail)
		}
		tail += uint64(1 + r.IntN(n))
		b.Release(tail)
	}
}

// TestBytesReadWhileGrowing: a consumer that looks again and again, and never
// releases, sees the right bytes whichever array it meets.
func TestBytesReadWhileGrowing(t *testing.T) {
	for round := range 300 {
		const total = 1 << 17
		var b Bytes
		b.Init(total)
		var wg sync.WaitGroup
		wg.Go(func() {
			for head := 0; head < total; {
				head += b.Write(pattern(uint64(head), min(2000+round*7, total-head)))
			}
		})
		p := make([]byte, total)
		for n := 0; n < total; {
			from := max(n-100, 0)
			k := b.CopyAt(p, uint64(from))
			if !bytes.Equal(p[:k], pattern(uint64(from), k)) {
				t.Fatalf("round %d: wrong bytes after %d", round, from)
			}
			if n == from+k {
				runtime.Gosched()
			}
			n = from + k
		}
		wg.Wait()
	}
}

// TestBytesBeginsAgain: what passes through an empty ring always lies in the same
// place, whatever size the array has; what is in the ring stays where it is.
func TestBytesBeginsAgain(t *testing.T) {
	var b Bytes
	b.Init(1 << 20)
	b.Write(make([]byte, 100_000))
	b.Release(b.Head())
	b.Write(pattern(0, 3000))
	first, _ := b.Slices(b.Tail(), 1)
	for range 100 {
		b.Release(b.Head())
		b.Write(pattern(0, 3000))
		if x, y := b.Slices(b.Tail(), 3000); &x[0] != &first[0] || len(y) != 0 {
			t.Fatal("elsewhere")
		}
	}
	b.Write(pattern(3000, 5)) // not empty
	x, _ := b.Slices(b.Tail(), 3005)
	if !bytes.Equal(x, pattern(0, 3005)) {
		t.Error("wrong bytes")
	}
	b.Release(b.Head())
	b.WriteAt(b.Head()+10, pattern(10, 5)) // ahead, and then what belongs before it
	b.WriteAt(b.Head(), pattern(0, 10))
	b.Publish(b.Head() + 15)
	if x, _ := b.Slices(b.Tail(), 15); !bytes.Equal(x, pattern(0, 15)) || &x[0] != &first[0] {
		t.Error("wrong bytes, or elsewhere")
	}
}

// What is reserved counts as written at once, and as readable when published.
func TestBytesAhead(t *testing.T) {
	var r Bytes
	r.Init(100)
	if !r.Unused() || r.Room() != 100 || r.Written() != 0 {
		t.Fatal("a new ring is not empty")
	}
	r.Reserve(0, 60)
	if r.Unused() || r.Room() != 40 || r.Written() != 60 || r.Len() != 0 {
		t.Errorf("room %d, written %d, readable %d", r.Room(), r.Written(), r.Len())
	}
	r.Publish(r.Written())
	r.Release(60)
	if !r.Unused() || r.Room() != 100 {
		t.Errorf("room %d when all is read", r.Room())
	}
}

// TestBytesTakesBack: the memory that an empty ring gave back serves the next one.
func TestBytesTakesBack(t *testing.T) {
	var b, c Bytes
	b.Init(1 << 20)
	c.Init(1 << 20)
	msg := make([]byte, 64)
	if n := testing.AllocsPerRun(200, func() {
		for _, r := range [2]*Bytes{&b, &c} {
			r.Write(msg)
			r.Release(r.Head())
			r.Drop()
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
