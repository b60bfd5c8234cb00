package pcap

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// pause is how long the goroutine sleeps when there was nothing to write. An
// lcore never wakes a goroutine, so it has to look by itself.
const pause = 2 * time.Millisecond

var (
	_ pmd.Port     = (*Port)(nil)
	_ pmd.Queue    = (*Queue)(nil)
	_ pmd.Notifier = (*notifyQueue)(nil)
)

// Port is a port that is recorded. It passes everything on to the one it wraps.
type Port struct {
	pmd.Port
	queues []pmd.Queue
	out    *writer
	sync   bool

	stop chan struct{} // closed by Close
	done chan struct{} // closed by the goroutine; nil when none runs

	mu     sync.Mutex
	closed bool
}

var _ pmd.Wrapper = (*Port)(nil)

// Unwrap returns the port that is recorded.
func (p *Port) Unwrap() pmd.Port { return p.Port }

// Queue is a recorded queue. It belongs to the lcore that polls it.
type Queue struct {
	pmd.Queue
	port  *Port
	track *track
	now   func() perf.Tick
	ends  [maxBurst]uint64
}

// notifyQueue is a Queue around one that is also a Notifier.
type notifyQueue struct {
	Queue
	pmd.Notifier
}

// Wrap records p's traffic in w, which stays the caller's: close it after the
// port. now is the plane's clock, nil being perf.Now; the file shows the time of
// day. An error of w ends the recording, not the traffic, and is returned by Close.
func Wrap(p pmd.Port, w io.Writer, now func() perf.Tick) *Port {
	if now == nil {
		now = perf.Now
	}
	c := newPort(p, now, asyncRoom)
	c.start(w, time.Now().Add(-time.Duration(now())))
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	go c.run()
	return c
}

// WrapSync is Wrap for virtual time: each burst is written by whoever makes it,
// tick 0 is the epoch of 1970, and the file depends on the traffic alone. Nothing
// is dropped. All queues of p must be polled by one thread.
func WrapSync(p pmd.Port, w io.Writer, now func() perf.Tick) *Port {
	c := newPort(p, now, syncRoom)
	c.sync = true
	c.start(w, time.Unix(0, 0))
	return c
}

func newPort(p pmd.Port, now func() perf.Tick, room int) *Port {
	c := &Port{Port: p, out: &writer{}}
	for i := range p.Info().Queues {
		t := &track{}
		t.init(room)
		c.out.tracks = append(c.out.tracks, t)
		q := Queue{Queue: p.Queue(i), port: c, track: t, now: now}
		if n, ok := q.Queue.(pmd.Notifier); ok {
			c.queues = append(c.queues, &notifyQueue{Queue: q, Notifier: n})
		} else {
			c.queues = append(c.queues, &q)
		}
	}
	return c
}

func (p *Port) start(w io.Writer, epoch time.Time) {
	info := p.Info()
	p.out = newWriter(w, info.Driver+":"+info.Device, epoch, p.out.tracks)
}

// Queue returns queue i, recorded.
func (p *Port) Queue(i int) pmd.Queue { return p.queues[i] }

// Start passes the pools on.
func (p *Port) Start(pools []*mbuf.Pool) error { return p.Port.Start(pools) }

// Dropped returns how many frames passed that are not in the file, as the file
// could not keep up. Any goroutine.
func (p *Port) Dropped() uint64 {
	var n uint64
	for _, t := range p.out.tracks {
		n += t.dropped.Load()
	}
	return n
}

// run empties the rings into the file until Close.
func (p *Port) run() {
	defer close(p.done)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if p.out.drain() > 0 {
			_ = p.out.flush() // the error is kept for Close
		}
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
	}
}

// Close closes the wrapped port, writes what is still in the rings and flushes.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	err := p.Port.Close()
	if p.done != nil {
		close(p.stop)
		<-p.done
	}
	if werr := p.out.finish(); werr != nil {
		err = errors.Join(err, fmt.Errorf("pcap: write the capture: %w", werr))
	}
	return err
}
