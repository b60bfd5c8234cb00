package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.625: 3.5, 1: 5} {
		if got := quantile(v, q); got != want {
			t.Errorf("%v: %v, expected %v", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 || v[0] != 5 {
		t.Error("nothing has no quantile, and what is given is not sorted")
	}
}

// slowed makes blocks of one side; a neighbour took more of the CPU in each.
func slowed(name string, cpu, packets uint64) *outcome {
	o := &outcome{Name: name, Plane: name != "gvisor"}
	for i := range 5 {
		o.Blocks = append(o.Blocks, sample{
			Ops: 10, Packets: packets, Mallocs: 1,
			CPU: time.Duration(cpu) * time.Duration(1+i), Wall: 200 * time.Duration(1+i),
		})
	}
	return o
}

// TestRatioIsOfBlocks: a block in which a neighbour took half of the CPU from
// both sides does not move the ratio.
func TestRatioIsOfBlocks(t *testing.T) {
	r := row{name: "x", unit: "echo", sides: []side{{name: "goroutine", plane: true}, {name: "gvisor"}},
		goals: []goal{{side: "goroutine", against: "gvisor", must: 6, aim: 8}}}
	res := &result{Name: "x", Unit: "echo", Sides: []*outcome{slowed("goroutine", 100, 20), slowed("gvisor", 500, 40)}}
	res.sum(r)
	if v := res.Goals[0].Value; v == nil || *v != (spread{5, 5, 5}) {
		t.Errorf("%+v", v)
	}
	f := res.Sides[0].Figures
	if f["cpu"] != (spread{30, 20, 40}) || f["packets"].Median != 2 || f["allocs"].Median != 0.1 {
		t.Errorf("%+v", f)
	}
	var out bytes.Buffer
	res.print(&out)
	for _, want := range []string{"must ≥ 6.00x, aim ≥ 8.00x: MISSED", "goroutine allocs"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

func TestVerdict(t *testing.T) {
	at := func(v float64) *spread { return &spread{v, v, v} }
	for _, x := range []struct {
		v    verdict
		want string
	}{
		{verdict{Must: 6, Aim: 9, Value: at(7), Against: "b"}, "ok"},
		{verdict{Must: 6, Aim: 9, Value: at(9), Against: "b"}, "ok, aim too"},
		{verdict{Must: 6, Value: at(5), Against: "b"}, "MISSED"},
		{verdict{Must: 3, Aim: 1.7, Value: at(1.5), AtMost: true}, "ok, aim too"},
		{verdict{Must: 3, Aim: 1.7, Value: at(3.1), AtMost: true}, "MISSED"},
		{verdict{Aim: 2000, Value: at(2500), AtMost: true}, "aim missed"},
		{verdict{Must: 3}, "not measured"},
	} {
		if got := x.v.state(); got != x.want {
			t.Errorf("%+v: %s", x.v, got)
		}
	}
}

// TestLess: what a third side costs is taken off both, block by block.
func TestLess(t *testing.T) {
	r := row{name: "x", unit: "echo", sides: []side{{name: "a"}, {name: "b"}, {name: "wire"}},
		goals: []goal{{side: "a", against: "b", less: "wire"}, {side: "wire", against: "b", less: "a"}}}
	res := &result{Sides: []*outcome{slowed("a", 100, 1), slowed("b", 500, 1), slowed("wire", 20, 1)}}
	res.sum(r)
	if v := res.Goals[0]; v.Value == nil || *v.Value != (spread{6, 6, 6}) || v.state() != "for information" {
		t.Errorf("%+v", v)
	}
	if v := res.Goals[1]; v.Value != nil {
		t.Errorf("less than nothing is left: %+v", v)
	}
}

// TestPercentileNeedsSamples: a percentile of a block stands on a hundred samples
// above it; with fewer, all blocks together may do; with fewer still, there is none.
func TestPercentileNeedsSamples(t *testing.T) {
	o := &outcome{}
	for range 3 {
		h := newHist()
		for i := range int64(1000) {
			h.RecordValue(i + 1)
		}
		o.Blocks = append(o.Blocks, sample{Ops: 1, Hist: &histogram{h}})
	}
	for name, want := range map[string]int{"p50": 3, "p90": 3, "p96": 1, "p99": 0} {
		if got := len(o.numbers(name)); got != want {
			t.Errorf("%s: %d numbers, expected %d", name, got, want)
		}
	}
	if r := ratios([]float64{1, 2, 3}, []float64{10}, false); len(r) != 1 || r[0] != 5 {
		t.Errorf("%v", r)
	}
	if r := ratios([]float64{1, 0}, []float64{3, 3}, false); len(r) != 1 || r[0] != 3 {
		t.Errorf("%v", r)
	}
}
