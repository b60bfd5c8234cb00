package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"dataplane/internal/jitter"
	"dataplane/internal/latency"
	"dataplane/lcore"
	"dataplane/perf"
)

// JitterConfig is a measurement of gaps.
type JitterConfig struct {
	Out        io.Writer
	CPU        int           // -1: the one that an lcore would take
	Time       time.Duration // for each kind of thread under each condition
	Realtime   bool          // an lcore that goes before ordinary threads, too
	Rounds     int           // that it is divided into
	JSON, HTML string        // files to write; "": none
}

// jitterPercentiles are those that are shown.
var jitterPercentiles = []float64{50, 99, 99.9, 99.99, 99.999}

// Jitter measures, prints and writes what cfg asks for.
func Jitter(ctx context.Context, cfg JitterConfig) error {
	if cfg.CPU < 0 {
		last := lcore.LastCPUs(1)
		if len(last) == 0 {
			return errors.New("there is no CPU to measure on")
		}
		cfg.CPU = last[0]
	}
	if runtime.GOMAXPROCS(0) < 2 {
		return errors.New("jitter is measured on a thread of its own: GOMAXPROCS must be 2 at least")
	}
	fmt.Fprintf(cfg.Out, "gaps of a thread that spins on CPU %d, %v each in %d rounds; GOMAXPROCS %d, %s\n",
		cfg.CPU, cfg.Time, cfg.Rounds, runtime.GOMAXPROCS(0), runtime.Version())
	subjects := jitter.Subjects()
	if cfg.Realtime {
		subjects = append(subjects, jitter.Subject{Name: "lcore, realtime", Run: jitter.Realtime})
	}
	var lines []*jitter.Line
	for _, c := range jitter.Conditions {
		got, err := jitter.Compare(ctx, cfg.CPU, cfg.Time/time.Duration(cfg.Rounds), cfg.Rounds, c, subjects)
		if err != nil {
			return err
		}
		lines = append(lines, got...)
	}
	if err := jitterTable(cfg.Out, lines); err != nil {
		return err
	}
	if len(jitter.Subjects()) < 3 {
		fmt.Fprintln(cfg.Out, "There is no thread of C to compare with: this program was built without the tag dpdk.")
	}
	return cfg.write(lines)
}

func jitterHeader() []string {
	h := []string{"application", "thread"}
	for _, l := range jitter.Limits {
		h = append(h, fmt.Sprintf(">%v/s", l))
	}
	for _, p := range jitterPercentiles {
		h = append(h, fmt.Sprintf("p%g", p))
	}
	return append(h, "max", "turns/s", "preempted/s", "slept/s", "GC/s")
}

func jitterCells(l *jitter.Line) []string {
	g := l.Gaps
	sec := g.Time.Duration().Seconds()
	c := []string{l.Condition, l.Subject}
	for i := range jitter.Limits {
		c = append(c, fmt.Sprintf("%.1f", g.PerSecond(i)))
	}
	for _, p := range jitterPercentiles {
		if !g.Hist.Enough(p) {
			c = append(c, "-")
			continue
		}
		c = append(c, perf.Short(g.Hist.Percentile(p)).String())
	}
	return append(c, perf.Short(g.Hist.Max()).String(), fmt.Sprintf("%.0f", float64(g.Hist.Count())/sec),
		fmt.Sprintf("%.0f", float64(g.Involuntary)/sec), fmt.Sprintf("%.0f", float64(g.Voluntary)/sec), fmt.Sprintf("%.0f", l.GCs))
}

func jitterTable(w io.Writer, lines []*jitter.Line) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, strings.Join(jitterHeader(), "\t")+"\t")
	for _, l := range lines {
		fmt.Fprintln(t, strings.Join(jitterCells(l), "\t")+"\t")
	}
	return t.Flush()
}

// jitterJSON is a line as it is written.
type jitterJSON struct {
	Application string             `json:"application"`
	Thread      string             `json:"thread"`
	Turns       int64              `json:"turns"`
	Seconds     float64            `json:"seconds"`
	Over        map[string]float64 `json:"gaps_per_second_over"`
	Max         int64              `json:"max_ns"`
	Involuntary int64              `json:"involuntary_switches"`
	Voluntary   int64              `json:"voluntary_switches"`
	Bytes       float64            `json:"allocated_bytes_per_second"`
	GCs         float64            `json:"gc_cycles_per_second"`
	Hist        string             `json:"hdrhistogram"`
}

func (cfg *JitterConfig) write(lines []*jitter.Line) error {
	var errs []error
	if cfg.JSON != "" {
		var out []jitterJSON
		for _, l := range lines {
			g := l.Gaps
			enc, err := g.Hist.Encode()
			errs = append(errs, err)
			j := jitterJSON{l.Condition, l.Subject, g.Hist.Count(), g.Time.Duration().Seconds(), map[string]float64{}, int64(g.Hist.Max()), g.Involuntary, g.Voluntary, l.Bytes, l.GCs, enc}
			for i, limit := range jitter.Limits {
				j.Over[limit.String()] = g.PerSecond(i)
			}
			out = append(out, j)
		}
		b, err := json.MarshalIndent(out, "", "  ")
		errs = append(errs, err, os.WriteFile(cfg.JSON, append(b, '\n'), 0o644))
	}
	if cfg.HTML != "" {
		errs = append(errs, cfg.writeHTML(lines))
	}
	return errors.Join(errs...)
}

func (cfg *JitterConfig) writeHTML(lines []*jitter.Line) error {
	var parts []string
	for _, c := range jitter.Conditions {
		var curves []latency.Curve
		for _, l := range lines {
			if l.Condition == c.Name {
				curves = append(curves, latency.CurveOf(l.Subject, l.Gaps.Hist))
			}
		}
		parts = append(parts, fmt.Sprintf("<h2>Application beside it: %s</h2>\n<figure>%s</figure>\n", html.EscapeString(c.Name), latency.Plot(curves...)))
	}
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		rows = append(rows, jitterCells(l))
	}
	parts = append(parts, latency.HTMLRows(jitterHeader(), rows))
	var b strings.Builder
	if err := latency.Page(&b, fmt.Sprintf("Gaps of a spinning thread, CPU %d", cfg.CPU), parts...); err != nil {
		return err
	}
	return os.WriteFile(cfg.HTML, []byte(b.String()), 0o644)
}
