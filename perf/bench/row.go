package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// row is one line of the table: the same work done by several sides.
type row struct {
	num   string // in the table of goals: "1", "4a"; "": for information
	name  string
	what  string
	unit  string // of an operation
	sides []side
	goals []goal
	note  string // what a reader of the figures should know

	cpus   int           // 0, 1: pinned to one CPU with GOMAXPROCS=1; more: that many
	weight float64       // share of the time, beside others; 0: 1
	window time.Duration // the least that a window lasts; 0: as the plan says
	cut    int           // windows are so many times shorter, and there are more of them; 0: 1
	once   bool          // one window for each side is the whole measurement
	slow   bool          // not in a quick run
}

// side is one way of doing the row's work.
type side struct {
	name  string // "goroutine", "resident", "gvisor", "linux-lo", ...
	open  func() (*subject, error)
	plane bool // ours: it must not allocate in the steady state, unless
	alloc bool // it may, because its application does
	root  bool // it needs a network namespace of its own
	extra bool // for information, not in a quick run
}

// extra marks a side that a quick run does without.
func extra(s side) side { s.extra = true; return s }

// lean returns the row without its extra sides and the goals that name them.
func (r row) lean() row {
	gone := func(name string) bool {
		return slices.ContainsFunc(r.sides, func(s side) bool { return s.extra && s.name == name })
	}
	out := r
	out.goals = slices.DeleteFunc(slices.Clone(r.goals), func(g goal) bool { return gone(g.side) || gone(g.against) || gone(g.less) })
	out.sides = slices.DeleteFunc(slices.Clone(r.sides), func(s side) bool { return s.extra })
	return out
}

// subject is a side that is ready to work.
type subject struct {
	load    load
	packets func() uint64 // over the link so far; nil: unknown
	kernel  bool          // the kernel's stack does the work: ksoftirqd's part of it counts
	close   func() error
}

// goal compares two numbers. The number of a side is the median over its blocks;
// two sides are compared block by block.
//
// Without atMost the outcome is against/side, how many times better the side is,
// and must be at least must. With atMost it is side/against, and must not exceed
// must. Without against it is the side's number alone.
type goal struct {
	side    string
	measure string // "" or "cpu", "wall", "packets", "allocs", "p50" ... "p99.99", "max", or a value's name
	against string // another side, or the same
	by      string // its measure, if another one
	less    string // a side whose number is taken off both: the generator's own
	atMost  bool
	calm    bool    // of calm blocks only, see bare.go
	unit    string  // of a number alone: "ns", "B"
	must    float64 // 0: none; without both it is for information
	aim     float64
}

// bounds are for information: how many times better than its peers the bare path is,
// which nobody can pass, and how near to it ours are.
func bounds(floor string, peers []string, ours ...string) (out []goal) {
	for _, p := range peers {
		out = append(out, goal{side: floor, against: p})
	}
	for _, o := range ours {
		out = append(out, goal{side: o, against: floor})
	}
	return out
}

const floorNote = "floor: the bare path without loss recovery, timers, congestion control, options, ICMP and ARP; nobody's goal."

// skip is why a side cannot be measured here. It is not a failure.
type skip struct{ why string }

func (s skip) Error() string { return s.why }

// skipped returns the error of an open that has nothing to work with.
func skipped(format string, args ...any) error { return skip{fmt.Sprintf(format, args...)} }

func isSkip(err error) bool { return errors.As(err, new(skip)) }

// check finds mistakes in the table itself.
func (r *row) check() error {
	if r.name == "" || r.unit == "" || len(r.sides) == 0 {
		return fmt.Errorf("row %q %q: a row has a name, a unit and sides", r.num, r.name)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(r.sides, func(s side) bool { return s.name == name })
	}
	for _, g := range r.goals {
		if !has(g.side) || g.against != "" && !has(g.against) || g.less != "" && !has(g.less) {
			return fmt.Errorf("row %s: a goal compares %q and %q", r.name, g.side, g.against)
		}
	}
	return nil
}

// allGoals are the row's own, and that its planes do not allocate.
func (r *row) allGoals() []goal {
	out := slices.Clone(r.goals)
	for _, s := range r.sides {
		if s.plane && !s.alloc {
			out = append(out, goal{side: s.name, measure: "allocs", atMost: true, must: mayAllocate})
		}
	}
	return out
}

// mayAllocate is what a window's own set-up comes to for one operation.
const mayAllocate = 0.01
