package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// result is what a row has come to.
type result struct {
	Num   string     `json:"num,omitempty"`
	Name  string     `json:"name"`
	What  string     `json:"what"`
	Unit  string     `json:"unit"`
	Note  string     `json:"note,omitempty"`
	Error string     `json:"error,omitempty"` // of the whole row
	Took  string     `json:"took,omitempty"`  // with all that is outside of the windows
	Sides []*outcome `json:"sides"`
	Goals []verdict  `json:"goals,omitempty"`
}

// outcome is one side's part.
type outcome struct {
	Name    string   `json:"name"`
	Plane   bool     `json:"plane,omitempty"`
	Error   string   `json:"error,omitempty"`
	Skipped string   `json:"skipped,omitempty"`
	Blocks  []sample `json:"blocks,omitempty"`

	Figures map[string]spread `json:"figures,omitempty"` // by measure
}

// spread is a median with its quartiles.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"p25"`
	High   float64 `json:"p75"`
}

// verdict is what has become of a goal.
type verdict struct {
	Side    string  `json:"side"`
	Measure string  `json:"measure"`
	Against string  `json:"against,omitempty"`
	By      string  `json:"by,omitempty"`
	Less    string  `json:"less,omitempty"`
	Of      string  `json:"of,omitempty"` // which blocks; "": all
	AtMost  bool    `json:"at_most,omitempty"`
	Unit    string  `json:"unit,omitempty"`
	Must    float64 `json:"must,omitempty"`
	Aim     float64 `json:"aim,omitempty"`
	Value   *spread `json:"value,omitempty"` // nil: there is nothing to judge
}

func newResult(r row) *result {
	return &result{Num: r.num, Name: r.name, What: r.what, Unit: r.unit, Note: r.note}
}

// sum derives figures and verdicts from the blocks.
func (res *result) sum(r row) {
	for _, o := range res.Sides {
		o.sum(res.Unit)
	}
	res.Goals = nil
	quiet, of := res.calm()
	for _, g := range r.allGoals() {
		if g.calm {
			v := quiet.judge(g)
			v.Of = of
			res.Goals = append(res.Goals, v)
			continue
		}
		res.Goals = append(res.Goals, res.judge(g))
	}
}

var percentiles = []string{"p50", "p90", "p99", "p99.9", "p99.99"}

func (o *outcome) sum(unit string) {
	if len(o.Blocks) == 0 {
		return
	}
	o.Figures = map[string]spread{}
	names := append([]string{"cpu", "wall", "packets", "allocs", "max"}, percentiles...)
	if unit == "KiB" {
		names = append(names, gbitPerCPU)
	}
	if v := o.numbers(softirqd); quantile(v, 0.5)*100 > quantile(o.numbers("cpu"), 0.5) {
		o.Figures[softirqd] = spreadOf(v)
	}
	for name := range o.Blocks[0].Values {
		names = append(names, name)
	}
	for _, name := range names {
		if v := o.numbers(name); v != nil {
			o.Figures[name] = spreadOf(v)
		}
	}
}

// numbers returns a measure for each block, or for all blocks together where one
// block does not have enough samples for it; nil: there is no such number.
func (o *outcome) numbers(measure string) []float64 {
	if q, ok := nines(measure); ok {
		return o.percentile(q)
	}
	out := make([]float64, 0, len(o.Blocks))
	for i := range o.Blocks {
		b := &o.Blocks[i]
		v, ok := b.number(measure)
		if !ok {
			return nil
		}
		out = append(out, v)
	}
	if measure == "max" && len(out) > 0 {
		return []float64{slices.Max(out)} // of all: a maximum of some is no measure
	}
	return out
}

// gbitPerCPU is how many Gbit a second of CPU time moves.
const gbitPerCPU = "Gbit/CPU-s"

// softirqd is what the kernel's threads for network work took beside the process.
const softirqd = "ksoftirqd"

func (s *sample) number(measure string) (float64, bool) {
	switch measure {
	case "", "cpu":
		return float64(s.CPU) / float64(s.Ops), s.CPU > 0
	case "wall":
		return float64(s.Wall) / float64(s.Ops), s.Wall > 0
	case "packets":
		return float64(s.Packets) / float64(s.Ops), s.Packets > 0
	case "allocs":
		return float64(s.Mallocs) / float64(s.Ops), true
	case softirqd:
		return float64(s.Softirqd) / float64(s.Ops), s.CPU > 0
	case gbitPerCPU:
		return float64(s.Bytes) * 8 / float64(s.CPU), s.CPU > 0
	case "max":
		if s.Hist == nil {
			return 0, false
		}
		return float64(s.Hist.Max()), true
	}
	v, ok := s.Values[measure]
	return v, ok
}

// nines turns "p99.9" into 99.9.
func nines(measure string) (float64, bool) {
	p, ok := strings.CutPrefix(measure, "p")
	q, err := strconv.ParseFloat(p, 64)
	return q, ok && err == nil
}

// enough is how many samples there must be above a percentile.
const enough = 100

