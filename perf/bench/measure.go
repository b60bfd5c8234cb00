package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// sample is one window of one side.
type sample struct {
	Ops       uint64        `json:"ops"`
	Bytes     uint64        `json:"bytes"`
	Packets   uint64        `json:"packets"`
	Mallocs   uint64        `json:"mallocs"`
	Wall      time.Duration `json:"wall_ns"`
	CPU       time.Duration `json:"cpu_ns"`
	Preempted int64         `json:"preempted"` // involuntary context switches
}

func (s *sample) add(o sample) {
	s.Ops += o.Ops
	s.Bytes += o.Bytes
	s.Packets += o.Packets
	s.Mallocs += o.Mallocs
	s.Wall += o.Wall
	s.CPU += o.CPU
	s.Preempted += o.Preempted
}

func (s *sample) cpuPerOp() float64  { return float64(s.CPU) / float64(s.Ops) }
func (s *sample) wallPerOp() float64 { return float64(s.Wall) / float64(s.Ops) }

// measure runs the load once and tells what it took. Allocations are counted
// outside of the timed part, because counting stops the world.
func measure(s *subject, d time.Duration) (sample, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	packets := s.packets()
	u0, start := readUsage(), time.Now()
	n, err := s.load.run(d)
	wall, u1 := time.Since(start), readUsage()
	packets = s.packets() - packets
	runtime.ReadMemStats(&after)
	if err == nil && n.ops == 0 {
		err = fmt.Errorf("nothing was done in %v", d)
	}
	return sample{
		Ops: n.ops, Bytes: n.bytes, Packets: packets, Mallocs: after.Mallocs - before.Mallocs,
		Wall: wall, CPU: u1.cpu - u0.cpu, Preempted: u1.preempted - u0.preempted,
	}, err
}

// result is a row's outcome.
type result struct {
	Name   string      `json:"name"`
	What   string      `json:"what"`
	Unit   string      `json:"unit"`
	Goal   float64     `json:"goal,omitempty"`
	Blocks [2][]sample `json:"blocks"` // by side; two windows added up
	Error  string      `json:"error,omitempty"`

	CPUPerOp  [2]float64 `json:"cpu_ns_per_op"`
	WallPerOp [2]float64 `json:"wall_ns_per_op"`
	PktsPerOp [2]float64 `json:"packets_per_op"`
	AllocsOp  [2]float64 `json:"allocs_per_op"`
	Ratio     float64    `json:"ratio_cpu"` // median over the blocks
	RatioLow  float64    `json:"ratio_cpu_p25"`
	RatioHigh float64    `json:"ratio_cpu_p75"`
	RatioWall float64    `json:"ratio_wall"`
}

// plan is how long and how often.
type plan struct {
	window time.Duration
	row    time.Duration // for all of a row's blocks
	only   int           // plane, peer, or -1 for both
}

// compare opens both sides and runs them in blocks A B B A. The side that waits
// sleeps, and costs nothing.
func compare(r row, p plan) (res result) {
	res = result{Name: r.name, What: r.what, Unit: r.unit, Goal: r.goal}
	fail := func(side int, err error) { res.Error = fmt.Sprintf("%s: %v", sideNames[side], err) }
	var s [2]*subject
	for side := range s {
		if p.only >= 0 && side != p.only {
			continue
		}
		var err error
		if s[side], err = r.open[side](); err != nil {
			fail(side, err)
			return res
		}
		defer func() {
			if err := s[side].close(); err != nil && res.Error == "" {
				fail(side, err)
			}
		}()
		for range 2 { // warm up; a bulk learns its rate
			if _, err := measure(s[side], p.window/2); err != nil {
				fail(side, err)
				return res
			}
		}
	}
	for start := time.Now(); time.Since(start) < p.row; {
		var block [2]sample
		for _, side := range []int{plane, peer, peer, plane} {
			if s[side] == nil {
				continue
			}
			one, err := measure(s[side], p.window)
			if err != nil {
				fail(side, err)
				return res
			}
			block[side].add(one)
		}
		for side := range s {
			if s[side] != nil {
				res.Blocks[side] = append(res.Blocks[side], block[side])
			}
		}
	}
	res.sum()
	return res
}

// sum derives the figures from the blocks.
func (r *result) sum() {
	for side, blocks := range r.Blocks {
		if len(blocks) == 0 {
			continue
		}
		var all sample
		for _, b := range blocks {
			all.add(b)
		}
		r.CPUPerOp[side] = quantile(blocks, 0.5, func(i int) float64 { return blocks[i].cpuPerOp() })
		r.WallPerOp[side] = quantile(blocks, 0.5, func(i int) float64 { return blocks[i].wallPerOp() })
		r.PktsPerOp[side] = float64(all.Packets) / float64(all.Ops)
		r.AllocsOp[side] = float64(all.Mallocs) / float64(all.Ops)
	}
	a, b := r.Blocks[plane], r.Blocks[peer]
	if len(a) == 0 || len(b) == 0 {
		return
	}
	cpu := func(i int) float64 { return b[i].cpuPerOp() / a[i].cpuPerOp() }
	r.Ratio, r.RatioLow, r.RatioHigh = quantile(a, 0.5, cpu), quantile(a, 0.25, cpu), quantile(a, 0.75, cpu)
	r.RatioWall = quantile(a, 0.5, func(i int) float64 { return b[i].wallPerOp() / a[i].wallPerOp() })
}

// quantile returns the q-quantile of f over the blocks.
func quantile(blocks []sample, q float64, f func(i int) float64) float64 {
	v := make([]float64, len(blocks))
	for i := range v {
		v[i] = f(i)
	}
	slices.Sort(v)
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 == len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
