package mbuf

import (
	"runtime"
	"testing"

	"dataplane/internal/ring"
)

func newRing() *Ring { return ring.NewSPSC[*Mbuf](64) }

// yield lets the other side run when there was nothing to do.
func yield(n int) {
	if n == 0 {
		runtime.Gosched()
	}
}

func TestNoAllocation(t *testing.T) {
	if debugging {
		t.Skip("mbufdebug allocates for its books")
	}
	p, o := newPool(t, 64), newPool(t, 64)
	var b [32]*Mbuf
	o.Free(p.Alloc()) // opens the parcel
	o.Housekeep()
	if n := testing.AllocsPerRun(200, func() {
		p.AllocBulk(b[:])
		p.FreeBulk(b[:])
		p.AllocBulk(b[:])
		o.FreeBulk(b[:])
		m := p.Alloc()
		m.Append(100)
		m.Prepend(14)
		m.Chain(p.Alloc())
		m.Trim(50)
		FreeAnywhere(m)
		o.Housekeep()
		p.Housekeep()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllocFreeBurst32(b *testing.B) {
	p := newPool(b, 512)
	var burst [32]*Mbuf
	for b.Loop() {
		p.AllocBulk(burst[:])
		p.FreeBulk(burst[:])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/mbuf")
}

func BenchmarkAllocFreeSingle(b *testing.B) {
	p := newPool(b, 512)
	for b.Loop() {
		p.Free(p.Alloc())
	}
}

func BenchmarkForeignFree(b *testing.B) {
	p, o := newPool(b, 512), newPool(b, 512)
	var burst [32]*Mbuf
	for b.Loop() {
		p.AllocBulk(burst[:])
		o.FreeBulk(burst[:])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/mbuf")
	o.Housekeep()
}

func BenchmarkPrependAdj(b *testing.B) {
	p := newPool(b, 1)
	m := p.Alloc()
	m.Append(64)
	for b.Loop() {
		m.Prepend(14)[0] = 1
		m.Adj(14)
	}
	p.Free(m)
}
