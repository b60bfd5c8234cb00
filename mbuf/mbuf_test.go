package mbuf

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// newPool returns a pool that must be whole again when the test ends.
func newPool(t testing.TB, count int) *Pool {
	t.Helper()
	p, err := NewPool(Config{Name: t.Name(), Count: count})
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

// chainOf returns a chain whose segments hold the parts.
func chainOf(p *Pool, parts ...[]byte) *Mbuf {
	var head *Mbuf
	for _, part := range parts {
		m := p.Alloc()
		copy(m.Append(len(part)), part)
		if head == nil {
			head = m
		} else {
			head.Chain(m)
		}
	}
	return head
}

// content returns the chain's bytes and checks its lengths.
func content(t *testing.T, m *Mbuf) []byte {
	t.Helper()
	var b []byte
	segs := 0
	for s := m; s != nil; s = s.Next() {
		b = append(b, s.Bytes()...)
		segs++
	}
	if int(m.PktLen) != len(b) || int(m.NbSegs) != segs {
		t.Fatalf("PktLen %d of %d bytes, NbSegs %d of %d", m.PktLen, len(b), m.NbSegs, segs)
	}
	return b
}

// TestFrame: a frame lies where Prepend and Append would have put it, and is refused
// where they would have been.
func TestFrame(t *testing.T) {
	p := newPool(t, 2)
	for _, c := range []struct{ head, n int }{{0, 0}, {34, 72}, {Headroom, 1}, {Headroom + 1, 1}, {14, 1 << 15}, {54, 0}} {
		a, b := p.Alloc(), p.Alloc()
		x, y := a.Append(c.n), a.Prepend(c.head)
		f := b.Frame(c.head, c.n)
		switch {
		case x == nil || y == nil:
			if f != nil || b.PktLen != 0 || b.DataOff != Headroom {
				t.Errorf("%+v: not refused", c)
			}
		case len(f) != c.head+c.n || len(b.Bytes()) != len(f) || b.PktLen != a.PktLen || b.DataOff != a.DataOff || b.DataLen != a.DataLen:
			t.Errorf("%+v: %d bytes at %d, not at %d", c, len(f), b.DataOff, a.DataOff)
		}
		p.Free(a)
		p.Free(b)
	}
}

// TestSegmentModel edits one segment at random beside a byte slice.
func TestSegmentModel(t *testing.T) {
	p := newPool(t, 1)
	r := rand.New(rand.NewPCG(1, 1))
	m := p.Alloc()
	var want []byte
	fresh := byte(0)
	fill := func(b []byte) {
		for i := range b {
			fresh++
			b[i] = fresh
		}
	}
	for range 20000 {
		n := r.IntN(200)
		switch r.IntN(4) {
		case 0:
			room := m.Headroom()
			b := m.Prepend(n)
			if (b == nil) != (n > room) || b != nil && len(b) != n {
				t.Fatalf("Prepend(%d) in %d gave %d", n, room, len(b))
			}
			fill(b)
			want = append(bytes.Clone(b), want...)
		case 1:
			room := m.Tailroom()
			b := m.Append(n)
			if (b == nil) != (n > room) || b != nil && len(b) != n {
				t.Fatalf("Append(%d) in %d gave %d", n, room, len(b))
			}
			fill(b)
			want = append(want, b...)
		case 2:
			m.Adj(n)
			want = want[min(n, len(want)):]
		case 3:
			m.Trim(n)
			want = want[:max(len(want)-n, 0)]
		}
		if !bytes.Equal(content(t, m), want) {
			t.Fatal("content differs")
		}
		if got := m.Headroom() + len(want) + m.Tailroom(); got != int(m.BufLen) || len(m.Room()) != got-m.Headroom() {
			t.Fatalf("%d bytes of room in a buffer of %d", got, m.BufLen)
		}
	}
	p.Free(m)
}

// TestChainModel trims and copies random chains beside a byte slice.
func TestChainModel(t *testing.T) {
	p := newPool(t, 16)
	r := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		var parts [][]byte
		for range 1 + r.IntN(6) {
			part := make([]byte, r.IntN(50))
			for i := range part {
				part[i] = byte(r.Uint32())
			}
			parts = append(parts, part)
		}
		m, want := chainOf(p, parts...), bytes.Join(parts, nil)
		n := r.IntN(100)
		m.Trim(n)
		want = want[:max(len(want)-n, 0)]
		if !bytes.Equal(content(t, m), want) {
			t.Fatalf("trimmed by %d: %d bytes, want %d", n, m.PktLen, len(want))
		}
		off, buf := r.IntN(120), make([]byte, r.IntN(120))
		got := buf[:m.CopyTo(off, buf)]
		if exp := want[min(off, len(want)):]; !bytes.Equal(got, exp[:min(len(exp), len(buf))]) {
			t.Fatalf("CopyTo(%d) gave %d bytes", off, len(got))
		}
		p.Free(m)
		if p.InUse() != 0 {
			t.Fatal("the chain did not come back whole")
		}
	}
}

func TestChainOfChains(t *testing.T) {
	p := newPool(t, 8)
	m := chainOf(p, []byte("ab"), []byte("cd"))
	m.Chain(chainOf(p, []byte("ef"), nil, []byte("g")))
	if got := content(t, m); string(got) != "abcdefg" {
		t.Errorf("%q", got)
	}
	if string(m.Last().Bytes()) != "g" || m.Next().NbSegs != 1 {
		t.Error("the chain is put together wrongly")
	}
	rest := m.Next()
	m.SetNext(nil)
	p.Free(m)
	p.Free(rest)
}

func TestTxOffload(t *testing.T) {
	var m Mbuf
	for _, c := range [][4]int{{14, 20, 32, 1448}, {127, 511, 255, 65535}, {0, 0, 0, 1}, {18, 60, 8, 0}} {
		m.SetTx(c[0], c[1], c[2], c[3])
		if got := [4]int{m.L2Len(), m.L3Len(), m.L4Len(), m.SegSize()}; got != c {
			t.Errorf("%v, want %v", got, c)
		}
	}
	m.SetTx(14, 20, 20, 1460)
	if m.TxOffload != 14|20<<7|20<<16|1460<<24 {
		t.Errorf("%#x is not DPDK's packing", m.TxOffload)
	}
}
