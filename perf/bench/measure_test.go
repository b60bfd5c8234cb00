package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	blocks := make([]sample, 5)
	v := []float64{5, 1, 4, 2, 3}
	at := func(i int) float64 { return v[i] }
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.625: 3.5, 1: 5} {
		if got := quantile(blocks, q, at); got != want {
			t.Errorf("%v: %v, expected %v", q, got, want)
		}
	}
}

// TestRatioIsOfBlocks: a block in which a neighbour took half of the CPU from
// both sides does not move the ratio.
func TestRatioIsOfBlocks(t *testing.T) {
	r := result{Name: "x", Unit: "echo", Goal: 6}
	for i := range 5 {
		slow := time.Duration(1 + i)
		r.Blocks[plane] = append(r.Blocks[plane], sample{Ops: 10, Packets: 20, Mallocs: 1, CPU: 100 * slow, Wall: 200 * slow})
		r.Blocks[peer] = append(r.Blocks[peer], sample{Ops: 10, Packets: 40, Mallocs: 70, CPU: 500 * slow, Wall: 2000 * slow})
	}
	r.sum()
	if r.Ratio != 5 || r.RatioLow != 5 || r.RatioHigh != 5 || r.RatioWall != 10 {
		t.Errorf("%+v", r)
	}
	if r.PktsPerOp != [2]float64{2, 4} || r.AllocsOp != [2]float64{0.1, 7} || r.CPUPerOp != [2]float64{30, 150} {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	r.print(&out)
	if !strings.Contains(out.String(), "goal 6.0: MISSED") {
		t.Errorf("%q", out.String())
	}
}

func TestVerdict(t *testing.T) {
	rep := newReport()
	rep.Rows = []result{{Name: "fast", Goal: 6, Ratio: 7}, {Name: "slow", Goal: 6, Ratio: 5}}
	if err := rep.verdict(false); err != nil {
		t.Error(err)
	}
	if err := rep.verdict(true); err == nil || !strings.Contains(err.Error(), "slow: 5.00 times") {
		t.Error(err)
	}
	rep.Rows = append(rep.Rows, result{Name: "broken", Error: "why"})
	if err := rep.verdict(false); err == nil || !strings.Contains(err.Error(), "broken: why") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := rep.save(path); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	var back report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Rows) != 3 || back.Go == "" || back.Kernel == "" {
		t.Errorf("%v, %+v", err, back)
	}
}

// TestRows runs every row that needs no namespace once, both sides.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for _, r := range rows() {
		if r.tap {
			continue
		}
		res := compare(r, plan{window: 20 * time.Millisecond, row: 100 * time.Millisecond, only: -1})
		if res.Error != "" || res.Ratio == 0 {
			t.Errorf("%s: %q, ratio %v", r.name, res.Error, res.Ratio)
		}
	}
}
