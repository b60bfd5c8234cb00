package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dataplane/mbuf"
	"dataplane/sock"
)

// given lets s receive one frame, in the middle of a burst.
func (b *bench) given(m *mbuf.Mbuf) {
	v, ok := b.l.ip.Straight(m, b.now)
	if !ok {
		v = b.eth.Input(m, b.now)
	}
	b.stat.Count(v)
	b.pool.Free(m)
}

// segments are n bytes of a's and perhaps its FIN on their way.
func (b *bench) segments(n int, fin bool) []*mbuf.Mbuf {
	b.l.cfg.NoGSO = true
	b.a.TX.Write(b.buf[:n])
	if fin {
		b.l.shutWrite(b.a)
	}
	b.l.want(b.a)
	b.l.Output(b.now)
	return b.taken()
}

// warmBench is a bench whose window takes a burst.
func warmBench(t *testing.T) *bench {
	b := newBench(t, 0, 1500)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range b.buf {
		b.buf[i] = byte(r.Uint32())
	}
	for range 10 {
		b.move(b.a, b.b, 100_000)
		b.settle()
	}
	return b
}

// TestBurstIsOne: what comes in order is seen at the end of the burst, one
// acknowledgement answers it, and the reader finds every byte.
func TestBurstIsOne(t *testing.T) {
	b := warmBench(t)
	const n = 10_000
	for _, m := range b.segments(n, false) {
		b.given(m)
		if b.b.RX.Len() != 0 {
			t.Fatalf("%d bytes to be seen within the burst", b.b.RX.Len())
		}
	}
	b.l.EndBurst()
	if got := b.b.RX.Len(); got != n {
		t.Fatalf("%d bytes after the burst, want %d", got, n)
	}
	b.l.Output(b.now)
	acks := b.taken()
	if len(acks) != 1 {
		t.Errorf("%d segments answer a burst", len(acks))
	}
	for _, m := range acks {
		b.given(m)
	}
	if b.a.outstanding() {
		t.Error("not all was acknowledged")
	}
	b.same(t, b.buf[:n])
}

// TestBurstDamaged: a wrong checksum within a burst costs the segment it is in: what
// came before it stays, and what comes after it waits behind the hole.
func TestBurstDamaged(t *testing.T) {
	for bad := range 7 {
		b := warmBench(t)
		const n = 10_000
		f := b.segments(n, false)
		if len(f) != 7 {
			t.Fatalf("%d segments", len(f))
		}
		last := f[bad].Bytes()
		last[len(last)-1] ^= 1
		for _, m := range f {
			b.given(m)
		}
		b.l.EndBurst()
		if got := b.b.RX.Len(); got != bad*b.a.segSize() {
			t.Fatalf("%d bytes after %d good segments", got, bad)
		}
		for i := 0; i < 100 && b.b.RX.Len() < n; i++ {
			b.now += 50_000_000
			b.settle()
		}
		b.same(t, b.buf[:n])
	}
}

// TestBurstEnds: who looks between segments sees data before the end of the stream,
// and code on the lcore sees all that was announced.
func TestBurstEnds(t *testing.T) {
	b := warmBench(t)
	const n = 10_000
	for _, m := range b.segments(n, true) {
		b.given(m)
		if got := b.b.RX.Len(); b.b.Has(sock.FlagRcvShut) && got != n {
			t.Fatalf("the end of the stream behind %d bytes, want %d", got, n)
		}
	}
	if !b.b.Has(sock.FlagRcvShut) {
		t.Error("no end of the stream")
	}
	b.same(t, b.buf[:n])

	b = warmBench(t)
	h := new(looker)
	b.b.CB = h
	f := b.segments(n, false)
	for _, m := range f {
		b.given(m)
	}
	if h.calls != len(f) || h.seen != n {
		t.Errorf("a handler was called %d times for %d segments and saw %d bytes", h.calls, len(f), h.seen)
	}
}

// same reads what b received.
func (b *bench) same(t *testing.T, want []byte) {
	t.Helper()
	got := make([]byte, len(want)+1)
	if got = got[:b.b.RX.Read(got)]; !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or others", len(got), len(want))
	}
}

// looker is a handler that looks.
type looker struct{ calls, seen int }

func (h *looker) DataReady(sk *sock.Sock) { h.calls++; h.seen = sk.RX.Len() }
func (*looker) WriteSpace(*sock.Sock)     {}
func (*looker) StateChange(*sock.Sock)    {}
func (*looker) ErrorReport(*sock.Sock)    {}
