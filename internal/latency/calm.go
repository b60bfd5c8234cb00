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
	switches  func() int64 // involuntary ones so far, of the process or the calling thread
	begun     bool
	seen      int64
	rough     bool // the slice before was disturbed: what it delayed may come now
}

func newRecorder(now perf.Tick, switches func() int64) *recorder {
	return &recorder{
		all: perf.NewHist(), calm: perf.NewHist(), slice: make([]perf.Tick, 0, sliceMax),
		until: now + sliceTime, switches: switches,
	}
}

// note books a latency at the moment now.
func (r *recorder) note(now, v perf.Tick) {
	if !r.begun { // now, as this is the thread that counts
		r.begun, r.seen = true, r.switches()
	}
	if now >= r.until || len(r.slice) == sliceMax {
		r.judge()
		r.until = now + sliceTime
	}
	r.slice = append(r.slice, v)
}

// judge books the slice. A disturbance lasts until a slice has no latency that is
// longer than itself: what has piled up is served.
func (r *recorder) judge() {
	n := r.switches()
	rough := n != r.seen || r.rough && len(r.slice) > 0 && slices.Max(r.slice) > sliceTime
	quiet := !rough && !r.rough
	r.seen, r.rough = n, rough
	for _, v := range r.slice {
		r.all.Record(v)
		if quiet {
			r.calm.Record(v)
		}
	}
	r.slice = r.slice[:0]
}
