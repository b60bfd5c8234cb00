package iperf3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// stalled is how long a running test may move no byte.
const stalled = 30 * time.Second

// farewell is how long a client may take to leave.
const farewell = 500 * time.Millisecond

// test is one test, from its cookie to IPERF_DONE.
type test struct {
	srv    *Server
	ctl    control
	cookie cookie
	params params        // set under mu, before any stream
	quit   chan struct{} // closed by stop
	gone   chan struct{} // closed when the server is free again
	once   sync.Once
	told   atomic.Bool // the client has its results; written by run
	wg     sync.WaitGroup

	heard   chan struct{} // closed when the client has said that the test is over
	verdict error         // or why it never will; read it when heard is closed

	mu      sync.Mutex
	want    []bool // directions of the streams, once they may come
	streams []*stream
	peers   map[netip.AddrPort]*stream // UDP
	full    chan struct{}              // closed when all streams are there
	over    bool
}

func newTest(s *Server, c control, k cookie) *test {
	return &test{
		srv: s, ctl: c, cookie: k, quit: make(chan struct{}), gone: make(chan struct{}), full: make(chan struct{}), heard: make(chan struct{}),
		peers: make(map[netip.AddrPort]*stream),
	}
}

// stop makes run return. Any goroutine.
func (t *test) stop() { t.once.Do(func() { close(t.quit) }) }

// leave waits for the end of the test; when ctx is done it makes one.
func (t *test) leave(ctx context.Context) {
	select {
	case <-t.gone:
		return
	case <-ctx.Done():
		t.stop()
	}
	select {
	case <-t.gone:
	case <-time.After(2 * farewell): // its client is silent
	}
}

// run follows the protocol to its end.
func (t *test) run() error {
	defer t.finish()
	if err := t.agree(); err != nil {
		return err
	}
	go func() { t.verdict = t.hearEnd(); close(t.heard) }()
	defer func() { // what listens ends with the connection
		t.ctl.Close()
		<-t.heard
	}()
	if err := t.await(t.full, patience); err != nil {
		return err
	}
	if err := errors.Join(t.ctl.tell(testStart), t.ctl.tell(testRunning)); err != nil {
		return err
	}
	use := startUsage()
	t.begin()
	err := t.await(nil, stalled)
	t.end()
	if err != nil {
		return err
	}
	return t.conclude(use)
}

// agree reads the parameters and lets the streams come.
func (t *test) agree() error {
	if err := t.ctl.tell(paramExchange); err != nil {
		return err
	}
	var p params
	if err := t.ctl.get(&p); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		var r *refusal
		if errors.As(err, &r) {
			_ = t.ctl.refuse(r) // the test has failed anyway
		}
		return err
	}
	t.mu.Lock()
	t.params, t.want = p, p.directions()
	t.mu.Unlock()
	return t.ctl.tell(createStreams)
}

// hearEnd waits until the client says that the test is over.
func (t *test) hearEnd() error {
	s, err := t.ctl.hear()
	switch {
	case err != nil:
		return fmt.Errorf("the client has gone: %w", err)
	case s == clientTerminate:
		return errors.New("the client gave up")
	case s != testEnd:
		return fmt.Errorf("the client sent state %d in the middle of the test", s)
	}
	return nil
}

// await waits for ready or for the client's word, unless nothing moves for so long.
func (t *test) await(ready <-chan struct{}, limit time.Duration) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, since := t.moved(), time.Now()
	for {
		select {
		case <-ready:
			return nil
		case <-t.heard:
			if t.verdict == nil && ready != nil {
				return errors.New("the client ended the test before it began")
			}
			return t.verdict
		case <-t.quit:
			if t.ctl.tell(serverTerminate) == nil {
				t.linger()
			}
			return errors.New("the server is stopping")
		case <-tick.C:
			if now := t.moved(); now != last {
				last, since = now, time.Now()
			} else if time.Since(since) > limit {
				return fmt.Errorf("nothing moved for %v", limit)
			}
		}
	}
}

// linger lets the client leave first: a connection that is closed under it would be
// the first thing it notices.
func (t *test) linger() {
	select {
	case <-t.heard:
	case <-time.After(farewell):
	}
}

// join adds a TCP connection, the order-th that was accepted, as a stream.
func (t *test) join(c net.Conn, order int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || !t.params.TCP || len(t.streams) >= len(t.want) {
		return false
	}
	t.add(&stream{conn: c, order: order})
	return true
}

// add makes s one of the streams. The last one settles which is which: connections
// are numbered as they were accepted, not as their cookies were read. t.mu is held.
func (t *test) add(s *stream) {
	s.test, s.halt, s.ended = t, make(chan struct{}), make(chan struct{})
	t.streams = append(t.streams, s)
	if len(t.streams) < len(t.want) {
		return
	}
	slices.SortStableFunc(t.streams, func(a, b *stream) int { return a.order - b.order })
	for i, s := range t.streams {
		s.id, s.sends = streamID(i), t.want[i]
	}
	close(t.full)
}

// begin starts all streams.
func (t *test) begin() {
	now := time.Now()
	omit := time.Duration(t.params.Omit * float64(time.Second))
	for _, s := range t.streams {
		s.start(now, omit)
		t.wg.Add(1)
		go func() {
			defer t.wg.Done()
			s.run()
		}()
	}
}

// end takes the figures and stops those that send. What still comes in is read,
// and no longer counted.
func (t *test) end() {
	now := time.Now()
	for _, s := range t.streams {
		s.stop(now)
	}
}

// moved returns the bytes of all streams.
func (t *test) moved() (n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = uint64(len(t.streams))
	for _, s := range t.streams {
		n += s.bytes.Load()
	}
	return n
}

// conclude exchanges the results.
func (t *test) conclude(use usage) error {
	ours := results{HasRetransmits: -1}
	ours.CPUTotal, ours.CPUUser, ours.CPUSystem = use.percent()
	for _, s := range t.streams {
		if s.sends {
			ours.HasRetransmits = 0
		}
		ours.Streams = append(ours.Streams, s.result)
	}
	var theirs json.RawMessage // nothing here depends on it
	if err := t.ctl.tell(exchangeResults); err != nil {
		return err
	}
	if err := t.ctl.get(&theirs); err != nil {
		return err
	}
	if err := t.ctl.put(ours); err != nil {
		return err
	}
	t.told.Store(true)
	if err := t.ctl.tell(displayResults); err != nil {
		return err
	}
	_ = t.ctl.SetReadDeadline(time.Now().Add(patience)) // hear says so if it is closed
	s, err := t.ctl.hear()
	if err == nil && s != iperfDone {
		err = fmt.Errorf("the client sent state %d at the end", s)
	}
	return err
}

// finish closes the streams.
func (t *test) finish() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	for _, s := range t.streams {
		if s.conn != nil {
			t.srv.forget(s.conn) // those that sent are closed already
		}
	}
	t.wg.Wait()
}
