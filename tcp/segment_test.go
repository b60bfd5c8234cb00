package tcp_test

import (
	"math/rand/v2"
	"testing"

	"dataplane/perf"
)

// TestWrongSum: segments of any size, in order or not, for a connection or nobody,
// are lost without a trace if their checksum is wrong, also where it is verified only
// while the payload is copied; what follows is the stream as it was sent.
func TestWrongSum(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1460, TS: true, WScale: 4}, 0)
	r := rand.New(rand.NewPCG(1, 2))
	bad, unread := uint64(0), 0
	for range 400 {
		n, at, ahead := 1+r.IntN(1400), f.Nxt(), int64(0)
		if r.IntN(3) == 0 {
			ahead = int64(1 + r.IntN(3000))
		}
		f.Send(Seg{Seq: at + ahead, Len: n, BadSum: true})
		f.SetNxt(at)
		w.Flow(80, 55555).Send(Seg{Flags: SYN, Len: n, BadSum: true})
		bad += 2
		w.Quiet()
		if got := w.Drops(perf.DropTCPChecksum); got != bad || a.Readable() != unread {
			t.Fatalf("%d wrong checksums, want %d; %d bytes to read, want %d", got, bad, a.Readable(), unread)
		}
		if unread > 5000 { // some of the next pieces wrap
			a.Expect(unread)
			unread = 0
		}
		n = 1 + r.IntN(1400)
		f.Send(Seg{Len: n})
		w.Flush()
		unread += n
	}
	a.Expect(unread)
}
