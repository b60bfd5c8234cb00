package mbuf

import (
	"sync"
	"testing"
)

// TestBulkHome: foreign buffers travel by the parcel, the rest in housekeeping.
func TestBulkHome(t *testing.T) {
	home, other := newPool(t, 100), newPool(t, 1)
	b := make([]*Mbuf, bulk+5)
	if !home.AllocBulk(b) {
		t.Fatal("no buffers")
	}
	other.FreeBulk(b[:bulk-1])
	if home.InUse() != len(b) {
		t.Error("home before the parcel was full")
	}
	other.FreeBulk(b[bulk-1:])
	if home.InUse() != 5 {
		t.Errorf("%d away after a full parcel", home.InUse())
	}
	other.Housekeep()
	if home.InUse() != 0 {
		t.Errorf("%d away after housekeeping", home.InUse())
	}
}

// TestParcelsAreReused: a pool that meets many others keeps as many parcels as
// it had open at once.
func TestParcelsAreReused(t *testing.T) {
	p := newPool(t, 1)
	for range 20 {
		o := newPool(t, 1)
		p.Free(o.Alloc())
		p.Housekeep()
	}
	if len(p.away) != 1 {
		t.Errorf("%d parcels", len(p.away))
	}
	a, b := newPool(t, 1), newPool(t, 1)
	p.Free(a.Alloc())
	p.Free(b.Alloc())
	if len(p.away) != 2 {
		t.Errorf("%d parcels for two homes", len(p.away))
	}
	p.Housekeep()
}

// TestMixedChain: the segments of a chain go to their own homes, from any thread.
func TestMixedChain(t *testing.T) {
	a, b := newPool(t, 2), newPool(t, 2)
	chain := func() *Mbuf {
		m := a.Alloc()
		m.Chain(b.Alloc())
		return m
	}
	FreeAnywhere(chain())
	a.Free(chain())
	a.Housekeep()
	b.Housekeep()
	if a.InUse() != 0 || b.InUse() != 0 {
		t.Errorf("%d and %d away", a.InUse(), b.InUse())
	}
}

// TestFromOtherThreads lets one lcore allocate and three threads free, one of
// them through a pool of its own.
func TestFromOtherThreads(t *testing.T) {
	const rounds = 20000
	home := newPool(t, 256)
	var wg sync.WaitGroup
	var rings [3]*Ring
	for i := range rings {
		rings[i] = newRing()
		wg.Go(func() {
			var own *Pool
			if i == 0 {
				own = newPool(t, 8)
			}
			var b [16]*Mbuf
			for got := 0; got < rounds; {
				n := rings[i].PopBurst(b[:])
				got += n
				for _, m := range b[:n] {
					if m.Bytes()[0] != byte(i) {
						t.Error("not the buffer that was sent")
					}
					if own != nil {
						own.Free(m)
					} else {
						FreeAnywhere(m)
					}
				}
				if own != nil && n == 0 {
					own.Housekeep()
				}
				yield(n)
			}
			if own != nil {
				own.Housekeep()
			}
		})
	}
	var sent [3]int
	for done := 0; done < 3*rounds; {
		before := done
		for i, r := range rings {
			if sent[i] == rounds {
				continue
			}
			m := home.Alloc()
			if m == nil {
				continue
			}
			m.Append(1)[0] = byte(i)
			if !r.Push(m) {
				home.Free(m)
				continue
			}
			sent[i]++
			done++
		}
		yield(done - before)
	}
	wg.Wait()
	home.Housekeep()
	if home.InUse() != 0 {
		t.Errorf("%d of %d are missing", home.InUse(), home.Size())
	}
}
