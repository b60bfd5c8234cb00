package main

import (
	"net"
	"time"

	"dataplane/internal/jitter"
	"dataplane/internal/latency"
)

// enoughCalm is how many undisturbed samples a window must have to be shown by them.
const enoughCalm = 100

// timed is a result as the suite wants it. Percentiles are those of the slices of
// 250 µs in which the process kept its CPUs: who else runs on the machine is no
// property of a stack, and makes all stacks alike. "disturbed" is the share of the
// samples that this leaves out.
func timed(res *latency.Result) count {
	n := res.Hist.Count()
	ops := uint64(max(res.All, n)) // what the CPU time was used for
	c := count{ops: ops, bytes: ops * msgSize, hist: newHist(), values: map[string]float64{"disturbed": 1}}
	if v, ok := res.Percentile(99); ok {
		c.values["p99 of all, µs"] = float64(v) / 1e3
	}
	if res.Calm.Count() >= enoughCalm {
		c.hist.Merge(res.Calm.HDR())
		c.values["disturbed"] = 1 - float64(res.Calm.Count())/float64(n)
	}
	return c
}

// serviceTime is a closed loop on each connection.
type serviceTime struct {
	conns []net.Conn
	place latency.Place
	alone bool // both ends are on the place's thread
}

func (s *serviceTime) run(d time.Duration) (count, error) {
	res, err := latency.Closed(s.load(d))
	if err != nil {
		return count{}, err
	}
	return timed(res), nil
}

func (s *serviceTime) load(d time.Duration) latency.Load {
	return latency.Load{Conns: s.conns, Stream: true, Size: msgSize, Place: s.place, OneThread: s.alone, Time: d}
}

// atLoad is an open loop at a share of the saturation rate, which the first run finds.
type atLoad struct {
	serviceTime
	share      float64
	saturation float64
}

const (
	firstRate = 20_000 // where the search begins
	tryTime   = 40 * time.Millisecond
	maxTries  = 5
)

func (a *atLoad) run(d time.Duration) (count, error) {
	if a.saturation == 0 {
		if err := a.search(); err != nil {
			return count{}, err
		}
	}
	res, err := a.at(a.share*a.saturation, d)
	if err != nil {
		return count{}, err
	}
	c := timed(res)
	c.values["saturation/s"], c.values["lost"] = a.saturation, float64(res.Lost())
	return c, nil
}

// search finds the saturation, twice: a neighbour can only make it look lower.
func (a *atLoad) search() error {
	a.saturation = firstRate
	for range 2 {
		s, err := latency.Saturation(firstRate, a.try)
		if err != nil {
			return err
		}
		a.saturation = max(s, a.saturation)
	}
	return nil
}

// try measures what a rate achieves. A try that a neighbour spoilt is none, but for the last.
func (a *atLoad) try(rate float64) (float64, error) {
	best := 0.0
	for range maxTries {
		res, err := a.at(rate, tryTime)
		if err != nil {
			return 0, err
		}
		best = max(best, res.Achieved)
		if !res.Saturated() || res.Calm.Count() == res.Hist.Count() {
			break
		}
	}
	return best, nil
}

func (a *atLoad) at(rate float64, d time.Duration) (*latency.Result, error) {
	l := a.load(d)
	l.Rate, l.Warm = rate, d/8
	return latency.Open(l)
}

// neighboured lets a neighbour allocate while a load runs.
type neighboured struct {
	load
	rate float64
}

func (n neighboured) run(d time.Duration) (count, error) {
	x := jitter.Allocate(n.rate)
	c, err := n.load.run(d)
	bytes, gcs := x.Stop()
	if c.values != nil {
		c.values["GB/s"], c.values["GC/s"] = bytes/1e9, gcs
	}
	return c, err
}

// gaps is a thread that spins.
type gaps struct {
	subject jitter.Subject
	cpu     int
}

// overTen is the measure of the gaps.
const overTen = "gaps over 10 us/s"

func (g gaps) run(d time.Duration) (count, error) {
	x, err := g.subject.Run(g.cpu, d)
	if err != nil {
		return count{}, err
	}
	c := count{ops: uint64(x.Hist.Count()), hist: newHist(), values: map[string]float64{
		overTen: x.PerSecond(1), "preempted/s": float64(x.Involuntary) / d.Seconds(), "slept/s": float64(x.Voluntary) / d.Seconds(),
	}}
	c.hist.Merge(x.Hist.HDR())
	return c, nil
}
