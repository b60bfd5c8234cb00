package fault

import "sync/atomic"

// Counts is what became of one direction's frames. Frames + Duplicated come out
// again, but for Lost, BlackHoled, Overflowed, Destroyed, Discarded and those that
// are still held.
type Counts struct {
	Frames     uint64 // came
	Lost       uint64 // by Lose
	BlackHoled uint64 // greater than MTU
	Overflowed uint64 // found the queue full; copies too
	Duplicated uint64 // copies made
	Reordered  uint64 // set aside
	Corrupted  uint64
	Truncated  uint64
	Destroyed  uint64 // damaged frames without IP, which a link would have dropped
	Discarded  uint64 // were still held at Close
}

// counters are written by the queue's lcore, discarded by Close.
type counters struct {
	frames, lost, blackHoled, overflowed, duplicated      atomic.Uint64
	reordered, corrupted, truncated, destroyed, discarded atomic.Uint64
}

func (c *counters) addTo(s *Counts) {
	s.Frames += c.frames.Load()
	s.Lost += c.lost.Load()
	s.BlackHoled += c.blackHoled.Load()
	s.Overflowed += c.overflowed.Load()
	s.Duplicated += c.duplicated.Load()
	s.Reordered += c.reordered.Load()
	s.Corrupted += c.corrupted.Load()
	s.Truncated += c.truncated.Load()
	s.Destroyed += c.destroyed.Load()
	s.Discarded += c.discarded.Load()
}
