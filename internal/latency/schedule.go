package latency

import (
	"math/rand/v2"

	"dataplane/perf"
)

// schedule says when the requests of one sender are meant to leave. It knows
// nothing of what happens to them.
type schedule struct {
	at  float64    // nanoseconds
	gap float64    // mean
	rng *rand.Rand // nil: every gap is the same
}

// newSchedule begins at start. A seed other than 0 makes the gaps exponential, as
// those of many users who know nothing of each other; the same seed makes the same.
func newSchedule(start perf.Tick, gap float64, seed uint64) *schedule {
	s := &schedule{at: float64(start), gap: gap}
	if seed != 0 {
		s.rng = rand.New(rand.NewPCG(seed, 0))
	}
	return s
}

// next returns when the next request is meant to leave.
func (s *schedule) next() perf.Tick {
	at := perf.Tick(s.at)
	if s.rng == nil {
		s.at += s.gap
	} else {
		s.at += s.gap * s.rng.ExpFloat64()
	}
	return at
}
