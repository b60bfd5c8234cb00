package latency

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dataplane/perf"
)

// sample has n answers of 1 to n microseconds, and lost requests without one.
func sample(n, lost int64) *Result {
	r := &Result{Name: "x<y", Loop: OpenLoop, Size: 64, Connections: 2, Time: time.Second, Offered: 1e6, Achieved: 1e6, Requests: n + lost, Hist: perf.NewHist()}
	for i := range n {
		r.Hist.Record(perf.Tick(i+1) * perf.Microsecond)
	}
	return r
}

func TestPercentileRefuses(t *testing.T) {
	r := sample(10_000, 0)
	if v, ok := r.Percentile(99); !ok || !near(v, 9900*perf.Microsecond) {
		t.Errorf("p99 %v, %v", v, ok)
	}
	if _, ok := r.Percentile(99.9); ok {
		t.Error("p99.9 of 10,000 samples stands on ten")
	}
}

// Lost requests count as those that took longest.
func TestPercentileCountsLost(t *testing.T) {
	r := sample(9000, 1000)
	if v, ok := r.Percentile(50); !ok || !near(v, 5000*perf.Microsecond) {
		t.Errorf("p50 %v, %v: want the 5,000th of 10,000", v, ok)
	}
	if _, ok := r.Percentile(99); ok || r.Lost() != 1000 {
		t.Errorf("p99 is known, %d lost", r.Lost())
	}
	if c := r.Curve(); len(c.Points) == 0 || c.Points[len(c.Points)-1].Percent > 90 {
		t.Errorf("the curve goes on to where requests are lost: %v", c.Points)
	}
	if none := sample(0, 1000); none.Hist.Max() != 0 {
		t.Error("no answers, and a maximum")
	} else if _, ok := none.Percentile(50); ok {
		t.Error("no answers, and a median")
	}
}

func TestResultJSON(t *testing.T) {
	b, err := json.Marshal(sample(20_000, 1))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Lost        int64            `json:"lost"`
		Samples     int64            `json:"samples"`
		Percentiles map[string]int64 `json:"percentiles_ns"`
		Hist        string           `json:"hdrhistogram"`
	}
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	_, p999 := back.Percentiles["p99.9"]
	if back.Lost != 1 || back.Samples != 20_000 || back.Percentiles["p99"] < 19_000_000 || p999 {
		t.Errorf("%+v", back)
	}
	if h, err := hdrhistogram.Decode([]byte(back.Hist)); err != nil || h.TotalCount() != 20_000 {
		t.Errorf("the histogram does not come back: %v", err)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	r := sample(10_000, 500)
	if err := Table(&b, r, sample(100, 0)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "p99.99") || !strings.Contains(lines[1], "lost") || !strings.Contains(lines[2], " - ") {
		t.Errorf("\n%s", &b)
	}
	if s := HTMLTable(r); !strings.Contains(s, "x&lt;y") || wellFormed(s) != nil {
		t.Error(s)
	}
}

func TestUsage(t *testing.T) {
	a := readUsage()
	for begun := time.Now(); time.Since(begun) < 20*time.Millisecond; {
		continue
	}
	if u := readUsage().since(a); u.CPU <= 0 || u.Involuntary < 0 || u.GCs < 0 {
		t.Errorf("%+v", u)
	}
}
