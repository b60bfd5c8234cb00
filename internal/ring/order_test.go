package ring

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestFence: of two threads that each store and then look at what the other stores, one at
// least sees it, for both have a fence in between.
func TestFence(t *testing.T) {
	const rounds = 100_000
	type side struct {
		_     [64]byte
		word  atomic.Uint64
		order Order
		saw   uint64
		_     [64]byte
	}
	var s [2]side
	var round [2]atomic.Uint64 // how far each of them is
	meet := func(i int, n uint64) {
		round[i].Store(n)
		for spins := 0; round[1-i].Load() < n; spins++ {
			if spins > 100 {
				runtime.Gosched()
			}
		}
	}
	var done sync.WaitGroup
	var missed atomic.Int64
	for i := range s {
		done.Go(func() {
			for n := uint64(1); n <= rounds; n++ {
				meet(i, 3*n)
				StoreRelease(&s[i].word, n)
				s[i].order.Fence()
				s[i].saw = s[1-i].word.Load()
				meet(i, 3*n+1)
				if i == 0 && s[0].saw != n && s[1].saw != n {
					missed.Add(1)
				}
				meet(i, 3*n+2)
			}
		})
	}
	done.Wait()
	if n := missed.Load(); n != 0 {
		t.Errorf("in %d of %d rounds neither saw the other", n, rounds)
	}
}

// TestStoreRelease: who sees the word sees what was written before it.
func TestStoreRelease(t *testing.T) {
	const rounds = 200_000
	var data [8]uint64 // of who has seen the word last
	var there, back atomic.Uint64
	var done sync.WaitGroup
	await := func(w *atomic.Uint64, n uint64) {
		for spins := 0; w.Load() != n; spins++ {
			if spins > 100 {
				runtime.Gosched()
			}
		}
	}
	done.Go(func() {
		for n := uint64(1); n <= rounds; n++ {
			for i := range data {
				data[i] = n
			}
			StoreRelease(&there, n)
			await(&back, n)
		}
	})
	done.Go(func() {
		for n := uint64(1); n <= rounds; n++ {
			await(&there, n)
			for i, v := range data {
				if v != n {
					t.Errorf("word %d is %d in round %d", i, v, n)
				}
			}
			StoreRelease(&back, n)
		}
	})
	done.Wait()
}
