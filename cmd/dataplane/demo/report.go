package demo

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"dataplane/perf"
)

// report prints results as they come, and all of them at the end.
type report struct {
	w    io.Writer
	rows [][2]string
}

func (r *report) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, format, args...) // a terminal that has gone ends the demo by a signal
}

func (r *report) result(name, result string) {
	r.rows = append(r.rows, [2]string{name, result})
	r.printf("%s  %s\n", pad(name, 26), result)
}

// table prints all results in a frame.
func (r *report) table() {
	var w [2]int
	for _, row := range r.rows {
		for i, s := range row {
			w[i] = max(w[i], utf8.RuneCountInString(s))
		}
	}
	line := func(left, mid, right string) {
		r.printf("%s%s%s%s%s\n", left, strings.Repeat("─", w[0]+2), mid, strings.Repeat("─", w[1]+2), right)
	}
	r.printf("\n")
	line("┌", "┬", "┐")
	for _, row := range r.rows {
		r.printf("│ %s │ %s │\n", pad(row[0], w[0]), pad(row[1], w[1]))
	}
	line("└", "┴", "┘")
}

// books prints the counters: where every frame went.
func (r *report) books(s *perf.Stat) {
	r.printf("frames   %s received, %s delivered, %s dropped%s; %s sent, %s lost%s\n",
		thousands(float64(s.RxFrames)), thousands(float64(s.Delivered)), thousands(float64(s.Dropped())), reasons(&s.Drops),
		thousands(float64(s.TxFrames)), thousands(float64(s.LostFrames())), reasons(&s.Lost))
	var events []string
	for e, n := range s.Events {
		if name := perf.Event(e).String(); n > 0 && !strings.HasPrefix(name, "turn") && name != "sleep" {
			events = append(events, fmt.Sprintf("%s %s", name, thousands(float64(n))))
		}
	}
	if events != nil {
		r.printf("events   %s\n", strings.Join(events, ", "))
	}
}

// reasons lists what is not zero: " (eth-type 3)".
func reasons(n *[perf.NumVerdicts]uint64) string {
	var out []string
	for v, k := range n {
		if k > 0 {
			out = append(out, fmt.Sprintf("%v %d", perf.Verdict(v), k))
		}
	}
	if out == nil {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// pad fills s with spaces up to n characters.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}
