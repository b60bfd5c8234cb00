package main

import (
	"fmt"
	"time"

	"dataplane/internal/latency"
	"dataplane/perf"
)

// bareTime is the work of the bare loop: about an exchange of ours.
const bareTime = 2500 * perf.Nanosecond

// bareLoop is a load without a stack: one goroutine that works for bareTime when it should.
type bareLoop struct {
	steps int
	rate  float64 // 0: a closed loop
}

// bareSide measures the machine and the runtime: what they do to a server that is nothing
// but work. share is that of the rate at which it would be busy all the time.
func bareSide(share float64) side {
	return side{name: bareName, open: func() (*subject, error) {
		b := bareLoop{steps: stepsOf(bareTime), rate: share * 1e9 / float64(bareTime)}
		return &subject{load: b, close: func() error { return nil }}, nil
	}}
}

const bareName = "bare"

func (b bareLoop) run(d time.Duration) (count, error) {
	res, err := latency.Bare(latency.Load{Rate: b.rate, Warm: d / 8, Time: d}, func() { toil(b.steps) })
	if err != nil {
		return count{}, err
	}
	return timed(res), nil
}

// worked is where toil leaves its result, so that it is done.
var worked uint64

// toil is work that waits for nothing but itself: each step for the one before.
func toil(n int) {
	x := worked
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
	}
	worked = x
}

// stepsOf returns how many steps take d when nobody disturbs.
func stepsOf(d perf.Tick) int {
	const n = 10_000
	best := perf.Second
	for range 200 {
		start := perf.Now()
		toil(n)
		best = min(best, perf.Now()-start)
	}
	return max(1, int(n*d/max(best, 1)))
}

// bareMost is how many times its p50 the bare loop's p99.9 may be in a calm block. It is
// the must of the row: in other blocks a server that is nothing but work would miss it. A
// p50 of more than twice the work is no measure: then nothing was served in time.
const bareMost = 20

// calm is the result of the blocks in which the bare loop was not disturbed, and says how
// many they are. Without such a loop it is that of all.
func (res *result) calm() (quiet *result, of string) {
	bare := res.side(bareName)
	if bare == nil {
		return res, ""
	}
	quiet = &result{}
	for _, o := range res.Sides {
		quiet.Sides = append(quiet.Sides, &outcome{Name: o.Name})
	}
	n := 0
	for i := range bare.Blocks {
		h := bare.Blocks[i].Hist
		if h == nil || h.ValueAtPercentile(99.9) > bareMost*min(h.ValueAtPercentile(50), int64(2*bareTime)) {
			continue
		}
		n++
		for k, o := range res.Sides {
			if i < len(o.Blocks) {
				quiet.Sides[k].Blocks = append(quiet.Sides[k].Blocks, o.Blocks[i])
			}
		}
	}
	return quiet, fmt.Sprintf("%d of %d blocks calm", n, len(bare.Blocks))
}
