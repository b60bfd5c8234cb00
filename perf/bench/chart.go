package main

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// svg gathers a drawing. Everything in it is made from numbers and from names in
// the table of rows, which are escaped.
type svg struct{ strings.Builder }

func newSVG(w, h float64, class string) *svg {
	s := new(svg)
	fmt.Fprintf(s, `<svg class="%s" viewBox="0 0 %g %g" role="img">`, class, w, h)
	return s
}

func (s *svg) rect(x, y, w, h float64, attr string) {
	fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" %s/>`, x, y, max(w, 0), h, attr)
}

func (s *svg) line(x1, y1, x2, y2 float64, attr string) {
	fmt.Fprintf(s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`, x1, y1, x2, y2, attr)
}

func (s *svg) text(x, y float64, attr, t string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, attr, template.HTMLEscapeString(t))
}

func (s *svg) done() template.HTML { return template.HTML(s.String() + "</svg>") }

const (
	barW = 360.0
	barH = 22.0
)

// scale is the greatest ratio on the axis that the goals share.
func (r *report) scale() float64 {
	top := 10.0
	for _, res := range r.Rows {
		for _, g := range res.Goals {
			if g.Against == "" || g.AtMost {
				continue
			}
			top = max(top, g.Aim, g.Must)
			if g.Value != nil {
				top = max(top, g.Value.High)
			}
		}
	}
	return top * 1.15
}

// goalBar shows a goal on a logarithmic axis: what was measured, with its
// quartiles, a tick where it must be, and one where it is meant to be. Where less
// is better the axis is the goal's own.
func goalBar(g *verdict, class string, top float64) template.HTML {
	low := 1.0
	if g.Against == "" || g.AtMost {
		least, most := g.Value.Low, max(g.Value.High, g.Must, g.Aim)
		for _, x := range []float64{g.Must, g.Aim} {
			if x > 0 {
				least = min(least, x)
			}
		}
		low, top = max(least, most*1e-6)/2, most*1.3
	} else if g.Value.Low < 1 || g.Must > 0 && g.Must < 1 {
		low = min(0.3, max(g.Value.Low, 0.01)*0.8)
	}
	at := func(x float64) float64 {
		return barW * min(max(math.Log(max(x, low)/low)/math.Log(top/low), 0), 1)
	}
	s := newSVG(barW, barH, "bar "+class)
	s.rect(0, 4, barW, barH-8, `class="rail"`)
	for x := math.Pow(10, math.Ceil(math.Log10(low))); x < top; x *= 10 {
		s.line(at(x), 4, at(x), barH-4, `class="grid"`)
	}
	s.rect(0, 4, at(g.Value.Median), barH-8, `class="fill"`)
	s.line(at(g.Value.Low), barH/2, at(g.Value.High), barH/2, `class="whisker"`)
	if g.Must > 0 {
		s.line(at(g.Must), 0, at(g.Must), barH, `class="must"`)
	}
	if g.Aim > 0 {
		s.line(at(g.Aim), 0, at(g.Aim), barH, `class="aim"`)
	}
	return s.done()
}

// sideBar shows a side's CPU time beside that of the others, from zero.
func sideBar(f spread, most float64, color string) template.HTML {
	const w, h = 240.0, 14.0
	at := func(x float64) float64 { return w * x / max(most, 1) }
	s := newSVG(w, h, "side")
	s.rect(0, 2, max(at(f.Median), 1), h-4, fmt.Sprintf(`rx="2" fill="%s"`, color))
	s.line(at(f.Low), h/2, at(f.High), h/2, `class="whisker"`)
	return s.done()
}

// The plot of latencies: percentiles by nines across, time upwards, both
// logarithmic.
const (
	plotW, plotH         = 760.0, 300.0
	left, right, up, low = 64.0, 150.0, 14.0, 34.0
	tail                 = 10 // samples above the last percentile that is drawn
)

// plot draws the histograms of a row's sides; "" when it has none.
func plot(res *result) template.HTML {
	var all []*histogram
	lo, hi, ends := math.Inf(1), 0.0, 1.0
	for _, o := range res.Sides {
		var h *histogram
		for _, b := range o.Blocks {
			h = h.merge(b.Hist)
		}
		all = append(all, h)
		if h == nil || h.TotalCount() < 2*tail {
			continue
		}
		last := math.Log10(float64(h.TotalCount()) / tail)
		lo, hi = min(lo, value(h, 0)), max(hi, value(h, last))
		ends = max(ends, last)
	}
	if hi == 0 {
		return ""
	}
	ends = min(math.Ceil(ends*2)/2, 6)
	y0, y1 := math.Floor(math.Log10(max(lo, 1))), math.Ceil(math.Log10(hi*1.01))
	x := func(n float64) float64 { return left + (plotW-left-right)*n/ends }
	y := func(ns float64) float64 {
		return plotH - low - (plotH-low-up)*(math.Log10(max(ns, 1))-y0)/max(y1-y0, 1)
	}
	s := newSVG(plotW, plotH, "plot")
	axes(s, x, y, ends, y0, y1)
	for i, h := range all {
		if h != nil && h.TotalCount() >= 2*tail {
			curve(s, h, x, y, ends, color(res, i))
			legend(s, i, res.Sides[i].Name, color(res, i))
		}
	}
	return s.done()
}

// value is the latency at a number of nines: 0 is the least, 2 is p99.
func value(h *histogram, n float64) float64 {
	return float64(h.ValueAtPercentile(100 - 100*math.Pow(10, -n)))
}

func axes(s *svg, x, y func(float64) float64, ends, y0, y1 float64) {
	for n := 0.0; n <= ends; n++ {
		s.line(x(n), up, x(n), plotH-low, `class="grid"`)
		name := "min"
		if n > 0 {
			name = fmt.Sprintf("p%.12g", 100-100*math.Pow(10, -n))
		}
		s.text(x(n), plotH-low+18, `class="label" text-anchor="middle"`, name)
	}
	for e := y0; e <= y1; e++ {
		at := y(math.Pow(10, e))
		s.line(left, at, plotW-right, at, `class="grid"`)
		s.text(left-8, at+4, `class="label" text-anchor="end"`, human(math.Pow(10, e), "ns"))
	}
}

func curve(s *svg, h *histogram, x, y func(float64) float64, ends float64, color string) {
	last := min(math.Log10(float64(h.TotalCount())/tail), ends)
	fmt.Fprintf(s, `<polyline fill="none" stroke-width="2" stroke="%s" points="`, color)
	for n := 0.0; n < last; n += 0.02 {
		fmt.Fprintf(s, "%.1f,%.1f ", x(n), y(value(h, n)))
	}
	fmt.Fprintf(s, `%.1f,%.1f"/>`, x(last), y(value(h, last)))
}

func legend(s *svg, i int, name, color string) {
	at := up + 12 + float64(i)*20
	s.line(plotW-right+16, at, plotW-right+36, at, fmt.Sprintf(`stroke-width="3" stroke="%s"`, color))
	s.text(plotW-right+42, at+4, `class="label"`, name)
}
