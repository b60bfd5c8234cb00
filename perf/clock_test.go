package perf

import (
	"runtime"
	"testing"
	"time"
)

// rate is a counter of 2.5 GHz.
const rate = 2.5

// counts is what such a counter counts in t.
func counts(t Tick) uint64 { return uint64(float64(t) * rate) }

// drawn is a line of a clock without fault that has run for a second.
func drawn() *line {
	return (&line{from: 1 << 40, kernel: Second}).next(1<<40+counts(Second), 2*Second)
}

func (l *line) tells(c uint64) Tick { return l.at + scale(c-l.from, l.slope) }

func TestLine(t *testing.T) {
	l := drawn()
	if l.never || l.at != 2*Second {
		t.Fatalf("%+v", l)
	}
	for _, d := range []Tick{0, 1, Microsecond, Second, lineHolds - 1} {
		if got := l.tells(l.from + counts(d)); got < l.at+d-2 || got > l.at+d {
			t.Errorf("%v after the beginning: %v", d, got-l.at)
		}
	}
	if hold := scale(l.span, l.slope); hold < lineHolds-2 || hold > lineHolds {
		t.Errorf("it holds for %v", hold)
	}
}

// A line that was too steep, or too flat, is followed by one that loses the
// difference, and time never goes back.
func TestLineTrimmed(t *testing.T) {
	for _, ppm := range []float64{-200, -3, 3, 200} {
		l := drawn()
		l.slope = uint64(float64(l.slope) * (1 + ppm/1e6))
		start := l.from
		for i := range 20 {
			end := l.from + l.span
			before := l.tells(end)
			k := 2*Second + Tick(float64(end-start)/rate)
			l = l.next(end, k)
			if l.never {
				t.Fatalf("%v ppm: given up", ppm)
			}
			if l.at < before {
				t.Fatalf("%v ppm: the time goes back by %v", ppm, before-l.at)
			}
			if off := l.at - k; i > 2 && (off < -10*Microsecond || off > 10*Microsecond) {
				t.Errorf("%v ppm: line %d is off by %v", ppm, i, off)
			}
		}
	}
}

// A counter that is none is given up, one that slept long is not.
func TestLineBroken(t *testing.T) {
	day := 24 * 3600 * Second
	for _, c := range []struct {
		name  string
		to    func(l *line) uint64
		k     Tick
		never bool
	}{
		{"a long sleep", func(l *line) uint64 { return l.from + counts(day) }, day, false},
		{"a reset", func(*line) uint64 { return 12345 }, lineHolds, true},
		{"a stop", func(l *line) uint64 { return l.from + counts(lineHolds) }, lineHolds + Second, true},
		{"a stop for good", func(l *line) uint64 { return l.from }, lineHolds, true},
		{"another rate", func(l *line) uint64 { return l.from + counts(lineHolds)/5*6 }, lineHolds, true},
		{"the kernel's clock stands", func(l *line) uint64 { return l.from + counts(lineHolds) }, 0, true},
	} {
		l := drawn()
		if n := l.next(c.to(l), l.kernel+c.k); n.never != c.never {
			t.Errorf("%s: %+v", c.name, n)
		}
		l.slope, l.span = 0, 0 // the same before the first line
		if n := l.next(c.to(l), l.kernel+c.k); n.never != c.never && c.name != "a stop" && c.name != "another rate" {
			t.Errorf("%s, at first: %+v", c.name, n)
		}
	}
}

// The clock follows the kernel's and never goes back, whichever it reads.
func TestNowFollows(t *testing.T) {
	best, last := Second, Now()
	for begun := time.Now(); time.Since(begun) < 100*time.Millisecond; {
		before := kernelNow()
		now := Now()
		after := kernelNow()
		if now < last {
			t.Fatalf("back by %v", last-now)
		}
		last = now
		off := max(before-now, now-after, 0)
		best = min(best, off)
		runtime.Gosched()
	}
	if best > 100*Microsecond {
		t.Errorf("never nearer to the kernel's clock than %v", best)
	}
	t.Logf("%+v", *current.Load())
}

// BenchmarkKernelNow is what Now costs where the counter is of no use.
func BenchmarkKernelNow(b *testing.B) {
	for b.Loop() {
		kernelNow()
	}
}
