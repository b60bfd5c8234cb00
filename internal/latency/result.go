package latency

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"dataplane/perf"
)

// How a Result was measured.
const (
	OpenLoop   = "open loop"
	ClosedLoop = "service time"
)

// Percentiles are those that are shown.
var Percentiles = []float64{50, 90, 99, 99.9, 99.99}

// Result is one measurement.
type Result struct {
	Name        string // given by the caller
	Loop        string // OpenLoop or ClosedLoop
	Size        int
	Connections int
	Time        time.Duration // measured
	Offered     float64       // requests per second; 0 in the closed loop
	Achieved    float64       // answers per second
	Requests    int64         // meant to leave in the time
	All         int64         // answers, with those of the time before the measured one
	MaxLate     perf.Tick     // the latest that a request left; open loop only
	Hist        *perf.Hist    // of those that were answered
	Calm        *perf.Hist    // of those among them that came while the process kept its CPUs
	Usage       Usage         // of the process
}

// add books what r has recorded.
func (r *Result) add(rec *recorder) {
	rec.judge()
	r.Hist.Merge(rec.all)
	r.Calm.Merge(rec.calm)
}

// Undisturbed returns the result of those slices of time in which nobody took a CPU
// from the process: what the machine's neighbours did is left out. nil: there are none.
func (r *Result) Undisturbed() *Result {
	if r.Calm == nil || r.Calm.Count() == 0 {
		return nil
	}
	u := *r
	u.Name += ", undisturbed"
	u.Hist, u.Calm, u.Requests, u.Usage.Involuntary = r.Calm, nil, r.Calm.Count(), 0
	return &u
}

// Lost returns how many requests were not answered.
func (r *Result) Lost() int64 { return max(0, r.Requests-r.Hist.Count()) }

// Saturated reports whether the answers did not keep up with the requests.
func (r *Result) Saturated() bool { return r.Offered > 0 && r.Achieved < keepUp*r.Offered }

// Percentile returns the latency that p percent of the requests did not exceed. A
// request without an answer took longer than all others. It is not known if fewer
// than a hundred requests took longer, or if it is one without an answer.
func (r *Result) Percentile(p float64) (v perf.Tick, known bool) {
	if !perf.EnoughOf(r.Requests, p) {
		return 0, false
	}
	of := p * float64(r.Requests) / float64(max(r.Hist.Count(), 1))
	if of > 100 {
		return 0, false
	}
	return r.Hist.Percentile(of), true
}

// Curve returns r as a line of a plot.
func (r *Result) Curve() Curve {
	c := CurveOf(r.Name, r.Hist)
	if r.Lost() == 0 {
		return c
	}
	kept := c.Points[:0]
	for _, p := range c.Points {
		if v, ok := r.Percentile(p.Percent); ok {
			kept = append(kept, Point{p.Percent, v})
		}
	}
	c.Points = kept
	return c
}

// MarshalJSON writes latencies in nanoseconds, with the whole histogram in
// HdrHistogram's own format (V2, compressed, base64).
func (r *Result) MarshalJSON() ([]byte, error) {
	enc, err := r.Hist.Encode()
	if err != nil {
		return nil, err
	}
	ps := make(map[string]int64)
	for _, p := range Percentiles {
		if v, ok := r.Percentile(p); ok {
			ps["p"+strconv.FormatFloat(p, 'g', -1, 64)] = int64(v)
		}
	}
	return json.Marshal(struct {
		Name        string           `json:"name"`
		Loop        string           `json:"loop"`
		Size        int              `json:"size"`
		Connections int              `json:"connections"`
		Time        float64          `json:"seconds"`
		Offered     float64          `json:"offered_per_second,omitempty"`
		Achieved    float64          `json:"achieved_per_second"`
		Requests    int64            `json:"requests"`
		Samples     int64            `json:"samples"`
		Lost        int64            `json:"lost"`
		Percentiles map[string]int64 `json:"percentiles_ns"`
		Min         int64            `json:"min_ns"`
		Mean        int64            `json:"mean_ns"`
		Max         int64            `json:"max_ns"`
		MaxLate     int64            `json:"latest_request_ns,omitempty"`
		Usage       Usage            `json:"usage"`
		Hist        string           `json:"hdrhistogram"`
	}{
		r.Name, r.Loop, r.Size, r.Connections, r.Time.Seconds(), r.Offered, r.Achieved, r.Requests, r.Hist.Count(), r.Lost(), ps,
		int64(r.Hist.Min()), int64(r.Hist.Mean()), int64(r.Hist.Max()), int64(r.MaxLate), r.Usage, enc,
	})
}

// header and cells are a table of results.
func header() []string {
	h := []string{"", "offered/s", "achieved/s"}
	for _, p := range Percentiles {
		h = append(h, fmt.Sprintf("p%g", p))
	}
	return append(h, "max", "samples", "lost", "preempted", "GCs")
}

func (r *Result) cells() []string {
	offered := "-"
	if r.Offered > 0 {
		offered = fmt.Sprintf("%.0f", r.Offered)
	}
	c := []string{r.Name, offered, fmt.Sprintf("%.0f", r.Achieved)}
	for _, p := range Percentiles {
		v, ok := r.Percentile(p)
		switch {
		case ok:
			c = append(c, perf.Short(v).String())
		case perf.EnoughOf(r.Requests, p):
			c = append(c, "lost")
		default:
			c = append(c, "-")
		}
	}
	return append(c, perf.Short(r.Hist.Max()).String(), strconv.FormatInt(r.Hist.Count(), 10),
		strconv.FormatInt(r.Lost(), 10), strconv.FormatInt(r.Usage.Involuntary, 10), strconv.FormatInt(r.Usage.GCs, 10))
}

// Table prints results, a line each. A dash stands where there are not enough samples.
func Table(w io.Writer, results ...*Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, strings.Join(header(), "\t")+"\t")
	for _, r := range results {
		fmt.Fprintln(t, strings.Join(r.cells(), "\t")+"\t")
	}
	return t.Flush()
}

// HTMLTable returns Table as HTML.
func HTMLTable(results ...*Result) string {
	rows := make([][]string, 0, len(results))
	for _, r := range results {
		rows = append(rows, r.cells())
	}
	return HTMLRows(header(), rows)
}

// HTMLRows returns a table as HTML.
func HTMLRows(header []string, rows [][]string) string {
	var b strings.Builder
	row := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for _, c := range cells {
			fmt.Fprintf(&b, "<%s>%s</%s>", tag, html.EscapeString(c), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<table>\n")
	row("th", header)
	for _, r := range rows {
		row("td", r)
	}
	b.WriteString("</table>\n")
	return b.String()
}
