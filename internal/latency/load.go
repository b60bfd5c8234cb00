package latency

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"dataplane/perf"
)

// MinSize is the least size of a request: its number, and when it was meant to leave.
const MinSize = 16

// Load says what is asked of an echo server.
type Load struct {
	Conns  []net.Conn // to it. The load sets their deadlines and does not close them
	Stream bool       // they are streams (TCP), not datagrams
	Size   int        // bytes of a request and of its answer, MinSize at least
	Place  Place      // nil: Goroutines
	// OneThread: the whole of an exchange happens on the thread of Place, both ends on one
	// lcore. Then only what happens to that thread counts as a disturbance, unless the
	// process has one CPU: there it is what happens to the process.
	OneThread bool

	Warm, Time time.Duration // before the measurement, and of it

	// Of the open loop:
	Rate    float64 // requests per second, over all connections
	Seed    uint64  // other than 0: exponential gaps instead of equal ones
	Senders int     // that share the connections and the rate; default 1
}

const (
	// grace is how long after the end answers are waited for in the open loop.
	grace = 500 * time.Millisecond
	// hang is how long after the end a closed loop is given up: on a crowded machine a
	// thread may wait for its CPU for a second.
	hang = 5 * time.Second
)

func (l *Load) check(open bool) error {
	if l.Place == nil {
		l.Place = Goroutines{}
	}
	if l.Senders < 1 {
		l.Senders = 1
	}
	l.Senders = min(l.Senders, max(len(l.Conns), 1))
	switch {
	case len(l.Conns) == 0:
		return errors.New("latency: no connection")
	case l.Size < MinSize || l.Size > 60000:
		return fmt.Errorf("latency: requests of %d bytes: want %d to 60000", l.Size, MinSize)
	case l.Time <= 0 || l.Warm < 0:
		return fmt.Errorf("latency: a measurement of %v after %v", l.Time, l.Warm)
	case open && !(l.Rate > 0):
		return fmt.Errorf("latency: %g requests per second", l.Rate)
	}
	return nil
}

// disturbances is how to count them.
func (l *Load) disturbances() func() int64 {
	switch {
	case oneCPU():
		return new(loss).count
	case l.OneThread:
		return threadSwitches
	}
	return processSwitches
}

// late reports whether a deadline ended a call. Not every stack has the error of
// package os for it.
func late(err error) bool {
	if err == nil {
		return false
	}
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// window is the time of a run. Latencies count whose request is meant to leave
// in it.
type window struct{ start, from, to perf.Tick }

func (l *Load) window() window {
	start := l.Place.Now()
	from := start + perf.Tick(l.Warm)
	return window{start, from, from + perf.Tick(l.Time)}
}

// group runs the parts of a load in their place.
type group struct {
	place Place
	wg    sync.WaitGroup
	mu    sync.Mutex
	errs  []error
}

// start lets f run. Its error, if any, is found by wait.
func (g *group) start(f func() error) {
	g.wg.Add(1)
	err := g.place.Go(func() {
		defer g.wg.Done()
		g.note(f())
	})
	if err != nil {
		g.note(err)
		g.wg.Done()
	}
}

func (g *group) note(err error) {
	if err != nil {
		g.mu.Lock()
		g.errs = append(g.errs, err)
		g.mu.Unlock()
	}
}

// failed returns the first error so far.
func (g *group) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.errs) > 0 {
		return g.errs[0]
	}
	return nil
}

// wait waits for all parts and returns the first error.
func (g *group) wait() error {
	g.wg.Wait()
	return g.failed()
}
