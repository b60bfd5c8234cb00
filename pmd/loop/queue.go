package loop

import (
	"dataplane/mbuf"
	"dataplane/pmd"
)

// queue is a FIFO of frames that one lcore fills and empties.
type queue struct {
	fifo       [Depth]*mbuf.Mbuf
	head, tail uint32 // tail <= head <= tail+Depth; both the lcore's
	pool       *mbuf.Pool
	limit      uint32
	closed     bool
	stirred    bool // something was sent since a poll found nothing
	wake       func()
	count      pmd.Counters
}

var (
	_ pmd.Queue    = (*queue)(nil)
	_ pmd.Notifier = (*queue)(nil)
	_ pmd.Own      = (*queue)(nil)
)

// FD returns -1: a loopback wakes by Notify.
func (q *queue) FD() int { return -1 }

// Notify registers what to call when frames were sent. That is always the core
// which would sleep over them; it then finds its bell rung.
func (q *queue) Notify(wake func()) { q.wake = wake }

// Stirred is true from a burst that was sent to a poll that finds nothing.
func (q *queue) Stirred() *bool { return &q.stirred }

// TxBurst takes frames while there is room. They come back unchanged but for
// OlFlags, which say that the frame never left this machine's memory.
func (q *queue) TxBurst(b []*mbuf.Mbuf) int {
	if q.pool == nil {
		return 0
	}
	if q.closed {
		q.pool.FreeBulk(b)
		q.count.TxError(uint64(len(b)))
		return len(b)
	}
	n := min(len(b), int(q.tail+Depth-q.head))
	var sent, bytes uint64
	for _, m := range b[:n] {
		if m.PktLen-1 >= q.limit { // too long, or empty
			q.count.TxError(1)
			q.pool.Free(m)
			continue
		}
		sent++
		bytes += uint64(m.PktLen)
		m.OlFlags = turned(m.OlFlags)
		q.fifo[q.head%Depth] = m
		q.head++
	}
	q.count.GatherSent(sent, bytes)
	q.stirred = true
	if sent != 0 && q.wake != nil {
		q.wake()
	}
	return n
}

// RxBurst returns what was sent, in order.
func (q *queue) RxBurst(b []*mbuf.Mbuf) int {
	n := min(len(b), int(q.head-q.tail))
	if n == 0 {
		q.count.Show()
		q.stirred = false
		return 0
	}
	var bytes uint64
	for i := range b[:n] {
		m := q.fifo[(q.tail+uint32(i))%Depth]
		bytes += uint64(m.PktLen)
		b[i] = m
	}
	q.tail += uint32(n)
	q.count.GatherReceived(uint64(n), bytes)
	return n
}

// turned makes a receiver's flags of a sender's: checksums need not exist, a
// super-segment counts as merged, a tag in VlanTCI as stripped.
func turned(tx uint64) uint64 {
	rx := uint64(mbuf.FlagLoop | mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood)
	if tx&mbuf.FlagForeign != 0 {
		rx = 0
		if tx&mbuf.TxIPChecksum != 0 {
			rx = mbuf.RxIPChecksumGood
		}
	}
	if tx&(mbuf.TxTCPSeg|mbuf.TxUDPSeg) != 0 {
		rx |= mbuf.RxLRO
	}
	if tx&mbuf.TxVLAN != 0 {
		rx |= mbuf.RxVLAN | mbuf.RxVLANStripped
	}
	return rx
}

func (q *queue) close() {
	q.closed = true
	q.count.Show()
	for ; q.tail != q.head; q.tail++ {
		mbuf.FreeAnywhere(q.fifo[q.tail%Depth])
		q.count.Missed(1)
	}
}
