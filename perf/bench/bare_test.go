package main

import (
	"testing"
	"time"

	"dataplane/perf"
)

// waited is a block of latencies of 2 µs, and one in a hundred of them of late.
func waited(late time.Duration) sample {
	h := newHist()
	if late > time.Millisecond { // all are
		h.RecordValues(int64(late), 99_000) //nolint:errcheck // they are in the range
	}
	h.RecordValues(2000, 99_000)      //nolint:errcheck // they are in the range
	h.RecordValues(int64(late), 1000) //nolint:errcheck // as above
	return sample{Ops: 100_000, CPU: time.Second, Hist: &histogram{h}}
}

// TestCalmBlocks: a block in which the bare loop was late is nobody's fault, and one in
// which only the side was late is the side's.
func TestCalmBlocks(t *testing.T) {
	const soon, late = 10 * time.Microsecond, 200 * time.Microsecond
	r := row{name: "x", unit: "exchange", sides: []side{{name: "ours"}, bareSide(0.5)},
		goals: []goal{ownTail("ours", 20, 8, true), ownTail("ours", 0, 0, false)}}
	of := func(blocks ...time.Duration) *outcome {
		o := &outcome{}
		for _, b := range blocks {
			o.Blocks = append(o.Blocks, waited(b))
		}
		return o
	}
	for _, c := range []struct {
		ours, bare *outcome
		calm       string
		state      string
	}{
		{of(soon, late, soon), of(soon, late, soon), "2 of 3 blocks calm", "ok, aim too"},
		{of(late, late, late), of(soon, late, soon), "2 of 3 blocks calm", "MISSED"},
		{of(soon, soon, soon), of(late, late, late), "0 of 3 blocks calm", "not measured"},
		{of(soon, soon, soon), of(soon, 5*time.Millisecond, soon), "2 of 3 blocks calm", "ok, aim too"},
	} {
		c.ours.Name, c.bare.Name = "ours", bareName
		res := &result{Sides: []*outcome{c.ours, c.bare}}
		res.sum(r)
		if g := res.Goals[0]; g.Of != c.calm || g.state() != c.state || g.title() != "ours p99.9 / own p50, "+c.calm {
			t.Errorf("%s: %s, want %s: %s", g.title(), g.state(), c.calm, c.state)
		}
		if g := res.Goals[1]; g.Of != "" || g.Value == nil {
			t.Errorf("of all: %+v", g)
		}
	}
}

// TestBareLoop: it does what is asked, at about the rate that is asked.
func TestBareLoop(t *testing.T) {
	if n := stepsOf(10 * perf.Microsecond); n < 100 || n > 1_000_000 {
		t.Errorf("%d steps in 10 µs", n)
	}
	s, err := bareSide(0.5).open()
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.load.run(40 * time.Millisecond)
	if err != nil || n.ops != 9000 { // an eighth of the time goes before
		t.Errorf("%d operations, %v", n.ops, err)
	}
}
