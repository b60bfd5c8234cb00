package fault

import (
	"math/rand/v2"
	"sort"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
)

// TestHeap compares the heap with a sorted list, equal times in order of arrival.
func TestHeap(t *testing.T) {
	type item struct {
		due perf.Tick
		m   *mbuf.Mbuf
	}
	r := rand.New(rand.NewPCG(1, 2))
	var h heap
	var list []item
	for range 20000 {
		if r.IntN(5) < 3 || len(list) == 0 {
			it := item{perf.Tick(r.IntN(50)), new(mbuf.Mbuf)}
			h.push(it.m, it.due)
			list = append(list, it)
			sort.SliceStable(list, func(i, j int) bool { return list[i].due < list[j].due })
			if len(list) > 200 {
				list = list[:0]
				h = heap{}
			}
			continue
		}
		if h.first() != list[0].due || h.len() != len(list) {
			t.Fatalf("first %v of %d, want %v of %d", h.first(), h.len(), list[0].due, len(list))
		}
		if h.pop() != list[0].m {
			t.Fatal("wrong frame")
		}
		list = list[1:]
	}
}

func BenchmarkPipe(b *testing.B) {
	pool, err := mbuf.NewPool(mbuf.Config{Name: "pipe", Count: 2048})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	var p pipe
	p.init(Impair{Lose: 0.01, Reorder: 0.01, Delay: perf.Microsecond}, newDice(1, 0, 0))
	p.pool = pool
	var f [32]*mbuf.Mbuf
	now := perf.Tick(0)
	b.ReportAllocs()
	for i := 0; i < b.N; i += 32 {
		now += 500
		pool.AllocBulk(f[:])
		for _, m := range f {
			m.Append(100)
			p.accept(m, now)
		}
		n := p.release(f[:], now)
		pool.FreeBulk(f[:n])
	}
	for now += perf.Second; ; {
		n := p.release(f[:], now)
		if n == 0 {
			return
		}
		pool.FreeBulk(f[:n])
	}
}
