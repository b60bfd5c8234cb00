package gen

import (
	"sync"
	"sync/atomic"
	"time"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

// queue is the clients of one lcore. Its lcore owns all of it while they ask; Run
// reads result after done.
type queue struct {
	p    *Port
	core int
	pool *mbuf.Pool
	wake func()
	done func()

	mu     sync.Mutex
	passed [][]byte    // answers that came to other queues, because flows moved; under mu
	any    atomic.Bool // there are some; under mu

	flows []*flow
	byTop [1 << 16]int32 // TCP: a client's port to its place in flows, plus one
	ready []*flow        // TCP: those with something to say
	next  int            // UDP: the flow that asks next
	out   int            // UDP: datagrams on the way

	round  uint32 // the Run that is under way
	active bool
	from   perf.Tick
	cpu    time.Duration
	polls  uint
	count  uint64
	bad    uint64
	result Result
}

var (
	_ pmd.Queue    = (*queue)(nil)
	_ pmd.Notifier = (*queue)(nil)
)

// FD returns none: the queue wakes by Notify.
func (q *queue) FD() int { return -1 }

// Notify registers what wakes the lcore.
func (q *queue) Notify(wake func()) { q.wake = wake }

// lookEvery is how many polls of an active queue pass between two looks at the clock.
const lookEvery = 16

// begin starts and ends a Run. It reports whether the clients ask.
func (q *queue) begin() bool {
	if r := q.p.round.Load(); r != q.round {
		q.round, q.active = r, true
		q.from, q.cpu = perf.Now(), threadTime()
		q.count, q.bad, q.polls = 0, 0, 0
		q.out = 0
	}
	if !q.active {
		return false
	}
	if q.polls++; q.polls%lookEvery == 0 {
		if now := perf.Now(); int64(now) >= q.p.until.Load() {
			q.active = false
			q.result = Result{Answers: q.count, Wall: time.Duration(now - q.from), CPU: threadTime() - q.cpu, Bad: q.bad}
			q.done()
			return false
		}
	}
	return true
}

// RxBurst lets the clients ask.
func (q *queue) RxBurst(b []*mbuf.Mbuf) int {
	if !q.begin() {
		return 0
	}
	if q.any.Load() {
		q.collect()
	}
	n := len(b)
	if q.p.cfg.TCP {
		n = min(n, len(q.ready))
	} else {
		n = min(n, q.p.cfg.Window-q.out)
	}
	if n <= 0 || !q.pool.AllocBulk(b[:n]) {
		return 0
	}
	for i, m := range b[:n] {
		f := q.take(i)
		copy(m.Append(len(f)), f)
		m.OlFlags |= mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
	}
	if q.p.cfg.TCP {
		q.ready = q.ready[:copy(q.ready, q.ready[n:])]
	} else {
		q.out += n
	}
	return n
}

// take returns the frame of the client that asks next, the i-th of this burst.
func (q *queue) take(i int) []byte {
	if q.p.cfg.TCP {
		return q.ready[i].say()
	}
	if q.next++; q.next >= len(q.flows) {
		q.next = 0
	}
	return q.flows[q.next].frame
}

// TxBurst takes the answers.
func (q *queue) TxBurst(b []*mbuf.Mbuf) int {
	for _, m := range b {
		if q.p.cfg.TCP {
			q.hear(m.Bytes(), int(m.PktLen))
			continue
		}
		q.count++
		q.out--
	}
	q.pool.FreeBulk(b)
	return len(b)
}

// pass gives an answer to the queue whose client it is for. Flows that moved are
// answered by another lcore than the one that steps their clients.
func (q *queue) pass(f []byte) {
	port := be.Uint16(f[l4At+2:])
	for _, to := range q.p.queues {
		if to.byTop[port] == 0 {
			continue
		}
		to.mu.Lock()
		to.passed = append(to.passed, append([]byte(nil), f...))
		to.any.Store(true)
		to.mu.Unlock()
		if to.wake != nil {
			to.wake()
		}
		return
	}
	q.bad++
}

// collect hears what other queues passed on.
func (q *queue) collect() {
	q.mu.Lock()
	list := q.passed
	q.passed = nil
	q.any.Store(false)
	q.mu.Unlock()
	for _, f := range list {
		q.hear(f, len(f))
	}
}
