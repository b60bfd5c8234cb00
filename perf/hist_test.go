package perf

import (
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestHist(t *testing.T) {
	h := NewHist()
	if h.Min() != 0 || h.Max() != 0 || h.Mean() != 0 || h.Percentile(99) != 0 {
		t.Error("an empty histogram has no values")
	}
	for i := Tick(1); i <= 1000; i++ {
		h.Record(i * Microsecond)
	}
	for _, c := range []struct {
		p    float64
		want Tick
	}{{0, 1 * Microsecond}, {50, 500 * Microsecond}, {99, 990 * Microsecond}, {100, Millisecond}} {
		if got := h.Percentile(c.p); got < c.want*99/100 || got > c.want*101/100 {
			t.Errorf("p%g is %v, want %v", c.p, got, c.want)
		}
	}
	o := NewHist()
	o.Record(0)
	o.Record(2 * Minute)
	h.Merge(o)
	if h.Count() != 1002 || h.Min() != 1 || h.Max() < Minute {
		t.Errorf("merged: n %d min %v max %v", h.Count(), h.Min(), h.Max())
	}
	if h.Reset(); h.Count() != 0 {
		t.Errorf("%d are left", h.Count())
	}
}

func TestHistPrints(t *testing.T) {
	var b strings.Builder
	h := NewHist()
	if err := h.Picture(&b, 40); err != nil || b.String() != "no samples\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	for i := Tick(1); i <= 10000; i++ {
		h.Record(i * Microsecond / 10)
	}
	b.Reset()
	if err := h.Picture(&b, 40); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"min", "p50", "p99.9", "max", "█"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	if s := h.String(); !strings.Contains(s, "n=10000 p50=50") {
		t.Error(s)
	}
}

func TestShort(t *testing.T) {
	for in, want := range map[Tick]string{
		7: "7ns", 999: "999ns", 1234: "1.23µs", 123456: "123µs", 2345678: "2.34ms", 3*Second + 14*Millisecond: "3.01s",
	} {
		if got := Short(in).String(); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
}

func TestNow(t *testing.T) {
	a := Now()
	time.Sleep(2 * time.Millisecond)
	if d := Now() - a; a < Second || d < 2*Millisecond || d.Duration() != time.Duration(d) {
		t.Errorf("the clock went %v from %v", d, a)
	}
}

func TestHistEnough(t *testing.T) {
	h := NewHist()
	for range 100_000 {
		h.Record(Microsecond)
	}
	for p, want := range map[float64]bool{50: true, 99: true, 99.9: true, 99.91: false, 99.99: false, 100: false} {
		if h.Enough(p) != want {
			t.Errorf("p%g of 100000 samples: enough %v", p, !want)
		}
	}
	s, err := h.Encode()
	if err != nil || len(s) < 20 || len(s) > 500 {
		t.Errorf("%q, %v", s, err)
	}
	if o, err := hdrhistogram.Decode([]byte(s)); err != nil || o.TotalCount() != h.Count() {
		t.Errorf("decoded: %v", err)
	}
}
