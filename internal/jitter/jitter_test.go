package jitter

import (
	"context"
	"errors"
	"testing"
	"time"

	"dataplane/perf"
	"dataplane/pmd/dpdk/cthread"
)

func TestGaps(t *testing.T) {
	g := newGaps()
	for _, v := range []perf.Tick{50, perf.Microsecond, 2 * perf.Microsecond, 50 * perf.Microsecond, 500 * perf.Microsecond, perf.Second} {
		g.note(v)
	}
	o := newGaps()
	o.add(&cthread.Gaps{Short: []uint64{0, 0, 7}, Long: []uint64{20_000, 2_000_000}, Involuntary: 3})
	g.Merge(o)
	if g.Over != [...]int64{6, 5, 3, 2} || g.Hist.Count() != 15 || g.Involuntary != 3 {
		t.Errorf("%v over, %d gaps, %d switches", g.Over, g.Hist.Count(), g.Involuntary)
	}
	if n := g.PerSecond(3); n < 1.9 || n > 2 {
		t.Errorf("%g gaps over 1 ms a second, want two in a little more than that", n)
	}
	if n := newGaps().PerSecond(0); n != 0 {
		t.Errorf("%g gaps of nothing", n)
	}
}

// Every subject turns, under every condition, and its gaps make up the time.
func TestCompare(t *testing.T) {
	cpu := last(t)
	for _, c := range Conditions {
		lines, err := Compare(t.Context(), cpu, 10*time.Millisecond, 2, c, Subjects())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.Gaps.Hist.Count() == 0 || l.Gaps.Time < 20*perf.Millisecond || (l.Bytes > 0) != c.Allocate {
				t.Errorf("%s, %s: %d turns in %v, %g B/s", l.Condition, l.Subject, l.Gaps.Hist.Count(), l.Gaps.Time, l.Bytes)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, cpu, time.Hour, 1, Conditions[0], Subjects()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Loop(1000, time.Millisecond); err == nil {
		t.Error("bound to a CPU that is not there")
	}
}
