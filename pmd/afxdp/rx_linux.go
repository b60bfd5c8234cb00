package afxdp

import (
	"runtime"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// Who has a buffer of the pool, as one queue sees it.
const (
	notHere  = iota // not with this queue's part of the kernel
	kernelRx        // fill ring, kernel, RX ring
	kernelTx        // TX ring, kernel, completion ring
)

const refillBatch = 32

// Queue is one AF_XDP socket. It belongs to one lcore.
type Queue struct {
	sock  *socket
	pool  *mbuf.Pool
	area  mbuf.Area
	shift uint    // log2 of the stride
	where []uint8 // by place in the pool: notHere, kernelRx, kernelTx
	batch [refillBatch]*mbuf.Mbuf

	target  int // buffers to receive into
	filled  int // of them are with the kernel
	sending int // buffers that are with the kernel to be sent
	longest int // frame that is not merged
	maxSend int // longest frame that can be sent

	head, last *mbuf.Mbuf // of a frame whose buffers have not all come

	zeroCopy bool // the driver sends, not our system call
	busy     bool // our calls drive the driver
	accept   bool // unfinished checksums are good
	down     bool // the interface was down when we last sent
	gone     bool // the interface was removed

	warmth uint64 // that something was read

	sent, sentBytes int64 // not in the counters yet; negative: taken back
	count           pmd.Counters
}

func (q *Queue) init(s *socket, pool *mbuf.Pool, longest, target int) {
	area := pool.Area()
	q.sock, q.pool, q.area, q.target = s, pool, area, target
	q.longest, q.maxSend = longest, area.Stride-mbuf.Headroom
	if s.sg {
		q.maxSend *= maxParts
	}
	q.maxSend = min(q.maxSend, longest)
	q.where = make([]uint8, pool.Size())
	for 1<<q.shift < area.Stride {
		q.shift++
	}
}

// fillUp gives the kernel buffers until it has its share, or the pool has no more.
func (q *Queue) fillUp() {
	for q.target-q.filled >= refillBatch {
		if !q.pool.AllocBulk(q.batch[:]) {
			return
		}
		q.fill(q.batch[:])
	}
}

// fill takes buffers and gives them to the kernel. The fill ring has a slot for each
// buffer that we let the kernel have.
func (q *Queue) fill(b []*mbuf.Mbuf) {
	f := &q.sock.fill
	if f.room(uint32(len(b))) < uint32(len(b)) {
		q.pool.FreeBulk(b)
		return
	}
	for _, m := range b {
		i, _ := q.pool.Index(m)
		q.where[i] = kernelRx
		*f.addr() = uint64(i) << q.shift
	}
	f.producer.Store(f.own)
	q.filled += len(b)
}

// RxBurst returns up to len(b) frames in b[:n]. The caller owns them.
func (q *Queue) RxBurst(b []*mbuf.Mbuf) int {
	s := q.sock
	if s.fd < 0 {
		return 0
	}
	if q.sending > 0 {
		q.flush()
	}
	n, bytes := q.receive(b)
	if q.target-q.filled >= refillBatch {
		q.fillUp()
	}
	if s.fill.flags.Load()&unix.XDP_RING_NEED_WAKEUP != 0 || q.busy && n == 0 {
		s.pull()
	}
	runtime.KeepAlive(q)
	if n > 0 {
		q.count.Received(uint64(n), bytes)
	}
	return n
}

// receive takes frames from the RX ring.
func (q *Queue) receive(b []*mbuf.Mbuf) (n int, bytes uint64) {
	r := &q.sock.rx
	ready := r.ready(uint32(len(b)))
	if ready > 1 {
		q.warm(min(ready, refillBatch))
	}
	for ; ready > 0 && n < len(b); ready-- {
		d := r.desc()
		m := q.take(d)
		if m == nil {
			continue
		}
		if d.options&unix.XDP_PKT_CONTD != 0 || q.head != nil {
			if m = q.join(m, d.options&unix.XDP_PKT_CONTD != 0); m == nil {
				continue
			}
		}
		if (q.accept || m.NbSegs > 1) && !q.judge(m) {
			continue
		}
		bytes += uint64(m.PktLen)
		b[n] = m
		n++
	}
	r.consumer.Store(r.own)
	return n, bytes
}

// warm reads something of each of the next n frames and of their buffers. A ring of
// buffers does not fit the second cache: here the processor waits for all of them at
// once, later for one after the other. The start of a buffer is where the headers and
// data of an answer will be that gets it next.
func (q *Queue) warm(n uint32) {
	var sum uint64
	for k := range n {
		i := int(q.sock.rx.peek(k).addr >> q.shift)
		if i >= len(q.where) {
			return // not one of ours: take will say so
		}
		m, b := q.pool.At(i), q.area.Mem[i<<q.shift:]
		sum += uint64(m.DataOff) + m.TxOffload + uint64(q.where[i]) +
			uint64(b[mbuf.Headroom-1]) + uint64(b[mbuf.Headroom]) + uint64(b[kernelHeadroom]) + uint64(b[kernelHeadroom+64])
	}
	q.warmth = sum
}

// take returns the buffer of a descriptor. nil: it is not one that the kernel had.
func (q *Queue) take(d *desc) *mbuf.Mbuf {
	i := int(d.addr >> q.shift)
	if i >= len(q.where) || q.where[i] != kernelRx {
		q.count.RxError(1)
		return nil
	}
	q.where[i] = notHere
	q.filled--
	m := q.pool.At(i)
	off := int(d.addr) & (1<<q.shift - 1)
	if off+int(d.len) > int(m.BufLen) || d.len == 0 {
		q.count.RxError(1)
		q.pool.Free(m)
		return nil
	}
	m.DataOff, m.DataLen, m.PktLen = uint16(off), uint16(d.len), d.len
	return m
}

// join takes a buffer of a frame that has several and returns the frame when it is
// whole.
func (q *Queue) join(m *mbuf.Mbuf, more bool) *mbuf.Mbuf {
	if q.head == nil {
		q.head = m
	} else {
		q.last.SetNext(m)
		q.head.NbSegs++
		q.head.PktLen += uint32(m.DataLen)
	}
	q.last = m
	if more {
		return nil
	}
	m, q.head, q.last = q.head, nil, nil
	return m
}

// judge looks at a frame that no wire has carried as it is: its checksum may be
// unfinished, and it may be several frames that GRO, or the sender's TSO, has made
// one. False: it cannot be used, and was freed.
func (q *Queue) judge(m *mbuf.Mbuf) bool {
	p := dissect(m.Bytes())
	if q.accept && p.unfinished() {
		m.OlFlags |= mbuf.RxL4ChecksumGood
	}
	if int(m.PktLen) <= q.longest {
		return true
	}
	if p.proto != protoTCP { // datagrams whose borders nobody knows
		q.count.RxError(1)
		q.pool.Free(m)
		return false
	}
	m.OlFlags |= mbuf.RxLRO
	m.SetTx(0, 0, 0, q.longest-pmd.Overhead-40)
	return true
}

// takeHome frees what the kernel still had when the socket was closed.
func (q *Queue) takeHome() {
	for i, w := range q.where {
		if w != notHere {
			mbuf.FreeAnywhere(q.pool.At(i))
		}
	}
	if q.head != nil {
		mbuf.FreeAnywhere(q.head)
	}
	q.where, q.head, q.last = nil, nil, nil
	q.filled, q.sending = 0, 0
}
