package ring

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// TestMPSCModel compares random operations of one thread with a slice.
func TestMPSCModel(t *testing.T) {
	for _, size := range []int{0, 1, 2, 5, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := NewMPSC[int](size)
			rnd := rand.New(rand.NewPCG(uint64(size), 3))
			var model []int
			next := 0
			for range 20000 {
				b := make([]int, rnd.IntN(r.Cap()+3))
				switch rnd.IntN(3) {
				case 0:
					if ok := r.Push(next); ok != (len(model) < r.Cap()) {
						t.Fatalf("Push: %v with %d of %d", ok, len(model), r.Cap())
					} else if ok {
						model = append(model, next)
						next++
					}
				case 1:
					for i := range b {
						b[i] = next + i
					}
					n := r.PushBurst(b)
					if n != min(len(b), r.Cap()-len(model)) {
						t.Fatalf("PushBurst: %d of %d", n, len(b))
					}
					model = append(model, b[:n]...)
					next += n
				case 2:
					n := r.PopBurst(b)
					if n != min(len(b), len(model)) || !slices.Equal(b[:n], model[:n]) {
						t.Fatalf("PopBurst: %v; model %v", b[:n], model)
					}
					model = model[n:]
				}
				if r.Len() != len(model) {
					t.Fatalf("Len %d, model %d", r.Len(), len(model))
				}
			}
		})
	}
}

// TestMPSCThreads: every producer's items arrive once and in its order, and
// the items of a burst arrive together.
func TestMPSCThreads(t *testing.T) {
	const producers, each = 4, 30000
	type item struct{ who, n, burst int }
	r := NewMPSC[*item](128)
	var wg sync.WaitGroup
	for who := range producers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(who), 9))
			for sent, burst := 0, 1; sent < each; burst++ {
				b := make([]*item, min(1+rnd.IntN(8), each-sent))
				for i := range b {
					b[i] = &item{who, sent + i, burst}
				}
				if len(b) == 1 {
					if !r.Push(b[0]) {
						runtime.Gosched()
						continue
					}
					sent++
					continue
				}
				k := r.PushBurst(b)
				sent += k
				if k == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	var next, last [producers]int
	prev := &item{}
	var b [32]*item
	for got := 0; got < producers*each; {
		n := r.PopBurst(b[:])
		got += n
		for _, it := range b[:n] {
			if it.n != next[it.who] {
				t.Fatalf("producer %d: %d instead of %d", it.who, it.n, next[it.who])
			}
			next[it.who]++
			if it.burst == last[it.who] && prev.who != it.who {
				t.Fatal("a burst was torn")
			}
			last[it.who], prev = it.burst, it
		}
		if n == 0 {
			runtime.Gosched()
		}
	}
	wg.Wait()
}
