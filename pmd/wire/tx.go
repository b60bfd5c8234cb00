package wire

import (
	"dataplane/mbuf"
	"dataplane/pmd"
)

// TxBurst takes as many frames as the ring has descriptors for. Frames that do not
// fit the link, and all frames when the other side is gone, are freed as OErrors.
func (q *queue) TxBurst(b []*mbuf.Mbuf) int {
	if q.pool == nil {
		return 0
	}
	if q.tx.dead.Load() {
		q.unplugged()
		q.pool.FreeBulk(b)
		q.count.TxError(uint64(len(b)))
		return len(b)
	}
	if q.tx.copied() >= reclaimAt {
		q.takeBack()
	}
	n := q.push(b)
	if n < len(b) {
		// Whatever the receiver finishes after this store wakes us; what it
		// finished before, we see now.
		q.tx.starved.Store(true)
		q.reclaim()
		n += q.push(b[n:])
	}
	return n
}

// push takes what fits the ring now.
func (q *queue) push(b []*mbuf.Mbuf) int {
	n := min(len(b), q.tx.room())
	if n <= 0 {
		return 0
	}
	var sent, bytes uint64
	for _, m := range b[:n] {
		size := m.PktLen
		if size-1 >= q.limit && !q.super(m) { // also catches an empty frame
			q.count.TxError(1)
			q.pool.Free(m)
			continue
		}
		q.tx.put(m)
		sent++
		bytes += uint64(size)
	}
	if sent != 0 {
		if wake := q.tx.publish(); wake != nil {
			(*wake)()
		}
		q.count.GatherSent(sent, bytes)
	}
	return n
}

// super reports whether m is a super-segment that both ends agreed to pass whole.
func (q *queue) super(m *mbuf.Mbuf) bool {
	return segmented(m.OlFlags, q.grant) && m.PktLen != 0 && m.PktLen <= pmd.MaxFrame &&
		m.SegSize() > 0 && uint32(m.SegSize()) < q.limit
}

// segmented reports whether the sender asked for segmentation, and may.
func segmented(flags uint64, grant pmd.Offload) bool {
	return flags&mbuf.TxTCPSeg != 0 && grant&pmd.TSO != 0 ||
		flags&mbuf.TxUDPSeg != 0 && grant&pmd.USO != 0
}
