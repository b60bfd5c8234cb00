package perf

import "time"

// Tick is a moment or a span in nanoseconds, on a monotonic clock or in virtual
// time. The turn reads it once and passes it down; nobody below reads a clock.
type Tick int64

// The spans a Tick is written with.
const (
	Nanosecond  Tick = 1
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
)

// Duration returns t as the library's type, for deadlines and for printing.
func (t Tick) Duration() time.Duration { return time.Duration(t) }

// String prints t as the library prints a duration, e.g. "1.5ms".
func (t Tick) String() string { return time.Duration(t).String() }
