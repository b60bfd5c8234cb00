package latency

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"dataplane/perf"
)

func TestCurveNeedsSamples(t *testing.T) {
	h := perf.NewHist()
	for i := range perf.Tick(10_000) {
		h.Record(i + 1)
	}
	c := CurveOf("x", h)
	if len(c.Points) == 0 || c.Points[0].Percent != 0 {
		t.Fatalf("points %v", c.Points)
	}
	// 10,000 samples have 100 above p99, and not above anything higher.
	if last := c.Points[len(c.Points)-1].Percent; last < 98.9 || last > 99.1 {
		t.Errorf("the last point is p%g, want p99", last)
	}
	if c := CurveOf("x", perf.NewHist()); len(c.Points) != 0 {
		t.Errorf("a curve of nothing: %v", c.Points)
	}
}

func TestPlot(t *testing.T) {
	var many []Curve
	for i := range 8 {
		many = append(many, Curve{Name: "a<b & c", Points: []Point{{50, perf.Tick(1000 * (i + 1))}, {99.99, 2 * perf.Millisecond}}})
	}
	for _, curves := range [][]Curve{nil, {{Name: "empty"}}, {{Name: "one", Points: []Point{{0, 0}}}}, many} {
		s := Plot(curves...)
		if err := wellFormed(s); err != nil {
			t.Errorf("%d curves: %v in\n%s", len(curves), err, s)
		}
		if strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%d curves: a number is missing in\n%s", len(curves), s)
		}
	}
	s := Plot(many...)
	for _, want := range []string{"p50", "p99.99", "1ms", "stroke-dasharray", "a&lt;b &amp; c"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in the plot", want)
		}
	}
}

func TestPage(t *testing.T) {
	var b strings.Builder
	if err := Page(&b, "x < y", "<p>part</p>", Plot()); err != nil {
		t.Fatal(err)
	}
	s := b.String()
	if !strings.Contains(s, "<title>x &lt; y</title>") || !strings.Contains(s, "<p>part</p>") || !strings.Contains(s, "width: 100%;") {
		t.Error(s)
	}
	for _, link := range []string{"src=", "href=", "url(", "@import"} {
		if strings.Contains(s, link) {
			t.Errorf("the page needs something else: %s", link)
		}
	}
}

func wellFormed(s string) error {
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
