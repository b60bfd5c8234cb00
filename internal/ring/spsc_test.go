package ring

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// TestSPSCModel compares random operations with a slice.
func TestSPSCModel(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 8, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := NewSPSC[int](size)
			rnd := rand.New(rand.NewPCG(uint64(size), 1))
			var model []int
			next := 0
			for range 20000 {
				switch rnd.IntN(4) {
				case 0:
					if ok := r.Push(next); ok != (len(model) < r.Cap()) {
						t.Fatalf("Push: %v with %d of %d", ok, len(model), r.Cap())
					} else if ok {
						model = append(model, next)
						next++
					}
				case 1:
					v, ok := r.Pop()
					if ok != (len(model) > 0) || ok && v != model[0] {
						t.Fatalf("Pop: %d, %v; model %v", v, ok, model)
					}
					model = model[min(1, len(model)):]
				case 2:
					b := make([]int, rnd.IntN(r.Cap()+3))
					for i := range b {
						b[i] = next + i
					}
					n := r.PushBurst(b)
					if n != min(len(b), r.Cap()-len(model)) {
						t.Fatalf("PushBurst: %d of %d", n, len(b))
					}
					model = append(model, b[:n]...)
					next += n
				case 3:
					b := make([]int, rnd.IntN(r.Cap()+3))
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

// TestSPSCThreads sends numbers in random bursts from one thread to another,
// while a third looks at the length.
func TestSPSCThreads(t *testing.T) {
	const total = 300000
	r := NewSPSC[uint64](64)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				if n := r.Len(); n < 0 || n > r.Cap() {
					t.Errorf("Len is %d", n)
				}
				runtime.Gosched()
			}
		}
	}()
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(1, 1))
		var b [48]uint64
		for sent := uint64(0); sent < total; {
			n := min(uint64(rnd.IntN(len(b)+1)), total-sent)
			for i := range n {
				b[i] = sent + i
			}
			k := r.PushBurst(b[:n])
			sent += uint64(k)
			if k == 0 {
				runtime.Gosched()
			}
		}
	})
	rnd := rand.New(rand.NewPCG(2, 2))
	var b [48]uint64
	for got := uint64(0); got < total; {
		n := r.PopBurst(b[:rnd.IntN(len(b)+1)])
		for _, v := range b[:n] {
			if v != got {
				t.Fatalf("%d instead of %d", v, got)
			}
			got++
		}
		if n == 0 {
			runtime.Gosched()
		}
	}
	wg.Wait()
	close(stop)
}

// TestPoppedSlotsAreZeroed: a ring keeps nothing alive that it gave out.
func TestPoppedSlotsAreZeroed(t *testing.T) {
	s := NewSPSC[*int](8)
	m := NewMPSC[*int](8)
	b := make([]*int, 8)
	for range 3 {
		for i := range b {
			b[i] = new(int)
		}
		s.PushBurst(b[:5])
		s.Push(b[0])
		m.PushBurst(b[:6])
		s.PopBurst(b[:5])
		s.Pop()
		m.PopBurst(b)
	}
	for i := range 8 {
		if s.slots[i] != nil || m.slots[i].v != nil {
			t.Errorf("slot %d is not empty", i)
		}
	}
}

func TestHasPointers(t *testing.T) {
	type plain struct {
		_ int
		_ [3]struct{ _ float64 }
	}
	type deep struct {
		_ int
		_ [1]struct{ _ []int }
	}
	for i, ok := range []bool{
		!hasPointers[int](), !hasPointers[plain](), !hasPointers[[0]*int](), !hasPointers[uintptr](),
		hasPointers[*int](), hasPointers[deep](), hasPointers[string](), hasPointers[any](), hasPointers[func()](),
		hasPointers[chan int](), hasPointers[map[int]int](),
	} {
		if !ok {
			t.Errorf("case %d", i)
		}
	}
}
