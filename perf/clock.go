package perf

import (
	"math/bits"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// The clock of a turn. The kernel's costs a call into its shared page; where the
// kernel itself reads the CPU's time-stamp counter, the clock reads it, too, by a
// line through moments of the kernel's clock. A line holds for seconds; who finds
// that it has ended draws the next one. No timer and no thread does it.

// line tells the time by the CPU's counter. It is never written again.
type line struct {
	from   uint64 // the counter where it begins
	span   uint64 // counts for which it holds; 0: for none
	slope  uint64 // nanoseconds for a count, times 2^32; 0: not known yet
	at     Tick   // the time it tells at its beginning
	kernel Tick   // what the kernel's clock said then
	never  bool   // the counter is of no use: ask the kernel
}

const (
	firstLine = 10 * Millisecond // what the first slope is measured over
	lineHolds = 4 * Second
	trials    = 16      // readings of both clocks, of which the closest counts
	least     = 1 << 28 // slopes of 16 GHz and of 62 MHz: no counter is quicker or slower
	most      = 1 << 36
	bend      = 1000 // a slope that differs by more than one part in so many is no clock's
)

// epoch is the moment the process started; it is never written again.
var epoch = time.Now()

// current is the line in use. Written by whoever draws the next one.
var current atomic.Pointer[line]

func init() {
	l := &line{}
	l.from, l.kernel = both()
	l.never = !hasCounter
	current.Store(l)
}

// Now reads the monotonic clock: nanoseconds since the process started, and one
// second more, so that no moment of a running plane is ever zero or near it.
// Any thread; two of them may differ by less than a microsecond.
func Now() Tick {
	l := current.Load()
	c := counter()
	if d := c - l.from; d < l.span {
		return l.at + scale(d, l.slope)
	}
	return renew()
}

// scale is counts in nanoseconds.
func scale(counts, slope uint64) Tick {
	hi, lo := bits.Mul64(counts, slope)
	return Tick(hi<<32 | lo>>32)
}

// kernelNow is Now by the kernel's clock.
func kernelNow() Tick { return Second + Tick(time.Since(epoch)) }

// both reads the two clocks at one moment, as nearly as can be.
func both() (c uint64, k Tick) {
	best := ^uint64(0)
	for range trials {
		before := counter()
		now := kernelNow()
		if width := counter() - before; width <= best {
			best, c, k = width, before+width/2, now
		}
	}
	return c, k
}

// renew tells the time where the current line does not, and draws the next one.
func renew() Tick {
	l := current.Load()
	if l.never {
		return kernelNow()
	}
	if l.slope == 0 {
		if k := kernelNow(); k-l.kernel < firstLine {
			return k
		}
	}
	c, k := both()
	if d := c - l.from; d < l.span { // somebody else was quicker
		return l.at + scale(d, l.slope)
	}
	n := l.next(c, k)
	if l.slope == 0 && !counterIsClock() {
		n = &line{never: true}
	}
	if !current.CompareAndSwap(l, n) || n.never {
		return k
	}
	return n.at
}

// next is the line that follows l at the moment when the counter is c and the
// kernel's clock k. A counter that stood still, jumped or was reset (the machine
// slept, or moved to another host) shows in the slope, and is given up for good.
func (l *line) next(c uint64, k Tick) *line {
	counts, took := c-l.from, uint64(k-l.kernel)
	if k <= l.kernel || took>>32 >= counts {
		return &line{never: true}
	}
	slope, _ := bits.Div64(took>>32, took<<32, counts)
	if slope < least || slope > most {
		return &line{never: true}
	}
	if off := max(slope, l.slope) - min(slope, l.slope); l.slope != 0 && off > l.slope/bend {
		return &line{never: true}
	}
	hi, lo := bits.Mul64(uint64(lineHolds), 1<<32)
	span, _ := bits.Div64(hi, lo, slope)
	n := &line{from: c, span: span, slope: slope, at: k, kernel: k}
	// What has been told is not taken back: a line that was steep is followed by
	// one that meets the kernel's clock at its end.
	if told := l.at + scale(l.span, l.slope); told > k && l.slope != 0 {
		n.at = told
		n.slope -= uint64(float64(slope) * float64(told-k) / float64(lineHolds))
	}
	return n
}

// counterIsClock reports whether the kernel's own clock is the counter: it watches
// over it, and knows of CPUs where it stops or differs from core to core.
func counterIsClock() bool {
	b, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return err == nil && strings.TrimSpace(string(b)) == "tsc"
}
