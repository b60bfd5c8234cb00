package main

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sample is one block of one side: two windows, added up.
type sample struct {
	Ops       uint64             `json:"ops"`
	Bytes     uint64             `json:"bytes,omitempty"`
	Packets   uint64             `json:"packets,omitempty"`
	Mallocs   float64            `json:"mallocs"`
	Wall      time.Duration      `json:"wall_ns"`
	CPU       time.Duration      `json:"cpu_ns"`
	Preempted int64              `json:"preempted"` // involuntary context switches
	Softirqd  time.Duration      `json:"softirqd_ns,omitempty"`
	Values    map[string]float64 `json:"values,omitempty"` // of the load; the last window's
	Hist      *histogram         `json:"hist,omitempty"`   // latencies in ns
}

func (s *sample) add(o sample) {
	s.Ops += o.Ops
	s.Bytes += o.Bytes
	s.Packets += o.Packets
	s.Mallocs += o.Mallocs
	s.Wall += o.Wall
	s.CPU += o.CPU
	s.Preempted += o.Preempted
	s.Softirqd += o.Softirqd
	if o.Values != nil {
		s.Values = o.Values
	}
	s.Hist = s.Hist.merge(o.Hist)
}

// measure runs the load once and tells what it took. Garbage that another side
// left is collected before.
func measure(s *subject, d time.Duration) (sample, error) {
	if w, ok := s.load.(warmer); ok {
		if err := w.warm(); err != nil {
			return sample{}, err
		}
	}
	runtime.GC()
	packets, allocs := s.sent(), countAllocs(d)
	elsewhere := softirqTime()
	u0, start := readUsage(), time.Now()
	n, err := s.load.run(d)
	wall, u1 := time.Since(start), readUsage()
	packets = s.sent() - packets
	if err == nil && n.ops == 0 {
		err = fmt.Errorf("nothing was done in %v", d)
	}
	out := sample{
		Ops: n.ops, Bytes: n.bytes, Packets: packets, Mallocs: allocs.total(wall),
		Wall: wall, CPU: u1.cpu - u0.cpu, Preempted: u1.preempted - u0.preempted,
		Softirqd: softirqTime() - elsewhere, Values: n.values,
	}
	if n.wall != 0 {
		out.Wall = n.wall
	}
	if n.cpu != 0 {
		out.CPU = n.cpu
	}
	if s.kernel {
		out.CPU += out.Softirqd
	}
	if n.packets != 0 {
		out.Packets = n.packets
	}
	if n.hist != nil {
		out.Hist = &histogram{n.hist}
	}
	return out, err
}

// allocs counts allocations in the middle half of a window, where a load is in its
// steady state: to start goroutines and timers is the window's own work.
type allocs struct {
	at     [2]*time.Timer
	mu     sync.Mutex // of what the timers note
	count  [2]uint64
	moment [2]time.Time
}

func countAllocs(d time.Duration) *allocs {
	a := new(allocs)
	for i, when := range []time.Duration{d / 4, 3 * d / 4} {
		a.at[i] = time.AfterFunc(when, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.count[i], a.moment[i] = allocated(), time.Now()
		})
	}
	return a
}

// total returns what the whole window would have allocated at that rate. A window
// that was shorter than it should be has no middle: it counts as none.
func (a *allocs) total(wall time.Duration) float64 {
	for _, t := range a.at {
		if t.Stop() {
			return 0
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	between := a.moment[1].Sub(a.moment[0])
	if between <= 0 {
		return 0
	}
	return float64(a.count[1]-a.count[0]) * float64(wall) / float64(between)
}

// allocated returns how many objects the process has allocated, without stopping it.
func allocated() uint64 {
	m := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}}
	metrics.Read(m)
	return m[0].Value.Uint64() + m[1].Value.Uint64()
}

func (s *subject) sent() uint64 {
	if s.packets == nil {
		return 0
	}
	return s.packets()
}

// plan is how long and how often.
type plan struct {
	window time.Duration
	row    time.Duration // for all of a row, from its start
	only   []string      // sides; none: all
}

// maxBlocks bounds what a row keeps.
const maxBlocks = 200

// running is a side of a row at work.
type running struct {
	side
	s   *subject
	out *outcome
}

// fail ends a side's part in the row.
func (r *running) fail(err error) {
	if isSkip(err) {
		r.out.Skipped = err.Error()
	} else {
		r.out.Error = err.Error()
	}
	r.out.Blocks = nil
}

// compare opens all sides and runs them in blocks A B C C B A. A side that waits
// sleeps, and costs nothing. What it returns can be read before closing, which
// is all that finish does.
func compare(r row, p plan, isRoot bool) (res *result, finish func()) {
	start := time.Now()
	res = newResult(r)
	var all []*running
	for _, s := range r.sides {
		if len(p.only) > 0 && !slices.Contains(p.only, s.name) {
			continue
		}
		x := &running{side: s, out: &outcome{Name: s.name, Plane: s.plane}}
		res.Sides = append(res.Sides, x.out)
		if s.root && !isRoot {
			x.fail(skipped("it needs root, for a network namespace of its own"))
			continue
		}
		if err := x.begin(r, p); err != nil {
			x.fail(err)
		}
		all = append(all, x)
	}
	p.window = max(p.window/time.Duration(max(r.cut, 1)), r.window)
	for i := 0; i == 0 || time.Since(start) < p.row && i < maxBlocks && !r.once; i++ {
		block(all, p.window, r.once)
	}
	res.sum(r)
	return res, func() {
		for _, x := range all {
			if x.s == nil {
				continue
			}
			if err := x.s.close(); err != nil && x.out.Error == "" {
				x.out.Error = "close: " + err.Error()
			}
		}
	}
}

// begin opens a side and lets it warm up; a bulk learns its rate.
func (x *running) begin(r row, p plan) (err error) {
	if x.s, err = x.open(); err != nil {
		x.s = nil
		return err
	}
	for range 2 {
		if r.once {
			break
		}
		if _, err = measure(x.s, p.window/2); err != nil {
			return err
		}
	}
	return nil
}

// block runs each side there and back.
func block(all []*running, window time.Duration, once bool) {
	sums := make([]sample, len(all))
	one := func(i int) {
		x := all[i]
		if x.out.Error != "" || x.out.Skipped != "" {
			return
		}
		got, err := measure(x.s, window)
		if err != nil {
			x.fail(err)
			return
		}
		sums[i].add(got)
	}
	for i := range all {
		one(i)
	}
	for i := len(all) - 1; i >= 0 && !once; i-- {
		one(i)
	}
	for i, x := range all {
		if x.out.Error == "" && x.out.Skipped == "" {
			x.out.Blocks = append(x.out.Blocks, sums[i])
		}
	}
}

// histogram is a set of latencies in nanoseconds.
type histogram struct{ *hdrhistogram.Histogram }

// newHist is what loads record into: 1 ns to a minute, three digits.
func newHist() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(time.Minute), 3) }

func (h *histogram) merge(o *histogram) *histogram {
	if o == nil {
		return h
	}
	if h == nil {
		h = &histogram{newHist()}
	}
	h.Merge(o.Histogram)
	return h
}

// MarshalText writes the HdrHistogram V2 form, in base64.
func (h *histogram) MarshalText() ([]byte, error) {
	return h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

// UnmarshalText is the reverse.
func (h *histogram) UnmarshalText(b []byte) (err error) {
	h.Histogram, err = hdrhistogram.Decode(b)
	return err
}
