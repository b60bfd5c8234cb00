package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	rep := newReport()
	r := row{num: "1", name: "slow", unit: "echo", sides: []side{{name: "goroutine", plane: true}, {name: "gvisor"}},
		goals: []goal{{side: "goroutine", against: "gvisor", must: 6}}}
	res := newResult(r)
	res.Sides = []*outcome{slowed("goroutine", 100, 20), slowed("gvisor", 500, 40)}
	res.sum(r)
	rep.Rows = []*result{res}
	if err := rep.verdict(false); err != nil {
		t.Error(err)
	}
	if err := rep.verdict(true); err == nil || !strings.Contains(err.Error(), "slow: goroutine vs gvisor: 5.00x, must be ≥ 6.00x") {
		t.Error(err)
	}
	if got := rep.tally(); got.Musts != 1 || got.Must != 0 || len(got.Allocating) != 1 {
		t.Errorf("%+v", got)
	}
	rep.Rows = append(rep.Rows, &result{Name: "broken", Error: "why"})
	if err := rep.verdict(false); err == nil || !strings.Contains(err.Error(), "broken: why") {
		t.Error(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	if err := rep.save(path); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	var back report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Rows) != 2 || back.Go == "" || back.Kernel == "" {
		t.Errorf("%v, %+v", err, back)
	}
	var out bytes.Buffer
	rep.head(&out)
	rep.summary(&out)
	if !strings.Contains(out.String(), "0 of 1 musts reached") {
		t.Error(out.String())
	}
}
