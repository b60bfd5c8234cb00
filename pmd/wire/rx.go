package wire

import (
	"dataplane/mbuf"
	"dataplane/pmd"
)

// RxBurst copies waiting frames into buffers of the queue's pool, which the caller
// owns. A frame for which there is no buffer is lost (RxNoMbuf) and not parked: two
// starved ends would wait for each other's buffers for ever.
func (q *queue) RxBurst(b []*mbuf.Mbuf) int {
	if q.pool == nil {
		return 0
	}
	if q.rx.dead.Load() {
		q.count.Show()
		q.unplugged()
		return 0
	}
	n := min(q.rx.waiting(), len(b))
	if n == 0 {
		q.rx.feed()
		q.rest()
		return 0
	}
	if !q.rx.begin() {
		return 0
	}
	q.quiet = false
	got := q.copyBurst(b[:n])
	q.rx.end(n)
	return got
}

// rest does what can wait for two polls in a row that find nothing. (One of them means
// little: where turns are taken on demand, each one for something to send polls, too.)
func (q *queue) rest() {
	if !q.quiet {
		q.quiet = true
		return
	}
	q.reclaim()
	q.count.Show()
}

// copyBurst fills b with copies of the next len(b) frames and closes the gaps that
// lost ones leave.
func (q *queue) copyBurst(b []*mbuf.Mbuf) (got int) {
	if !q.pool.AllocBulk(b) {
		q.reclaim()
		for i := range b {
			b[i] = q.pool.Alloc()
		}
	}
	var bytes uint64
	for i, m := range b {
		if m == nil {
			q.count.NoMbuf(1)
			continue
		}
		if !q.copyFrame(m, q.rx.slot(i)) {
			q.pool.Free(m)
			continue
		}
		bytes += uint64(m.PktLen)
		b[got] = m
		got++
	}
	q.count.GatherReceived(uint64(got), bytes)
	return got
}

// copyFrame makes dst a copy of src; false: it is lost, and counted.
func (q *queue) copyFrame(dst, src *mbuf.Mbuf) bool {
	if src.OlFlags != 0 {
		q.translate(dst, src)
	}
	if src.PktLen > q.limit && dst.OlFlags&mbuf.RxLRO == 0 {
		q.count.RxError(1) // our MTU is smaller than the sender's
		return false
	}
	if room := dst.Room(); src.NbSegs == 1 && int(src.DataLen) <= len(room) {
		dst.DataLen = uint16(copy(room, src.Bytes()))
		dst.PktLen = uint32(dst.DataLen)
		return true
	}
	return q.copyChain(dst, src)
}

// copyChain copies all segments of src into dst and as many more buffers as that
// takes. On failure dst still belongs to the caller, with what hangs on it.
func (q *queue) copyChain(dst, src *mbuf.Mbuf) bool {
	last, room := dst, dst.Room()
	for ; src != nil; src = src.Next() {
		for p := src.Bytes(); len(p) != 0; {
			if len(room) == 0 {
				m := q.pool.Alloc()
				if m == nil {
					q.count.NoMbuf(1)
					return false
				}
				last.SetNext(m)
				dst.NbSegs++
				last, room = m, m.Room()
			}
			n := copy(room, p)
			p, room = p[n:], room[n:]
			last.DataLen += uint16(n)
			dst.PktLen += uint32(n)
		}
	}
	return true
}

// translate turns what the sender asked its card to do into what the receiver's
// card reports. The frame itself is not touched: where a checksum was asked for,
// its field holds the pseudo header's sum, as with virtio.
func (q *queue) translate(dst, src *mbuf.Mbuf) {
	flags, grant := src.OlFlags, q.peer.grant
	if flags&mbuf.TxIPChecksum != 0 && grant&pmd.TxIPChecksum != 0 {
		dst.OlFlags |= mbuf.RxIPChecksumGood
	}
	switch flags & mbuf.TxL4Mask {
	case mbuf.TxTCPChecksum:
		if grant&pmd.TxTCPChecksum != 0 {
			dst.OlFlags |= mbuf.RxL4ChecksumGood
		}
	case mbuf.TxUDPChecksum:
		if grant&pmd.TxUDPChecksum != 0 {
			dst.OlFlags |= mbuf.RxL4ChecksumGood
		}
	}
	if segmented(flags, grant) {
		dst.OlFlags |= mbuf.RxLRO | mbuf.RxL4ChecksumGood
		dst.TxOffload = src.TxOffload // header lengths and segment size
	}
	if flags&mbuf.TxVLAN != 0 && grant&pmd.VLANInsert != 0 {
		dst.OlFlags |= mbuf.RxVLAN | mbuf.RxVLANStripped
		dst.VlanTCI = src.VlanTCI
	}
}
