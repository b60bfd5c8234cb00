package perf

import "runtime/metrics"

// Crowd tells whether every P has a goroutine to run. Go asks its network poller then
// every 10 ms only: who waits for a descriptor had better look himself. The zero value
// is ready; it belongs to one goroutine.
type Crowd struct {
	samples []metrics.Sample
}

// CrowdNap bounds the sleep of who waits for a descriptor while the Crowd is full, as
// nobody asks the network poller then.
const CrowdNap = 200 * Microsecond

// Full reports whether every P will have a goroutine to run when the caller has
// parked. It costs less than a microsecond, and nothing is allocated but by the first
// call.
func (c *Crowd) Full() bool {
	if c.samples == nil {
		c.samples = []metrics.Sample{
			{Name: "/sched/goroutines/running:goroutines"},
			{Name: "/sched/goroutines/runnable:goroutines"},
			{Name: "/sched/gomaxprocs:threads"},
		}
	}
	metrics.Read(c.samples)
	others := c.samples[0].Value.Uint64() + c.samples[1].Value.Uint64()
	return others > c.samples[2].Value.Uint64() // the caller is one of them
}
