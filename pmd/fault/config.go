package fault

import "dataplane/perf"

// Config is what a wrapper does. The zero value passes everything unchanged.
type Config struct {
	Seed   uint64
	Rx, Tx Impair
	Now    func() perf.Tick // virtual time; nil: the monotonic clock and real timers
}

// Impair spoils one direction. The chances lie between 0 and 1, per frame.
type Impair struct {
	Lose  float64 // it vanishes
	Burst int     // losses come in runs of so many; the share that is lost stays

	Duplicate float64 // an undamaged copy follows it

	Reorder float64   // later frames overtake it,
	Gap     int       // 1..Gap of them, drawn by the seed; 0: 3
	Hold    perf.Tick // but it waits no longer than this; 0: 10 ms

	// A damaged frame loses its checksum flags. If it carries no IP it vanishes:
	// nothing but the link's own check protects ARP.
	Corrupt  float64 // one bit is inverted
	Truncate float64 // its end is cut off

	Delay  perf.Tick // each takes so long,
	Jitter perf.Tick // and up to so much longer; never changes the order
	Rate   uint64    // bit/s, counting Ethernet's 24 bytes around a frame; 0: no limit
	Queue  int       // so many may wait for the rate, others are lost; 0: 1000
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
