// Package jitter measures how still a thread stands that does nothing but turn: the
// gaps between readings of the clock, of an lcore, of a plain Go loop on a locked
// thread, and of a thread that the Go runtime knows nothing of.
//
// What is measured runs on the thread that is measured; everything else on the
// caller's goroutine.
package jitter

import (
	"dataplane/perf"
	"dataplane/pmd/dpdk/cthread"
)

// Limits are the gaps that are counted.
var Limits = [...]perf.Tick{perf.Microsecond, 10 * perf.Microsecond, 100 * perf.Microsecond, perf.Millisecond}

// Gaps are the gaps of one measurement. They belong to one goroutine.
type Gaps struct {
	Hist        *perf.Hist
	Over        [len(Limits)]int64 // gaps longer than each limit
	Time        perf.Tick          // all gaps together
	Involuntary int64              // times that the kernel gave the CPU to somebody else
	Voluntary   int64              // times that the thread slept: Go's scheduler did that
}

func newGaps() *Gaps { return &Gaps{Hist: perf.NewHist()} }

// note books a gap.
func (g *Gaps) note(gap perf.Tick) {
	g.Hist.Record(gap)
	g.Time += gap
	if gap <= Limits[0] { // nearly always
		return
	}
	for i, l := range Limits {
		if gap > l {
			g.Over[i]++
		}
	}
}

// add books gaps of a thread of C.
func (g *Gaps) add(c *cthread.Gaps) {
	for i, n := range c.Short {
		g.Hist.RecordMany(perf.Tick(i), int64(n))
		g.Time += perf.Tick(i) * perf.Tick(n)
	}
	for _, v := range c.Long {
		g.note(perf.Tick(v))
	}
	g.Involuntary += c.Involuntary
}

// Merge adds o to g.
func (g *Gaps) Merge(o *Gaps) {
	g.Hist.Merge(o.Hist)
	for i, n := range o.Over {
		g.Over[i] += n
	}
	g.Time += o.Time
	g.Involuntary += o.Involuntary
	g.Voluntary += o.Voluntary
}

// PerSecond returns how many gaps are longer than Limits[i] in a second.
func (g *Gaps) PerSecond(i int) float64 {
	return float64(g.Over[i]) / max(g.Time.Duration().Seconds(), 1e-9)
}
