package afxdp

import (
	"runtime"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
)

const (
	// The most system calls in a row that send a burst: the kernel sends 32 frames
	// in one, and returns from it for each that it drops.
	maxKicks = 64
	// The most buffers of one frame: MAX_SKB_FRAGS.
	maxParts = 17
)

// TxBurst takes the first n frames of b. The caller still owns b[n:].
func (q *Queue) TxBurst(b []*mbuf.Mbuf) int {
	if q.sock.fd < 0 || q.gone {
		return q.lose(b)
	}
	q.reclaim()
	if q.down {
		if q.flush(); q.down || q.gone {
			return q.lose(b)
		}
	}
	t := &q.sock.tx
	n := 0
	for n < len(b) && q.submit(b[n]) {
		n++
	}
	t.producer.Store(t.own)
	if q.sending > 0 {
		q.flush()
	}
	runtime.KeepAlive(q)
	return n
}

// lose takes all of b: the link is down.
func (q *Queue) lose(b []*mbuf.Mbuf) int {
	if q.pool == nil || len(b) == 0 {
		return 0
	}
	q.count.TxError(uint64(len(b)))
	q.pool.FreeBulk(b)
	return len(b)
}

// submit takes m and puts it in the TX ring. False: there is no room, or no buffer
// to copy it to; m is still the caller's.
func (q *Queue) submit(m *mbuf.Mbuf) bool {
	n := int(m.PktLen)
	if n < ethLen || n > q.maxSend {
		q.count.TxError(1)
		q.pool.Free(m)
		return true
	}
	t := &q.sock.tx
	if i, ok := q.pool.Index(m); ok && m.NbSegs == 1 && m.RefCnt == 1 {
		if t.room(1) == 0 {
			return false
		}
		q.push(m, i, 0)
	} else if !q.copy(m) {
		return false
	}
	q.sent++
	q.sentBytes += int64(n)
	return true
}

// push takes m, whose place in the pool is i, and enters it.
func (q *Queue) push(m *mbuf.Mbuf, i int, options uint32) {
	q.where[i] = kernelTx
	q.sending++
	d := q.sock.tx.desc()
	d.addr = uint64(i)<<q.shift + uint64(m.DataOff)
	d.len = uint32(m.DataLen)
	d.options = options
}

// copy takes m, a chain or another pool's buffer, and sends a copy. A frame that is
// longer than a buffer becomes several descriptors. False: there is no room.
func (q *Queue) copy(m *mbuf.Mbuf) bool {
	room := q.area.Stride - mbuf.Headroom
	parts := (int(m.PktLen) + room - 1) / room
	b := q.batch[:parts]
	if q.sock.tx.room(uint32(parts)) < uint32(parts) || !q.pool.AllocBulk(b) {
		return false
	}
	for k, c := range b {
		c.Append(m.CopyTo(k*room, c.Room()[:min(room, int(m.PktLen)-k*room)]))
		i, _ := q.pool.Index(c)
		options := uint32(unix.XDP_PKT_CONTD)
		if k == parts-1 {
			options = 0
		}
		q.push(c, i, options)
	}
	q.pool.Free(m)
	return true
}

// flush has the kernel send what is in the TX ring, frees what was sent, and counts.
func (q *Queue) flush() {
	t := &q.sock.tx
	for range maxKicks {
		before := t.consumer.Load()
		if before == t.own || q.zeroCopy && t.flags.Load()&unix.XDP_RING_NEED_WAKEUP == 0 {
			q.down = q.down && before != t.own
			break
		}
		if !q.kicked(q.sock.kick(), before) {
			break
		}
	}
	q.reclaim()
	if q.sent > 0 {
		q.count.Sent(uint64(q.sent), uint64(max(q.sentBytes, 0)))
		q.sent, q.sentBytes = 0, 0
	}
}

// kicked looks at what the kernel said to a kick, and whether another one may help.
// before is the consumer's index before the call.
func (q *Queue) kicked(errno unix.Errno, before uint32) (again bool) {
	t := &q.sock.tx
	now := t.consumer.Load()
	q.down = false
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR: // EAGAIN: 32 are sent, or the device is busy
		return !q.zeroCopy && (now != before || errno == unix.EINTR)
	case unix.EBUSY: // one frame was dropped: no carrier, or no room at the peer
		if q.zeroCopy {
			return false
		}
		q.count.TxError(1)
		q.sentBytes -= q.sentBytes / max(q.sent, 1)
		q.sent--
		return true
	case unix.ENOBUFS: // the completion ring is full, or no memory
		q.reclaim()
		return now != before
	case unix.ENETDOWN:
		q.down = true
	case unix.ENXIO, unix.ENODEV, unix.EBADF:
		q.gone = true
	}
	return false
}

// reclaim frees the buffers of frames that were sent.
func (q *Queue) reclaim() {
	c := &q.sock.complete
	for ready := c.ready(1); ready > 0; ready = c.ready(1) {
		n := 0
		for ; n < len(q.batch) && ready > 0; ready-- {
			i := int(*c.addr() >> q.shift)
			if i < len(q.where) && q.where[i] == kernelTx {
				q.where[i] = notHere
				q.batch[n] = q.pool.At(i)
				n++
			}
		}
		c.consumer.Store(c.own)
		q.sending -= n
		q.pool.FreeBulk(q.batch[:n])
	}
}
