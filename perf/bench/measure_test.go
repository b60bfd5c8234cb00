package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// steps is a load that does a known amount of work.
type steps struct {
	n   count
	err error
}

func (s *steps) run(time.Duration) (count, error) { return s.n, s.err }

func fixed(n count, err error) func() (*subject, error) {
	return func() (*subject, error) {
		return &subject{load: &steps{n, err}, close: func() error { return nil }}, nil
	}
}

// TestCompare runs rows of made-up loads: what a load knows better replaces what
// the framework has measured, and a side that fails or is not there does not take
// the row with it.
func TestCompare(t *testing.T) {
	h := newHist()
	for i := range int64(20000) {
		h.RecordValue(1000 + i%1000)
	}
	r := row{name: "x", unit: "op", sides: []side{
		{name: "a", plane: true, open: fixed(count{ops: 10, cpu: 1000, wall: 2000, packets: 20, hist: h, values: map[string]float64{"bytes": 7}}, nil)},
		{name: "b", open: fixed(count{ops: 10, cpu: 5000, wall: 2000}, nil)},
		{name: "broken", open: fixed(count{ops: 1}, errors.New("why"))},
		{name: "idle", open: fixed(count{}, nil)},
		{name: "none", open: func() (*subject, error) { return nil, skipped("no %s", "card") }},
		{name: "rooted", root: true, open: fixed(count{ops: 1}, nil)},
	}, goals: []goal{
		{side: "a", against: "b", must: 4, aim: 6},
		{side: "a", measure: "p99", against: "a", by: "p50", atMost: true, must: 2},
		{side: "a", measure: "bytes", atMost: true, unit: "B", must: 5},
		{side: "a", against: "broken", must: 1},
	}}
	if err := r.check(); err != nil {
		t.Fatal(err)
	}
	res, finish := compare(r, plan{window: time.Millisecond, row: 20 * time.Millisecond}, false)
	finish()
	for i, want := range []string{"", "", "why", "nothing was done in 500µs", "", ""} {
		if got := res.Sides[i].Error; got != want {
			t.Errorf("side %d: error %q, expected %q", i, got, want)
		}
	}
	if s := res.Sides; s[4].Skipped != "no card" || s[5].Skipped == "" || s[0].Figures["packets"].Median != 2 {
		t.Errorf("%+v, %+v, %+v", s[4], s[5], s[0])
	}
	for i, want := range []string{"ok", "ok", "MISSED", "not measured"} {
		if got := res.Goals[i].state(); got != want {
			t.Errorf("goal %d: %s, expected %s", i, res.Goals[i].line(), want)
		}
	}
	b, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var back result
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if h := back.Sides[0].Blocks[0].Hist; h == nil || h.TotalCount() != 40000 {
		t.Errorf("a block of two windows came back with %v", h)
	}
}

func TestOnceIsOneWindow(t *testing.T) {
	r := row{name: "x", unit: "op", once: true, sides: []side{{name: "a", open: fixed(count{ops: 3}, nil)}}}
	res, finish := compare(r, plan{window: time.Millisecond, row: time.Second}, false)
	finish()
	if b := res.Sides[0].Blocks; len(b) != 1 || b[0].Ops != 3 {
		t.Errorf("%+v", b)
	}
}

// TestRowsAreSound looks for mistakes in the table.
func TestRowsAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if err := r.check(); err != nil {
			t.Error(err)
		}
		if seen[r.name] {
			t.Errorf("two rows are called %s", r.name)
		}
		seen[r.name] = true
	}
}

// TestRows runs every row that needs no namespace, all its sides.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for _, r := range rows() {
		if r.rooted() || r.slow {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			var bad []string
			for _, window := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond} { // a busy machine needs more
				if bad = failing(r, window); len(bad) == 0 {
					break
				}
			}
			for _, s := range bad {
				t.Error(s)
			}
		})
	}
}

// failing measures a row shortly and returns what went wrong.
func failing(r row, window time.Duration) (bad []string) {
	res, finish := compare(r, plan{window: window, row: time.Millisecond}, false)
	finish()
	for _, s := range res.Sides {
		if s.Error != "" || s.Skipped == "" && s.Figures["cpu"].Median == 0 {
			bad = append(bad, fmt.Sprintf("%s: %q, %v", s.Name, s.Error, s.Figures))
		}
	}
	return bad
}

// TestSoftirqTime: what the kernel's threads took is the kernel's sides' only.
func TestSoftirqTime(t *testing.T) {
	if d := softirqTime(); d < 0 || softirqTime() < d {
		t.Errorf("%v, and less after", d)
	}
	b := sample{Ops: 10, CPU: 1000, Softirqd: 20}
	o := outcome{Blocks: []sample{b, b}}
	if o.sum("op"); o.Figures[softirqd].Median != 2 {
		t.Errorf("%+v", o.Figures)
	}
	o.Blocks[0].Softirqd, o.Blocks[1].Softirqd = 5, 5
	if o.sum("op"); o.Figures[softirqd] != (spread{}) {
		t.Errorf("half of a hundredth is shown: %+v", o.Figures)
	}
}
