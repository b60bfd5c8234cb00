package bench

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"runtime"
	"strings"
	"time"

	"dataplane/internal/latency"
)

// report is what Latency writes.
type report struct {
	cfg        *Config
	Target     string            `json:"target"`
	Started    time.Time         `json:"started"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	Saturation float64           `json:"saturation_per_second,omitempty"`
	Results    []*latency.Result `json:"results"`
}

// how says how the load is made.
func (r *report) how() string {
	c := r.cfg
	gaps, run, read := "equal gaps", "goroutines", "parked readers"
	if c.Seed != 0 {
		gaps = fmt.Sprintf("exponential gaps (seed %d)", c.Seed)
	}
	if c.Resident {
		run = "resident tasks"
	}
	if c.Spin {
		read = "spinning readers"
	}
	if c.Resident {
		read = "run to completion"
	}
	return fmt.Sprintf("%s, %d bytes, %d connection(s), %s, %s, %s, %v each; GOMAXPROCS %d, %s",
		strings.ToUpper(c.Proto), c.Size, c.Connections, run, read, gaps, c.Time, r.GOMAXPROCS, runtime.Version())
}

func (r *report) head() { fmt.Fprintf(r.cfg.Out, "%s\n%s\n", r.Target, r.how()) }

// notes are what a reader must know.
var notes = []string{
	"Open loop: a latency counts from the moment when the request was meant to leave. Service time: from when it left, and the next waits for it.",
	"A dash: fewer than 100 samples above. Preempted: times that somebody else got a CPU of ours; undisturbed are the slices of 250 µs without that.",
}

// split shows results that others disturbed with and without the disturbance.
func (r *report) split() {
	var all []*latency.Result
	for _, res := range r.Results {
		all = append(all, res)
		if u := res.Undisturbed(); u != nil && res.Usage.Involuntary > 0 {
			all = append(all, u)
		}
	}
	r.Results = all
}

// write prints the table and writes the files.
func (r *report) write() error {
	r.split()
	if err := latency.Table(r.cfg.Out, r.Results...); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(r.cfg.Out, n)
	}
	for _, res := range r.Results {
		if res.Saturated() && res.Calm != nil { // said once
			fmt.Fprintf(r.cfg.Out, "%s: the answers did not keep up with the requests; its latencies say how long the run was.\n", res.Name)
		}
	}
	if r.cfg.JSON != "" {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.cfg.JSON, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	if r.cfg.HTML != "" {
		return r.writeHTML()
	}
	return nil
}

func (r *report) writeHTML() error {
	var curves []latency.Curve
	for _, res := range r.Results {
		curves = append(curves, res.Curve())
	}
	text := fmt.Sprintf("<p>%s<br>%s<br>%s</p>\n", html.EscapeString(r.Target), html.EscapeString(r.how()), r.Started.Format(time.RFC3339))
	if r.Saturation > 0 {
		text += fmt.Sprintf("<p>Saturation: %.0f requests/s.</p>\n", r.Saturation)
	}
	var b strings.Builder
	err := latency.Page(&b, "Latency", text, "<figure>"+latency.Plot(curves...)+"</figure>\n", latency.HTMLTable(r.Results...),
		"<p>"+html.EscapeString(strings.Join(notes, " "))+"</p>\n")
	if err != nil {
		return err
	}
	return os.WriteFile(r.cfg.HTML, []byte(b.String()), 0o644)
}
