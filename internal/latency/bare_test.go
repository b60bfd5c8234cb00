package latency

import (
	"testing"
	"testing/synctest"
	"time"

	"dataplane/perf"
)

func TestBare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		work := func() {
			d := 10 * time.Microsecond
			if n++; n == 3000 {
				d = 2 * time.Millisecond // ten requests are meant to leave meanwhile
			}
			time.Sleep(d)
		}
		l := Load{Place: newVirtual(), Warm: 100 * time.Millisecond, Time: time.Second, Rate: 5000}
		res, err := Bare(l, work)
		if err != nil {
			t.Fatal(err)
		}
		if res.Requests != 5000 || res.Lost() != 0 || res.Loop != OpenLoop || !near(res.Hist.Percentile(50), 10*perf.Microsecond) {
			t.Errorf("%d requests, %v", res.Requests, res.Hist)
		}
		if n := above(res.Hist, res.Requests, 15*perf.Microsecond); n != 11 {
			t.Errorf("%d requests were delayed, want 11: %v", n, res.Hist)
		}
		l.Rate, l.Warm = 0, 0
		if res, err = Bare(l, work); err != nil || res.Loop != ClosedLoop || !near(res.Hist.Max(), 10*perf.Microsecond) {
			t.Errorf("%v, %v", res, err)
		}
	})
	if _, err := Bare(Load{}, func() {}); err == nil {
		t.Error("no time was accepted")
	}
}
