package tap

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// txSegments is how many buffers one frame may consist of.
const txSegments = 255

// txVector is what writev gathers a frame from: the header, then its buffers.
type txVector struct {
	iov []iovec
	hdr vnetHeader
}

func (t *txVector) init(hdrLen int) {
	t.iov = make([]iovec, 1+txSegments)
	t.hdr = make(vnetHeader, hdrLen)
	t.iov[0].set(t.hdr)
}

// TxBurst takes the first n frames of b. The caller still owns b[n:].
func (q *Queue) TxBurst(b []*mbuf.Mbuf) int {
	n := 0
	var sent, bytes, failed uint64
	for n < len(b) {
		errno := q.send(b[n])
		if errno == unix.EAGAIN {
			break // the queue is full: the rest stays with the caller
		}
		if errno == unix.EINTR {
			continue
		}
		if errno == 0 {
			sent++
			bytes += uint64(b[n].PktLen)
		} else {
			failed++ // EIO: the link is down; EINVAL: a frame the kernel refuses
		}
		n++
	}
	runtime.KeepAlive(q)
	if n > 0 {
		q.pool.FreeBulk(b[:n])
		q.count.Sent(sent, bytes)
		q.count.TxError(failed)
	}
	return n
}

// send borrows m and writes it.
func (q *Queue) send(m *mbuf.Mbuf) syscall.Errno {
	t := &q.tx
	limit := q.maxFrame
	if m.OlFlags&(mbuf.TxTCPSeg|mbuf.TxUDPSeg) != 0 {
		limit = pmd.MaxFrame
	}
	if int(m.PktLen) > limit || !t.hdr.transmit(m) {
		return unix.EMSGSIZE
	}
	segs := gather(t.iov[1:], m)
	if segs <= 0 {
		return unix.EMSGSIZE
	}
	_, errno := writev(q.fd, t.iov[:1+segs])
	return errno
}

// writev writes one frame; see readv.
func writev(fd int, v []iovec) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), vectorAddress(v), uintptr(len(v)))
	return int(n), errno
}