func (o *outcome) percentile(q float64) []float64 {
	var all *histogram
	var each []float64
	for _, b := range o.Blocks {
		if b.Hist == nil {
			return nil
		}
		all = all.merge(b.Hist)
		if above(b.Hist, q) {
			each = append(each, float64(b.Hist.ValueAtPercentile(q)))
		}
	}
	switch {
	case len(o.Blocks) > 0 && len(each) == len(o.Blocks):
		return each
	case all != nil && above(all, q):
		return []float64{float64(all.ValueAtPercentile(q))}
	}
	return nil
}

func above(h *histogram, q float64) bool {
	return float64(h.TotalCount())*(100-q)/100 >= enough
}

// side returns a side that has something to show, or nil.
func (res *result) side(name string) *outcome {
	i := slices.IndexFunc(res.Sides, func(o *outcome) bool { return o.Name == name && len(o.Blocks) > 0 })
	if i < 0 {
		return nil
	}
	return res.Sides[i]
}

func (res *result) judge(g goal) verdict {
	v := verdict{
		Side: g.side, Measure: g.measure, Against: g.against, By: g.by, Less: g.less,
		AtMost: g.atMost, Unit: g.unit, Must: g.must, Aim: g.aim,
	}
	if v.Measure == "" {
		v.Measure = "cpu"
	}
	if v.By == v.Measure || v.Against == "" {
		v.By = ""
	}
	mine, by := res.side(g.side), v.Measure
	if mine == nil {
		return v
	}
	a := mine.numbers(v.Measure)
	if g.against == "" {
		if a != nil {
			v.Value = new(spreadOf(a))
		}
		return v
	}
	other := res.side(g.against)
	if other == nil {
		return v
	}
	if v.By != "" {
		by = v.By
	}
	b := other.numbers(by)
	if g.less != "" {
		off := res.side(g.less)
		if off == nil {
			return v
		}
		a, b = minus(a, off.numbers(v.Measure)), minus(b, off.numbers(by))
	}
	if r := ratios(a, b, g.atMost); r != nil {
		v.Value = new(spreadOf(r))
	}
	return v
}

// ratios divides block by block: how many times smaller mine is, or, the other way
// round, how many times greater.
func ratios(mine, other []float64, greater bool) []float64 {
	if len(mine) == 0 || len(other) == 0 {
		return nil
	}
	if len(mine) != len(other) { // one of the two had to put its blocks together
		mine, other = []float64{quantile(mine, 0.5)}, []float64{quantile(other, 0.5)}
	}
	var out []float64
	for i := range mine {
		a, b := other[i], mine[i]
		if greater {
			a, b = b, a
		}
		if r := a / b; !math.IsNaN(r) && !math.IsInf(r, 0) {
			out = append(out, r)
		}
	}
	return out
}

// minus takes off block by block; nil: there is nothing to take off, or nothing left.
func minus(v, off []float64) []float64 {
	if len(off) != len(v) {
		return nil
	}
	var out []float64
	for i := range v {
		if v[i] <= off[i] {
			return nil
		}
		out = append(out, v[i]-off[i])
	}
	return out
}

func (v *verdict) reached(limit float64) bool {
	if v.AtMost {
		return v.Value.Median <= limit
	}
	return v.Value.Median >= limit
}

// state is "ok", "MISSED", or why there is neither.
func (v *verdict) state() string {
	switch {
	case v.Value == nil:
		return "not measured"
	case v.Must > 0 && !v.reached(v.Must):
		return "MISSED"
	case v.Aim > 0 && v.reached(v.Aim):
		return "ok, aim too"
	case v.Must > 0:
		return "ok"
	case v.Aim > 0:
		return "aim missed"
	}
	return "for information"
}

// missed reports whether a must was measured and not reached.
func (v *verdict) missed() bool { return v.state() == "MISSED" }

// title says what is compared.
func (v *verdict) title() string {
	s := v.Side
	if v.Measure != "cpu" {
		s += " " + v.Measure
	}
	switch {
	case v.Against == v.Side:
		s += " / own " + v.By
	case v.Against != "" && v.AtMost:
		s += " / " + v.Against
	case v.Against != "":
		s += " vs " + v.Against
	}
	if v.By != "" && v.Against != v.Side {
		s += " " + v.By
	}
	if v.Less != "" {
		s += ", less " + v.Less
	}
	if v.Of != "" {
		s += ", " + v.Of
	}
	return s
}

// show writes a number of the goal's kind.
func (v *verdict) show(x float64) string {
	switch {
	case v.Measure == "allocs":
		return fmt.Sprintf("%.3f", x)
	case v.Against == "":
		return human(x, v.Unit)
	case x < 10:
		return fmt.Sprintf("%.2fx", x)
	}
	return fmt.Sprintf("%.1fx", x)
}

// human shortens a number with a unit.
func human(x float64, unit string) string {
	switch {
	case unit == "ns" && x >= 1e6:
		return fmt.Sprintf("%.3g ms", x/1e6)
	case unit == "ns" && x >= 1e3:
		return fmt.Sprintf("%.3g µs", x/1e3)
	case unit == "":
		return fmt.Sprintf("%.3g", x)
	}
	return fmt.Sprintf("%.0f %s", x, unit)
}

func spreadOf(v []float64) spread {
	return spread{Median: quantile(v, 0.5), Low: quantile(v, 0.25), High: quantile(v, 0.75)}
}

// quantile returns the q-quantile of v.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 == len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
