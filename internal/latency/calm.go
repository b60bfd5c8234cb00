package latency

import (
	"slices"

	"dataplane/perf"
)

const (
	// sliceTime is what a recorder judges at once.
	sliceTime = 250 * perf.Microsecond
	// sliceMax is how many latencies it keeps for that.
	sliceMax = 16 << 10
)

// recorder books latencies twice: all of them, and those of slices of time in which
// the process kept its CPUs. Who else runs on the machine shows in the difference.
// It belongs to one goroutine, or its owner's lock.
type recorder struct {
	all, calm *perf.Hist
	slice     []perf.Tick  // of the time since the last judgement
	until     perf.Tick    // when the next one is due
	disturbed func() int64 // how often so far
	begun     bool
	seen      int64
	rough     bool // the slice before was disturbed: what it delayed may come now
}

func newRecorder(now perf.Tick, disturbed func() int64) *recorder {
	return &recorder{
		all: perf.NewHist(), calm: perf.NewHist(), slice: make([]perf.Tick, 0, sliceMax),
		until: now + sliceTime, disturbed: disturbed,
	}
}

// note books a latency at the moment now.
func (r *recorder) note(now, v perf.Tick) {
	if !r.begun { // now, as this is the thread that counts
		r.begun, r.seen = true, r.disturbed()
	}
	if now >= r.until || len(r.slice) == sliceMax {
		r.judge()
		r.until = now + sliceTime
	}
	r.slice = append(r.slice, v)
	r.all.Record(v)
}

// judge books the slice if it was calm. A disturbance lasts until a slice has no latency that is
// longer than itself: what has piled up is served.
func (r *recorder) judge() {
	n := r.disturbed()
	rough := n != r.seen || r.rough && len(r.slice) > 0 && slices.Max(r.slice) > sliceTime
	if !rough && !r.rough {
		for _, v := range r.slice {
			r.calm.Record(v)
		}
	}
	r.seen, r.rough = n, rough
	r.slice = r.slice[:0]
}
