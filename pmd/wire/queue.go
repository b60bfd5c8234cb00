package wire

import (
	"dataplane/mbuf"
	"dataplane/pmd"
)

// queue is one side's end of a queue pair. Its lcore calls it.
type queue struct {
	tx, rx *link
	pool   *mbuf.Pool // nil before Start
	limit  uint32     // longest ordinary frame
	quiet  bool       // the latest poll found nothing
	grant  pmd.Offload
	peer   *queue // its grant and counters; set once
	count  pmd.Counters
}

var (
	_ pmd.Queue    = (*queue)(nil)
	_ pmd.Notifier = (*queue)(nil)
)

// FD returns -1: a wire wakes by Notify.
func (q *queue) FD() int { return -1 }

// Notify registers what to call when frames arrive, or room after a refusal.
func (q *queue) Notify(wake func()) {
	q.rx.arrived.Store(&wake)
	q.tx.drained.Store(&wake)
}

// reclaimAt is how many buffers the other side has copied before they are taken back, as a
// card's tx_free_thresh: few, so that those in use stay in the cache.
const reclaimAt = 8

// reclaim frees what the other side has copied.
func (q *queue) reclaim() {
	if q.tx.copied() > 0 {
		q.takeBack()
	}
}

func (q *queue) takeBack() {
	x, y := q.tx.finished()
	q.pool.FreeBulk(x)
	if len(y) > 0 {
		q.pool.FreeBulk(y)
	}
}

// unplugged frees what is in the ring of a dead link.
func (q *queue) unplugged() {
	x, y, lost := q.tx.everything()
	q.peer.count.Missed(uint64(lost))
	q.pool.FreeBulk(x)
	q.pool.FreeBulk(y)
}

// unplugAnywhere does the same for Close, which is not on the lcore.
func (q *queue) unplugAnywhere() {
	x, y, lost := q.tx.everything()
	q.peer.count.Missed(uint64(lost))
	for _, m := range x {
		mbuf.FreeAnywhere(m)
	}
	for _, m := range y {
		mbuf.FreeAnywhere(m)
	}
}
