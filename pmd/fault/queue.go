package fault

import (
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

const burst = 32

// queue wraps one queue. Its lcore calls it.
type queue struct {
	inner  pmd.Queue
	now    func() perf.Tick
	rx, tx pipe
	in     [burst]*mbuf.Mbuf // scratch: from the wrapped queue
	out    [burst]*mbuf.Mbuf // due, and on the way to the wrapped queue
	nOut   int
	alarm  alarm
	real   bool // the clock is the machine's
}

var (
	_ pmd.Queue    = (*queue)(nil)
	_ pmd.Notifier = (*queue)(nil)
)

// FD is the wrapped queue's. Frames that are held make no descriptor readable: the
// queue is a Notifier too, and wakes when the first of them is due.
func (q *queue) FD() int { return q.inner.FD() }

// Notify passes wake to the wrapped queue, if that is a Notifier, and in real time
// has a timer call it when a held frame is due.
func (q *queue) Notify(wake func()) {
	if n, ok := q.inner.(pmd.Notifier); ok {
		n.Notify(wake)
	}
	if q.real {
		q.alarm.init(wake)
	}
}

// RxBurst sends delayed frames whose time has come, and returns those received
// frames whose time has come.
func (q *queue) RxBurst(b []*mbuf.Mbuf) int {
	if !q.rx.active && q.sent() {
		return q.inner.RxBurst(b)
	}
	now := q.now()
	q.pump(now)
	if !q.rx.active {
		n := q.inner.RxBurst(b)
		q.setAlarm(now)
		return n
	}
	n := q.rx.release(b, now)
	if room := min(len(b)-n, burst); room > 0 {
		got := q.inner.RxBurst(q.in[:room])
		for _, m := range q.in[:got] {
			q.rx.accept(m, now)
		}
		if got > 0 {
			n += q.rx.release(b[n:], now)
		}
	}
	q.setAlarm(now)
	return n
}

// TxBurst takes all frames, unless earlier ones wait for room in the wrapped queue.
func (q *queue) TxBurst(b []*mbuf.Mbuf) int {
	if !q.tx.active {
		return q.inner.TxBurst(b)
	}
	now := q.now()
	taken := 0
	for q.pump(now) && taken < len(b) {
		n := min(len(b)-taken, burst)
		for _, m := range b[taken : taken+n] {
			q.tx.accept(m, now)
		}
		taken += n
	}
	q.setAlarm(now)
	return taken
}

// pump hands due frames to the wrapped queue; false: that is full.
func (q *queue) pump(now perf.Tick) bool {
	for {
		q.nOut += q.tx.release(q.out[q.nOut:], now)
		if q.nOut == 0 {
			return true
		}
		n := q.inner.TxBurst(q.out[:q.nOut])
		copy(q.out[:], q.out[n:q.nOut])
		q.nOut -= n
		if q.nOut > 0 {
			return false
		}
	}
}

// sent reports whether the transmit direction keeps nothing.
func (q *queue) sent() bool { return q.nOut == 0 && q.tx.empty() }

func (q *queue) setAlarm(now perf.Tick) {
	if q.real {
		q.alarm.set(min(q.rx.next(), q.tx.next()), now)
	}
}

// close sends home what is kept. The lcore has stopped.
func (q *queue) close() {
	q.alarm.stop()
	q.rx.close()
	q.tx.close()
	for _, m := range q.out[:q.nOut] {
		mbuf.FreeAnywhere(m)
		q.tx.count.discarded.Add(1)
	}
	q.nOut = 0
}
