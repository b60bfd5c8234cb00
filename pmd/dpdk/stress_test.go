//go:build dpdk && !static

package dpdk

import (
	"io"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// TestBurstsUnderFire passes frames around while the process collects garbage, stops
// the world, is profiled by signals and preempts everybody: what runs in C is
// unknown to the scheduler, and must not be disturbed.
func TestBurstsUnderFire(t *testing.T) {
	p := open(t, "net_ring9", pmd.Options{})
	pool := newTestPool(t, p, 512)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Log("no profile:", err) // go test has one already
	} else {
		defer pprof.StopCPUProfile()
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	var keep [64]atomic.Pointer[[]byte]
	for range 2 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				b := make([]byte, 64<<10)
				keep[i%len(keep)].Store(&b)
				if i%100 == 0 {
					runtime.GC()
					runtime.Gosched()
				}
			}
		})
	}
	defer wg.Wait()
	defer stop.Store(true)

	q := p.Queue(0)
	var burst [32]*mbuf.Mbuf
	if !pool.AllocBulk(burst[:]) {
		t.Fatal("no buffers")
	}
	for i, m := range burst {
		m.Append(64)[0] = byte(i)
	}
	if n := q.TxBurst(burst[:]); n != len(burst) {
		t.Fatalf("%d frames were taken", n)
	}
	rounds := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		for range 1000 {
			n := q.RxBurst(burst[:])
			if n != 32 {
				t.Fatalf("round %d brought %d frames", rounds, n)
			}
			for i, m := range burst {
				if m.Bytes()[0] != byte(i) || m.PktLen != 64 {
					t.Fatalf("round %d: frame %d is %d, %d bytes", rounds, i, m.Bytes()[0], m.PktLen)
				}
			}
			if k := q.TxBurst(burst[:n]); k != n {
				t.Fatalf("round %d: %d frames were taken", rounds, k)
			}
			rounds++
		}
		runtime.Gosched() // to another thread, perhaps
	}
	pool.FreeBulk(burst[:q.RxBurst(burst[:])])
	t.Logf("%d rounds", rounds)
}
