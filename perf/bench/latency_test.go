package main

import (
	"testing"
	"time"

	"dataplane/internal/latency"
	"dataplane/perf"
)

// Percentiles are of what was not disturbed, and it is said how much that leaves out.
func TestTimed(t *testing.T) {
	res := &latency.Result{Hist: perf.NewHist(), Calm: perf.NewHist(), Time: time.Second}
	for i := range 1000 {
		res.Hist.Record(perf.Tick(i + 1))
		if i < 250 {
			res.Calm.Record(perf.Tick(i + 1))
		}
	}
	c := timed(res)
	if c.ops != 1000 || c.hist.TotalCount() != 250 || c.values["disturbed"] != 0.75 {
		t.Errorf("%d operations, %d samples, %v", c.ops, c.hist.TotalCount(), c.values)
	}
	res.Calm.Reset()
	if c = timed(res); c.hist.TotalCount() != 0 || c.values["disturbed"] != 1 {
		t.Errorf("nothing was calm: %d samples, %v", c.hist.TotalCount(), c.values)
	}
}

// The sides that need no root and no CPU of their own work.
func TestLatencySides(t *testing.T) {
	for _, r := range []row{closedLoop(), openLoop()} {
		if err := r.check(); err != nil {
			t.Error(err)
		}
		for _, s := range r.sides {
			if !s.plane {
				continue
			}
			sub, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			c, err := atWork(sub.load)
			if err != nil || c.ops == 0 {
				t.Errorf("%s, %s: %d operations, %v", r.name, s.name, c.ops, err)
			}
			if err := sub.close(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, r := range latencyRows() {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
}
