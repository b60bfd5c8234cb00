package main

import (
	"context"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/wire"
)

// TestForward sends a frame in at one end, and wants it at the other.
func TestForward(t *testing.T) {
	pair := func(name string) (far, near *wire.Port) {
		a, b, err := wire.Pair(wire.Config{Name: name + "0"}, wire.Config{Name: name + "1"})
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	left, in := pair("left")
	right, out := pair("right")
	pool, err := mbuf.NewPool(mbuf.Config{Name: "test", Count: 512})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []pmd.Port{left, right} {
		if err := p.Start([]*mbuf.Pool{pool}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- forward(ctx, []pmd.Port{in, out}, true) }()
	m := pool.Alloc()
	copy(m.Append(64), "destinsource")
	var b [1]*mbuf.Mbuf
	for end := time.Now().Add(10 * time.Second); right.Queue(0).RxBurst(b[:]) == 0; time.Sleep(time.Millisecond) {
		if m != nil && left.Queue(0).TxBurst([]*mbuf.Mbuf{m}) == 1 {
			m = nil
		}
		if time.Now().After(end) {
			t.Fatal("the frame did not come")
		}
	}
	if got := string(b[0].Bytes()[:12]); got != "sourcedestin" || b[0].PktLen != 64 {
		t.Errorf("%q, %d bytes", got, b[0].PktLen)
	}
	pool.Free(b[0])
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, p := range []pmd.Port{left, right} {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	pool.Housekeep()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}
