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
	h := newHist()
	for i := range int64(100000) {
		h.RecordValue(800 + i*i/1e6)
	}
	res.Sides[0].Blocks[0].Hist = &histogram{h}
	html := filepath.Join(dir, "report.html")
	if err := rep.saveHTML(html); err != nil {
		t.Fatal(err)
	}
	b, _ = os.ReadFile(html)
	for _, want := range []string{"<polyline", `class="must"`, "p99.9", "MISSED"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in the page", want)
		}
	}
	for _, not := range []string{"http:", "https:", "<script", "ZgotmplZ"} {
		if strings.Contains(string(b), not) {
			t.Errorf("the page needs something else: %s", not)
		}
	}
	var out bytes.Buffer
	rep.head(&out)
	rep.summary(&out)
	if !strings.Contains(out.String(), "0 of 1 musts reached") {
		t.Error(out.String())
	}
}
