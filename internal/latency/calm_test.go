package latency

import (
	"testing"

	"dataplane/perf"
)

// What comes in a slice with a switch, or in the one after it, is not calm.
func TestRecorder(t *testing.T) {
	var switches int64
	r := newRecorder(0, func() int64 { return switches })
	for slice := range perf.Tick(10) {
		for i := range perf.Tick(100) {
			r.note(slice*sliceTime+i, 1000*(slice+1))
			if slice == 4 && i == 50 {
				switches++
			}
		}
	}
	r.judge()
	if r.all.Count() != 1000 || r.calm.Count() != 800 {
		t.Errorf("%d latencies, %d calm", r.all.Count(), r.calm.Count())
	}
	for _, rough := range []perf.Tick{4000, 5000, 6000} {
		found := false
		for p := 5.0; p < 100; p++ {
			found = found || near(r.calm.Percentile(p), rough)
		}
		if found != (rough == 4000) {
			t.Errorf("latency %v is among the calm ones: %v", rough, found)
		}
	}
}

// What has piled up belongs to the disturbance.
func TestRecorderPile(t *testing.T) {
	var switches int64
	r := newRecorder(0, func() int64 { return switches })
	for slice := range perf.Tick(8) {
		v := perf.Microsecond
		if slice == 2 {
			switches++
		}
		if slice >= 2 && slice < 6 {
			v = 2 * sliceTime
		}
		r.note(slice*sliceTime, v)
	}
	r.judge()
	if r.calm.Count() != 2 || r.calm.Max() > 2*perf.Microsecond {
		t.Errorf("calm: %v", r.calm)
	}
}

// A slice with more latencies than fit is judged early.
func TestRecorderFull(t *testing.T) {
	r := newRecorder(0, func() int64 { return 7 })
	for range 3*sliceMax + 1 {
		r.note(1, 1)
	}
	r.judge()
	if r.all.Count() != 3*sliceMax+1 || r.calm.Count() != r.all.Count() {
		t.Errorf("%d latencies, %d calm", r.all.Count(), r.calm.Count())
	}
	if n := testing.AllocsPerRun(1000, func() { r.note(1, 1) }); n != 0 {
		t.Errorf("%g allocations for a latency", n)
	}
}
