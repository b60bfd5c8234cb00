package ring

import (
	"runtime"
	"testing"
)

func TestNoAllocation(t *testing.T) {
	s, m := NewSPSC[*int](64), NewMPSC[*int](64)
	d := newBell(t)
	var b [32]*int
	var y Bytes
	y.Init(1 << 16)
	buf := make([]byte, 3000)
	y.Write(buf)
	y.Release(y.Head())
	if n := testing.AllocsPerRun(500, func() {
		s.PushBurst(b[:])
		s.PopBurst(b[:])
		s.Push(nil)
		s.Pop()
		m.PushBurst(b[:])
		m.Push(nil)
		m.PopBurst(b[:])
		m.PopBurst(b[:])
		y.Write(buf)
		y.CopyAt(buf, y.Tail())
		y.Slices(y.Tail(), 100)
		y.Read(buf)
		d.Announce()
		d.Ring()
		d.Cancel()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func perItem(b *testing.B, items int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(items), "ns/item")
}

func BenchmarkSPSCBurst32(b *testing.B) {
	r := NewSPSC[uintptr](256)
	var burst [32]uintptr
	for b.Loop() {
		r.PushBurst(burst[:])
		r.PopBurst(burst[:])
	}
	perItem(b, 32)
}

func BenchmarkSPSCPointersBurst32(b *testing.B) {
	r := NewSPSC[*int](256)
	var burst [32]*int
	for b.Loop() {
		r.PushBurst(burst[:])
		r.PopBurst(burst[:])
	}
	perItem(b, 32)
}

func BenchmarkSPSCSingle(b *testing.B) {
	r := NewSPSC[uintptr](256)
	for b.Loop() {
		r.Push(1)
		r.Pop()
	}
}

// BenchmarkSPSCCross moves bursts of 32 from one thread to another.
func BenchmarkSPSCCross(b *testing.B) {
	r := NewSPSC[uintptr](512)
	done := make(chan struct{})
	n := b.N * 32
	go func() {
		var burst [32]uintptr
		for got := 0; got < n; {
			k := r.PopBurst(burst[:])
			if got += k; k == 0 {
				runtime.Gosched()
			}
		}
		close(done)
	}()
	var burst [32]uintptr
	for sent := 0; sent < n; {
		k := r.PushBurst(burst[:min(32, n-sent)])
		if sent += k; k == 0 {
			runtime.Gosched()
		}
	}
	<-done
	perItem(b, 32)
}

func BenchmarkMPSCBurst32(b *testing.B) {
	r := NewMPSC[uintptr](256)
	var burst [32]uintptr
	for b.Loop() {
		r.PushBurst(burst[:])
		r.PopBurst(burst[:])
	}
	perItem(b, 32)
}

func BenchmarkBytes64(b *testing.B) {
	var r Bytes
	r.Init(1 << 16)
	var p [64]byte
	for b.Loop() {
		r.Write(p[:])
		r.Read(p[:])
	}
}

func BenchmarkBytes16K(b *testing.B) {
	var r Bytes
	r.Init(1 << 17)
	var p [16 << 10]byte
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		r.Write(p[:])
		r.Read(p[:])
	}
}

func BenchmarkDoorbellNobodySleeps(b *testing.B) {
	d := newBell(b)
	for b.Loop() {
		d.Ring()
	}
}

func BenchmarkDoorbellWake(b *testing.B) {
	d := newBell(b)
	for b.Loop() {
		d.Announce()
		d.Ring()
		d.Cancel()
	}
}
