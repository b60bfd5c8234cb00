package afpacket

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/vnet"
)

const (
	txBatch   = 32  // frames in one system call
	txSegs    = 255 // buffers that one frame may consist of
	txVectors = 1024
)

// sender is what sendmmsg gathers a burst from: for every frame a header and then
// its buffers.
//
//	msgs[i].iov ─► iov: [hdrs[i], buffer, buffer ...]
type sender struct {
	maxFrame int // longest frame that is no super-segment
	msgs     []mmsghdr
	iov      []vnet.Vector
	hdrs     []byte
}

func (t *sender) init(maxFrame int) {
	t.maxFrame = maxFrame
	t.msgs = make([]mmsghdr, txBatch)
	t.iov = make([]vnet.Vector, txVectors)
	t.hdrs = make([]byte, txBatch*vnet.Len)
}

// TxBurst takes the first n frames of b. The caller still owns b[n:].
func (q *Queue) TxBurst(b []*mbuf.Mbuf) int {
	if q.ring.mem == nil || q.link.down.Load() {
		q.pool.FreeBulk(b)
		q.count.TxError(uint64(len(b)))
		return len(b)
	}
	n := 0
	var sent, bytes, failed uint64
	for n < len(b) {
		k := q.tx.gather(b[n:])
		if k == 0 { // b[n] cannot be sent
			failed++
			n++
			continue
		}
		done, errno := sendmmsg(q.ring.fd, q.tx.msgs[:k])
		runtime.KeepAlive(q)
		if errno == 0 {
			for _, m := range b[n : n+done] {
				bytes += uint64(m.PktLen)
			}
			sent += uint64(done)
			n += done
			continue
		}
		if errno == unix.EAGAIN || errno == unix.ENOBUFS {
			q.full(errno)
			break // the rest stays with the caller
		}
		if errno != unix.EINTR {
			failed++ // ENETDOWN, ENXIO: no link; EINVAL, EMSGSIZE: a frame the kernel refuses
			n++
		}
	}
	if n > 0 {
		q.pool.FreeBulk(b[:n])
		q.count.Sent(sent, bytes)
		q.count.TxError(failed)
	}
	return n
}

// full follows a refusal. ENOBUFS is the interface's: its queue is full, or its link
// has just gone and nobody has told us yet.
func (q *Queue) full(errno syscall.Errno) {
	if errno == unix.ENOBUFS {
		q.link.refresh()
	}
}

// gather borrows b and describes as many of its first frames as fit one call and can
// be sent; 0: the first one cannot.
func (t *sender) gather(b []*mbuf.Mbuf) int {
	used := 0
	for i, m := range b[:min(len(b), txBatch)] {
		if used+1+txSegs > len(t.iov) {
			return i
		}
		limit := t.maxFrame
		if m.OlFlags&(mbuf.TxTCPSeg|mbuf.TxUDPSeg) != 0 {
			limit = pmd.MaxFrame
		}
		hdr := vnet.Header(t.hdrs[i*vnet.Len : (i+1)*vnet.Len])
		if int(m.PktLen) > limit || !hdr.Transmit(m) {
			return i
		}
		v := t.iov[used : used+1+txSegs]
		v[0].Set(hdr)
		segs := vnet.Gather(v[1:], m)
		if segs <= 0 {
			return i
		}
		t.msgs[i].set(v[:1+segs])
		used += 1 + segs
	}
	return min(len(b), txBatch)
}

// sendmmsg sends frames and returns how many; see readv.
func sendmmsg(fd int, v []mmsghdr) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), address(v), uintptr(len(v)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}
