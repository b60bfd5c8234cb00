package perf

// Stat is one lcore's counters: plain words, written and read by that lcore
// only; others read the copy a Snapshot publishes.
//
// RxFrames = Delivered + the sum of Drops, always, because a frame is counted
// once when it comes and once when its fate is known (see Late).
type Stat struct {
	RxFrames, RxBytes uint64
	TxFrames, TxBytes uint64
	Delivered         uint64
	Drops             [NumVerdicts]uint64 // received frames, by reason
	Lost              [NumVerdicts]uint64 // frames of our own that never left, by reason
	Events            [NumEvents]uint64
}

// Count books the fate of one received frame.
func (s *Stat) Count(v Verdict) {
	if v <= Taken {
		s.Delivered++
		return
	}
	s.Drops[v]++
}

// CountAll books the fate of n received frames that were handled as one.
func (s *Stat) CountAll(v Verdict, n int) {
	if v <= Taken {
		s.Delivered += uint64(n)
		return
	}
	s.Drops[v] += uint64(n)
}

// Late corrects the books: n frames that were counted as Taken died now of v,
// e.g. fragments whose datagram was never completed.
func (s *Stat) Late(v Verdict, n int) {
	s.Delivered -= uint64(n)
	s.Drops[v] += uint64(n)
}

// Lose books a frame of our own that did not leave.
func (s *Stat) Lose(v Verdict) { s.Lost[v]++ }

// Event books e.
func (s *Stat) Event(e Event) { s.Events[e]++ }

// crossings are the events by which something goes from one thread to another.
var crossings = [...]Event{EvSteered, EvSteerCopied, EvRelayed, EvPosted, EvCalled, EvRoused, EvTaskPosted, EvBufferHome}

// Crossed returns how often a core and another thread had to do with each other. It
// stands still where nothing is shared.
func (s *Stat) Crossed() (n uint64) {
	for _, e := range crossings {
		n += s.Events[e]
	}
	return n
}

// Dropped returns how many received frames were dropped, for whatever reason.
func (s *Stat) Dropped() (n uint64) {
	for _, d := range s.Drops {
		n += d
	}
	return n
}

// LostFrames returns how many frames of our own never left.
func (s *Stat) LostFrames() (n uint64) {
	for _, d := range s.Lost {
		n += d
	}
	return n
}

// Balanced reports whether every received frame has a known fate.
func (s *Stat) Balanced() bool { return s.RxFrames == s.Delivered+s.Dropped() }

// Add adds o's counters to s, to sum up the cores of a plane.
func (s *Stat) Add(o *Stat) {
	s.RxFrames += o.RxFrames
	s.RxBytes += o.RxBytes
	s.TxFrames += o.TxFrames
	s.TxBytes += o.TxBytes
	s.Delivered += o.Delivered
	for i := range o.Drops {
		s.Drops[i] += o.Drops[i]
		s.Lost[i] += o.Lost[i]
	}
	for i := range o.Events {
		s.Events[i] += o.Events[i]
	}
}
