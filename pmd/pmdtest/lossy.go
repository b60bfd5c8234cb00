package pmdtest

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// testThreadsLossy runs both ends at once, each on its goroutine. Every frame that
// was sent has arrived or is counted as lost by one of the ends.
func testThreadsLossy(t *testing.T, l *link) {
	if l.self {
		t.Skip("one thread")
	}
	const frames = 20000
	var wg sync.WaitGroup
	got := make([]int, 2)
	for i, e := range l.ends() {
		wg.Go(func() { got[i] = e.flood(frames) })
	}
	wg.Wait()
	for i, e := range l.ends() {
		// What the other one sent last may have come after we gave up.
		got[i] += e.drain()
	}
	for i, e := range l.ends() {
		rx, tx := e.port.Stats(), e.peer.port.Stats()
		if all := uint64(got[i]) + lost(rx) + tx.OErrors; all != frames {
			t.Errorf("of %d frames %d arrived; lost by the sender %d, by the receiver %d: %+v", frames, got[i], tx.OErrors, lost(rx), rx)
		}
		if got[i] == 0 || rx.IPackets != uint64(got[i]) || tx.OPackets+tx.OErrors != frames {
			t.Errorf("%d arrived; receiver %+v, sender %+v", got[i], rx, tx)
		}
	}
}

func lost(s pmd.Stats) uint64 { return s.IMissed + s.RxNoMbuf + s.IErrors }

// flood sends so many frames and returns how many came meanwhile, and until nothing
// has come for a while.
func (e *end) flood(frames int) (got int) {
	var b [32]*mbuf.Mbuf
	idle := time.Now()
	for sent := 0; sent < frames || time.Since(idle) < 100*time.Millisecond; {
		n := e.burst(b[:min(32, frames-sent)])
		k := e.queue.TxBurst(b[:n])
		e.pool.FreeBulk(b[k:n])
		sent += k
		k2 := e.queue.RxBurst(b[:])
		e.pool.FreeBulk(b[:k2])
		got += k2
		if k+k2 > 0 {
			idle = time.Now()
			continue
		}
		if time.Since(idle) > patience {
			break
		}
		runtime.Gosched()
	}
	return got
}
