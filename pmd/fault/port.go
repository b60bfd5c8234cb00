package fault

import (
	"errors"
	"sync"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// Port is a wrapped port.
type Port struct {
	inner  pmd.Port
	info   pmd.Info
	queues []*queue

	mu     sync.Mutex // Start against Close
	closed bool
}

var _ pmd.Wrapper = (*Port)(nil)

// Unwrap returns the port that is spoilt.
func (p *Port) Unwrap() pmd.Port { return p.inner }

// Wrap takes p, which is closed with the wrapper, and spoils its traffic. Call it
// before p is started.
func Wrap(p pmd.Port, cfg Config) *Port {
	w := &Port{inner: p, info: p.Info()}
	w.info.Offloads &= pmd.MultiSeg
	w.info.MaxTSO = 0
	now, real := cfg.Now, cfg.Now == nil
	if real {
		now = perf.Now
	}
	for i := range w.info.Queues {
		q := &queue{inner: p.Queue(i), now: now, real: real}
		q.rx.init(cfg.Rx, newDice(cfg.Seed, 0, i))
		q.tx.init(cfg.Tx, newDice(cfg.Seed, 1, i))
		w.queues = append(w.queues, q)
	}
	return w
}

// Info is the wrapped port's, without the offloads that would hide damage.
func (w *Port) Info() pmd.Info { return w.info }

// Start borrows the pools until Close; copies come out of them.
func (w *Port) Start(pools []*mbuf.Pool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errors.New("fault: Start of a closed port")
	}
	if err := w.inner.Start(pools); err != nil {
		return err
	}
	for i, q := range w.queues {
		q.rx.pool = pools[i%len(pools)]
		q.tx.pool = q.rx.pool
	}
	return nil
}

// Queue returns queue i.
func (w *Port) Queue(i int) pmd.Queue { return w.queues[i] }

// LinkUp is the wrapped port's.
func (w *Port) LinkUp() bool { return w.inner.LinkUp() }

// Stats are the wrapped port's: frames received before they are spoiled, frames
// sent after. Counts has the difference.
func (w *Port) Stats() pmd.Stats { return w.inner.Stats() }

// Counts says what was done to the frames of each direction. Any goroutine.
func (w *Port) Counts() (rx, tx Counts) {
	for _, q := range w.queues {
		q.rx.count.addTo(&rx)
		q.tx.count.addTo(&tx)
	}
	return rx, tx
}

// Next returns when the earliest held frame is due; it may be in the past. ok is
// false when nothing is held. Any goroutine.
func (w *Port) Next() (due perf.Tick, ok bool) {
	due = never
	for _, q := range w.queues {
		due = min(due, q.rx.next(), q.tx.next())
	}
	return due, due != never
}

// Close sends home what is held and closes the wrapped port. The queues must not
// be in use.
func (w *Port) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	for _, q := range w.queues {
		q.close()
	}
	return w.inner.Close()
}
