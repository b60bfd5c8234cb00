package fault

import (
	"strings"
	"testing"

	"dataplane/perf"
)

func TestParse(t *testing.T) {
	c, err := Parse(" seed=7, lose=0.01,tx.delay=20ms ,tx.jitter=5us,rx.rate=2.5g,burst=3,rx.queue=9,mtu=1400," +
		"duplicate=1,reorder=0.5,corrupt=1e-3,truncate=0,gap=4,hold=1s,")
	if err != nil {
		t.Fatal(err)
	}
	both := Impair{Lose: 0.01, Burst: 3, MTU: 1400, Duplicate: 1, Reorder: 0.5, Corrupt: 1e-3, Gap: 4, Hold: perf.Second}
	rx, tx := both, both
	rx.Rate, rx.Queue = 2_500_000_000, 9
	tx.Delay, tx.Jitter = 20*perf.Millisecond, 5*perf.Microsecond
	if c.Seed != 7 || c.Rx != rx || c.Tx != tx {
		t.Errorf("%+v", c)
	}
	if c, err := Parse(""); err != nil || !c.Rx.idle() || !c.Tx.idle() {
		t.Errorf("nothing: %+v, %v", c, err)
	}
	for text, want := range map[string]uint64{"64k": 64000, "10M": 1e7, "1": 1, "0": 0, "12345": 12345} {
		if c, err := Parse("rate=" + text); err != nil || c.Rx.Rate != want || c.Tx.Rate != want {
			t.Errorf("rate %s: %+v, %v", text, c, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"lose":          "name=value",
		"seed=x":        "seed=x",
		"lose=2":        "chance",
		"lose=nan":      "chance",
		"lose=-0.1":     "chance",
		"loss=0.1":      "known are",
		"rx.seed=1":     "known are",
		"delay=20":      "20ms",
		"delay=-1s":     "20ms",
		"rate=":         "bit/s",
		"rate=m":        "bit/s",
		"rate=inf":      "bit/s",
		"rate=-5":       "bit/s",
		"queue=1000000": "number",
		"tx.mtu=x":      "number",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
