package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

func (r *report) head(w io.Writer) {
	fmt.Fprintf(w, "%s, %s, Linux %s, %d x %s, load %s\n", r.Commit, r.Go, r.Kernel, r.CPUs, r.CPU, r.Load)
	for _, name := range slices.Sorted(maps.Keys(r.Peers)) {
		fmt.Fprintf(w, "%s %s; ", name, r.Peers[name])
	}
	fmt.Fprintf(w, "softirq work: %s\n", r.Softirq)
}

// own are the measures with a column; the others are listed behind them.
var own = []string{"cpu", "wall", "packets", "allocs"}

func (res *result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%3s  %s: %s (for each %s; %s)\n", res.Num, res.Name, res.What, res.Unit, res.Took)
	if res.Error != "" {
		fmt.Fprintf(w, "     FAILED: %s\n", res.Error)
		return
	}
	fmt.Fprintf(w, "     %-14s %10s %17s %10s %8s %9s\n", "", "CPU ns", "quartiles", "wall ns", "packets", "allocs")
	for _, o := range res.Sides {
		switch {
		case o.Error != "":
			fmt.Fprintf(w, "     %-14s FAILED: %s\n", o.Name, o.Error)
		case o.Skipped != "":
			fmt.Fprintf(w, "     %-14s skipped: %s\n", o.Name, o.Skipped)
		case o.Figures != nil:
			o.print(w)
		}
	}
	for i := range res.Goals {
		if g := &res.Goals[i]; g.Measure != "allocs" || g.missed() {
			fmt.Fprintf(w, "     %s\n", g.line())
		}
	}
}

func (o *outcome) print(w io.Writer) {
	cell := func(name, format string) string {
		if f, ok := o.Figures[name]; ok {
			return fmt.Sprintf(format, f.Median)
		}
		return "-"
	}
	quartiles := "-"
	if f, ok := o.Figures["cpu"]; ok {
		quartiles = fmt.Sprintf("%.0f to %.0f", f.Low, f.High)
	}
	fmt.Fprintf(w, "     %-14s %10s %17s %10s %8s %9s", o.Name, cell("cpu", "%.1f"), quartiles,
		cell("wall", "%.0f"), cell("packets", "%.3f"), cell("allocs", "%.3f"))
	fmt.Fprintf(w, "  %s\n", strings.Join(o.others(), " "))
}

// others lists the measures that have no column.
func (o *outcome) others() []string {
	var out []string
	for _, name := range slices.SortedFunc(maps.Keys(o.Figures), byName) {
		if slices.Contains(own, name) {
			continue
		}
		v, unit := o.Figures[name].Median, ""
		if _, ok := nines(name); ok || name == "max" {
			unit = "ns"
		}
		out = append(out, name+"="+strings.ReplaceAll(human(v, unit), " ", ""))
	}
	return out
}

// byName puts percentiles in their order and the greatest last.
func byName(a, b string) int {
	key := func(s string) string {
		if q, ok := nines(s); ok {
			return fmt.Sprintf("y%08.4f", q)
		}
		if s == "max" {
			return "z"
		}
		return s
	}
	return strings.Compare(key(a), key(b))
}

func (v *verdict) line() string {
	if v.Value == nil {
		return fmt.Sprintf("%-36s %s", v.title(), v.state())
	}
	s := fmt.Sprintf("%-36s %9s (%s to %s)", v.title(), v.show(v.Value.Median), v.show(v.Value.Low), v.show(v.Value.High))
	if v.Must > 0 {
		s += ", must " + v.limit(v.Must)
	}
	if v.Aim > 0 {
		s += ", aim " + v.limit(v.Aim)
	}
	return s + ": " + v.state()
}

// summary lists the goals, those of allocations in one line.
func (r *report) summary(w io.Writer) {
	fmt.Fprintf(w, "\nGoals (medians over blocks; quartiles in brackets)\n")
	t := r.tally()
	for _, x := range r.Rows {
		for i := range x.Goals {
			if g := &x.Goals[i]; g.Measure != "allocs" {
				fmt.Fprintf(w, "%4s %-18s %s\n", x.Num, x.Name, g.line())
			}
		}
	}
	fmt.Fprintf(w, "\n%d of %d musts reached, %d of %d aims; %d goals not measured.\n", t.Must, t.Musts, t.Aim, t.Aims, t.Unknown)
	if len(t.Allocating) > 0 {
		fmt.Fprintf(w, "Planes that allocate in the steady state: %s\n", strings.Join(t.Allocating, ", "))
	} else {
		fmt.Fprintf(w, "No plane allocates in the steady state.\n")
	}
	fmt.Fprintf(w, "CPU ns: CPU time of the whole process for one operation. Every payload was verified. %v in all.\n", r.Took)
}

// tally counts the goals that were judged.
type tally struct {
	Must, Musts, Aim, Aims, Unknown int
	Allocating                      []string
}

func (r *report) tally() (t tally) {
	for _, x := range r.Rows {
		for i := range x.Goals {
			g := &x.Goals[i]
			switch {
			case g.Measure == "allocs":
				if g.missed() {
					t.Allocating = append(t.Allocating, fmt.Sprintf("%s %s (%s)", x.Name, g.Side, g.show(g.Value.Median)))
				}
				continue
			case g.Value == nil:
				t.Unknown++
				continue
			}
			if g.Must > 0 {
				t.Musts++
				if g.reached(g.Must) {
					t.Must++
				}
			}
			if g.Aim > 0 {
				t.Aims++
				if g.reached(g.Aim) {
					t.Aim++
				}
			}
		}
	}
	return t
}
