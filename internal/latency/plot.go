package latency

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"dataplane/perf"
)

// Point is a latency that p percent of the samples did not exceed.
type Point struct {
	Percent float64
	Value   perf.Tick
}

// Curve is one line of a plot.
type Curve struct {
	Name   string
	Points []Point // by ascending percentage
}

// CurveOf returns the percentiles of h that there are enough samples for.
func CurveOf(name string, h *perf.Hist) Curve {
	c := Curve{Name: name}
	for nines := 0.0; ; nines += 0.05 {
		p := 100 * (1 - math.Pow(10, -nines))
		if !h.Enough(p) {
			return c
		}
		c.Points = append(c.Points, Point{p, h.Percentile(p)})
	}
}

// The plot's measures, in units of the SVG.
const (
	plotWidth, plotHeight          = 760.0, 360.0
	plotLeft, plotRight            = 64.0, 16.0
	plotTop, plotBottom            = 16.0, 44.0
	legendLine                     = 18.0
	plotMaxX                       = plotWidth - plotRight
	plotMaxY                       = plotHeight - plotBottom
	leastNines, leastDecade        = 3.0, 1.0
	labelGap, tickGap, legendInset = 8.0, 16.0, 14.0
)

// palette tells curves apart, also for those who see colours differently (Okabe and
// Ito, 2008); what is beyond it repeats it with a dashed line.
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// scale maps percentiles and latencies to the plot, both by their logarithm.
type scale struct {
	nines  float64 // to the right end: 3 is 99.9 %
	lo, hi float64 // exponents of ten, of nanoseconds
}

func newScale(curves []Curve) scale {
	s := scale{nines: leastNines, lo: math.Inf(1), hi: math.Inf(-1)}
	for _, c := range curves {
		for _, p := range c.Points {
			s.nines = max(s.nines, nines(p.Percent))
			v := math.Log10(float64(max(p.Value, 1)))
			s.lo, s.hi = min(s.lo, v), max(s.hi, v)
		}
	}
	if s.lo > s.hi {
		s.lo, s.hi = 3, 6
	}
	s.lo = math.Floor(s.lo)
	s.hi = max(math.Ceil(s.hi), s.lo+leastDecade)
	return s
}

// nines returns how many nines p has: 90 has one, 99.9 three.
func nines(p float64) float64 { return -math.Log10(max(1-p/100, 1e-9)) }

func (s scale) x(n float64) float64 { return plotLeft + (plotMaxX-plotLeft)*n/s.nines }

func (s scale) y(v perf.Tick) float64 {
	return plotMaxY - (plotMaxY-plotTop)*(math.Log10(float64(max(v, 1)))-s.lo)/(s.hi-s.lo)
}

// Plot draws curves over the percentiles, each nine as wide as the one before, and
// returns an SVG element to put into a page.
func Plot(curves ...Curve) string {
	s := newScale(curves)
	var b strings.Builder
	height := plotHeight + legendLine*float64((len(curves)+1)/2)
	fmt.Fprintf(&b, `<svg class="latency" viewBox="0 0 %g %g" role="img" xmlns="http://www.w3.org/2000/svg" `+
		`font-family="system-ui,sans-serif" font-size="12" fill="currentColor">`+"\n", plotWidth, height)
	s.grid(&b)
	for i, c := range curves {
		s.line(&b, i, c)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// grid draws the axes: a line for each nine, and for each decade of time.
func (s scale) grid(b *strings.Builder) {
	names := []string{"p0", "p90", "p99", "p99.9", "p99.99", "p99.999", "p99.9999"}
	line := func(x1, y1, x2, y2, opacity float64) {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="%g"/>`+"\n", x1, y1, x2, y2, opacity)
	}
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, s)
	}
	for n, name := range names {
		if float64(n) > s.nines+1e-9 {
			break
		}
		x := s.x(float64(n))
		line(x, plotTop, x, plotMaxY, 0.15)
		text(x, plotMaxY+tickGap, "middle", name)
	}
	x := s.x(nines(50))
	line(x, plotTop, x, plotMaxY, 0.15)
	text(x, plotMaxY+tickGap, "middle", "p50")
	for e := s.lo; e <= s.hi; e++ {
		for _, k := range []float64{1, 2, 5} {
			v := perf.Tick(k * math.Pow(10, e))
			if y := s.y(v); y >= plotTop-0.1 {
				line(plotLeft, y, plotMaxX, y, map[bool]float64{true: 0.3, false: 0.1}[k == 1])
				if k == 1 || s.hi-s.lo <= 2 {
					text(plotLeft-labelGap, y+4, "end", v.String())
				}
			}
		}
	}
}

// line draws curve i and its entry in the legend.
func (s scale) line(b *strings.Builder, i int, c Curve) {
	style := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="2"`, palette[i%len(palette)])
	if i >= len(palette) {
		style += ` stroke-dasharray="6 3"`
	}
	name := html.EscapeString(c.Name)
	fmt.Fprintf(b, `<polyline %s points="`, style)
	for _, p := range c.Points {
		fmt.Fprintf(b, "%.1f,%.1f ", s.x(nines(p.Percent)), s.y(p.Value))
	}
	fmt.Fprintf(b, `"><title>%s</title></polyline>`+"\n", name)
	for _, p := range c.Points { // what the pointer finds
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="5" fill-opacity="0"><title>%s: p%.5g %v</title></circle>`+"\n",
			s.x(nines(p.Percent)), s.y(p.Value), name, p.Percent, p.Value)
	}
	x := plotLeft + float64(i%2)*(plotWidth-plotLeft)/2
	y := plotMaxY + tickGap + legendInset + legendLine*float64(i/2)
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/><text x="%.1f" y="%.1f">%s</text>`+"\n",
		x, y, x+24, y, style, x+24+labelGap, y+4, name)
}

const pageHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%[1]s</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
svg.latency { width: 100%%; height: auto }
figure { margin: 1.5rem 0 }
</style></head><body>
<h1>%[1]s</h1>
`

// Page writes an HTML page that needs nothing else. parts are HTML.
func Page(w io.Writer, title string, parts ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, html.EscapeString(title))
	for _, p := range parts {
		b.WriteString(p)
	}
	b.WriteString("</body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
