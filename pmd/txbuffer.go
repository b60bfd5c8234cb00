package pmd

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

const (
	txBurst   = 32  // Add flushes when so many more have gathered
	txWaiting = 256 // so many may wait for a queue that is full
)

// TxBuffer gathers the frames that one core sends on one queue, so that they leave
// in bursts. It belongs to the core that owns the queue.
type TxBuffer struct {
	queue Queue
	pool  *mbuf.Pool
	stat  *perf.Stat

	tap    func(b []*mbuf.Mbuf) // looks at frames before they are offered; nil: nobody does
	seen   int                  // so many of those that wait have been looked at
	n      int
	frames [txWaiting]*mbuf.Mbuf
	// A frame's length is noted when it comes: once the queue has taken it, it is
	// somebody else's and must not be read.
	length [txWaiting]uint32
}

// NewTxBuffer returns an empty buffer in front of q. p takes back frames that
// cannot be sent; both it and st belong to the calling core.
func NewTxBuffer(q Queue, p *mbuf.Pool, st *perf.Stat) *TxBuffer {
	return &TxBuffer{queue: q, pool: p, stat: st}
}

// Add takes m. It leaves with the 32nd frame or the next Flush, whichever is first.
// If the queue has been full for so long that 256 frames wait, m is lost as
// LostTxFull.
func (t *TxBuffer) Add(m *mbuf.Mbuf) {
	n := t.n
	if n >= txWaiting {
		t.stat.Lose(perf.LostTxFull)
		t.pool.Free(m)
		return
	}
	t.frames[n] = m
	t.length[n] = m.PktLen
	n++
	t.n = n
	if n%txBurst == 0 {
		t.Flush()
	}
}

// Flush offers all that waits to the queue, once. What it refuses stays.
func (t *TxBuffer) Flush() {
	if t.n > 0 {
		t.flush()
	}
}

func (t *TxBuffer) flush() {
	if t.tap != nil {
		t.show()
	}
	taken := t.queue.TxBurst(t.frames[:t.n])
	if taken == 0 {
		return
	}
	var bytes uint64
	for _, n := range t.length[:taken] {
		bytes += uint64(n)
	}
	t.stat.TxFrames += uint64(taken)
	t.stat.TxBytes += bytes
	if taken < t.n {
		copy(t.frames[:], t.frames[taken:t.n])
		copy(t.length[:], t.length[taken:t.n])
	}
	t.n -= taken
	t.seen -= taken // of no meaning without a tap
}

// SetTap lets f look at each frame once, before it is first offered to the queue; nil:
// nobody looks any more. f borrows the frames.
func (t *TxBuffer) SetTap(f func(b []*mbuf.Mbuf)) { t.tap, t.seen = f, t.n }

// show lets the tap look at what has come since it last did.
func (t *TxBuffer) show() {
	t.tap(t.frames[t.seen:t.n])
	t.seen = t.n
}

// Pending returns how many frames wait for room in the queue.
func (t *TxBuffer) Pending() int { return t.n }

// Close frees what waits and counts it as LostTxFull. The buffer may be used again.
func (t *TxBuffer) Close() {
	for _, m := range t.frames[:t.n] {
		t.stat.Lose(perf.LostTxFull)
		t.pool.Free(m)
	}
	clear(t.frames[:])
	t.n = 0
}
