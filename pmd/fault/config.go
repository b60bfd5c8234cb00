package fault

import "dataplane/perf"

// Config is what a wrapper does. The zero value passes everything unchanged.
type Config struct {
	Seed   uint64
	Rx, Tx Impair
	Now    func() perf.Tick // virtual time; nil: the monotonic clock and real timers
}

// Impair spoils one direction. The chances lie between 0 and 1.
type Impair struct {
	Lose      float64 // the frame vanishes
	Burst     int     // losses come in runs of so many; the loss rate stays about Lose
	Duplicate float64 // an undamaged copy follows the frame
	Reorder   float64 // later frames overtake it
	Gap       int     // so many at most, 1..Gap drawn by the seed; 0: 3
	Hold      perf.Tick
	// Hold is how long a frame waits to be overtaken; 0: 10 ms.

	Corrupt  float64 // one bit is inverted; a frame without IP, which nothing but
	Truncate float64 // the link's own check protects, vanishes. Truncate cuts the end off.

	Delay  perf.Tick // on top of everything
	Jitter perf.Tick // up to so much more; never changes the order
	Rate   uint64    // bit/s, counting Ethernet's 24 bytes around a frame; 0: no limit
	Queue  int       // frames that may wait for the rate, the rest is lost; 0: 1000
	MTU    int       // greater IP packets vanish without a word; 0: none do
}

const (
	defaultGap   = 3
	defaultHold  = 10 * perf.Millisecond
	defaultQueue = 1000
	// maxHeld bounds what a direction keeps, whatever delay and rate ask for.
	maxHeld = 1 << 14
	// maxAside bounds how many frames wait at once to be overtaken.
	maxAside = 64
)

// idle reports whether nothing is asked for.
func (i *Impair) idle() bool {
	return i.Lose <= 0 && i.Duplicate <= 0 && i.Reorder <= 0 && i.Corrupt <= 0 && i.Truncate <= 0 &&
		i.Delay <= 0 && i.Jitter <= 0 && i.Rate == 0 && i.MTU <= 0
}

func (i *Impair) complete() {
	if i.Gap <= 0 {
		i.Gap = defaultGap
	}
	if i.Hold <= 0 {
		i.Hold = defaultHold
	}
	if i.Queue <= 0 {
		i.Queue = defaultQueue
	}
	i.Burst = max(i.Burst, 1)
}
