package tap

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/vnet"
)

// txSegments is how many buffers one frame may consist of.
const txSegments = 255

// txVector is what writev gathers a frame from: the header, then its buffers.
type txVector struct {
	iov []vnet.Vector
	hdr vnet.Header
}

func (t *txVector) init(hdrLen int) {
	t.iov = make([]vnet.Vector, 1+txSegments)
	t.hdr = make(vnet.Header, hdrLen)
	t.iov[0].Set(t.hdr)
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
	if int(m.PktLen) > limit || !t.hdr.Transmit(m) {
		return unix.EMSGSIZE
	}
	segs := vnet.Gather(t.iov[1:], m)
	if segs <= 0 {
		return unix.EMSGSIZE
	}
	_, errno := writev(q.fd, t.iov[:1+segs])
	return errno
}

// writev writes one frame; see readv.
func writev(fd int, v []vnet.Vector) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), vnet.Address(v), uintptr(len(v)))
	return int(n), errno
}
