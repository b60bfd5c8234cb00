package tcp_test

import (
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/tcp"
)

// The vocabulary of the tests on the wire, by its short names.
type (
	Seg   = wiretest.Seg
	Block = wiretest.Block
	Wire  = wiretest.Wire
	Flow  = wiretest.Flow
	App   = wiretest.App
)

const (
	FIN = tcp.FIN
	SYN = tcp.SYN
	RST = tcp.RST
	PSH = tcp.PSH
	ACK = tcp.ACK

	ms = perf.Millisecond
)

func newWire(t *testing.T) *Wire {
	t.Helper()
	return wiretest.New(t, wiretest.Config{})
}

// near fails unless got is want, give or take 2 ms: the wheel's grain and the
// clock's.
func near(t *testing.T, what string, got, want perf.Tick) {
	t.Helper()
	if d := got - want; d < -2*ms || d > 2*ms {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}

// sack lists blocks by their edges: start, end, start, end, ...
func sack(edges ...int64) (b []Block) {
	for ; len(edges) > 1; edges = edges[2:] {
		b = append(b, Block{Start: edges[0], End: edges[1]})
	}
	return b
}

// full expects n segments of mss bytes in a row.
func full(f *Flow, n, mss int) {
	for range n {
		f.Expect(Seg{Len: mss})
	}
}

// warm lets the stack receive enough for its first quick ACKs to be over, and
// takes the ACKs.
func warm(w *Wire, f *Flow, a *App) {
	for range 40 {
		f.Send(Seg{Len: 1000})
		a.Expect(a.Readable())
	}
	w.Advance(500 * ms)
	a.Expect(a.Readable())
	for w.Pending() > 0 {
		f.Recv()
	}
}
