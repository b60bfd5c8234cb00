package afpacket

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/vnet"
)

// receiver is what RxBurst needs beside the ring.
type receiver struct {
	room     int  // bytes in a buffer
	checksum bool // the stack takes the kernel's word for checksums
	merged   bool // and takes super-segments
	iov      []vnet.Vector
	hdr      vnet.Header // of a frame from the socket's queue
}

func (r *receiver) init(room int, o pmd.Offload) {
	r.room = room
	r.checksum, r.merged = o.Has(pmd.RxChecksum), o.Has(pmd.LRO)
	r.iov = make([]vnet.Vector, 2+pmd.MaxFrame/room)
	r.hdr = make(vnet.Header, vnet.Len)
}

// RxBurst returns up to len(b) frames in b[:n]. The caller owns them. Frames for
// which there is no buffer stay in the ring.
func (q *Queue) RxBurst(b []*mbuf.Mbuf) int {
	if q.ring.mem == nil {
		return 0
	}
	n := 0
	var bytes uint64
	for n < len(b) {
		slot, status := q.ring.next()
		if slot == nil {
			break
		}
		m, wait := q.take(slot, status)
		if wait {
			break
		}
		q.ring.release()
		if m != nil {
			bytes += uint64(m.PktLen)
			b[n] = m
			n++
		}
	}
	if n > 0 {
		q.count.Received(uint64(n), bytes)
	} else if q.link.down.Load() {
		q.clearError()
	}
	return n
}

// take returns the frame of a slot. nil: it is lost and counted, or, with wait, it
// must wait for buffers.
func (q *Queue) take(slot []byte, status uint32) (_ *mbuf.Mbuf, wait bool) {
	size, snap := int(native.Uint32(slot[slotLen:])), int(native.Uint32(slot[slotSnapLen:]))
	at := int(native.Uint16(slot[slotMac:]))
	queued := status&unix.TP_STATUS_COPY != 0
	switch {
	case size > pmd.MaxFrame, size == 0, at < slotHdrLen+vnet.Len, at+snap > len(slot):
		if queued {
			q.skip()
		}
		q.count.RxError(1)
		return nil, false
	case snap < size && !queued:
		q.count.Missed(1) // cut off: the socket's queue was full
		return nil, false
	}
	m := q.chain(size)
	if m == nil {
		return nil, true
	}
	hdr := vnet.Header(slot[at-vnet.Len : at])
	if queued {
		hdr = q.rx.hdr
		if !q.fetch(m) {
			q.count.RxError(1)
			q.pool.Free(m)
			return nil, false
		}
	} else {
		fill(m, slot[at:at+size])
	}
	if m = q.describe(m, hdr); m != nil && status&unix.TP_STATUS_VLAN_VALID != 0 {
		tag(m, native.Uint16(slot[slotTCI:]), tpid(slot, status))
	}
	return m, false
}

// chain returns buffers for n bytes, their lengths set; nil: there are not enough.
func (q *Queue) chain(n int) *mbuf.Mbuf {
	head := q.pool.Alloc()
	if head == nil {
		return nil
	}
	head.PktLen = uint32(n)
	last, segs := head, uint16(1)
	for n > q.rx.room {
		last.DataLen = uint16(q.rx.room)
		n -= q.rx.room
		next := q.pool.Alloc()
		if next == nil {
			q.pool.Free(head)
			return nil
		}
		last.SetNext(next)
		last = next
		segs++
	}
	last.DataLen = uint16(n)
	head.NbSegs = segs
	return head
}

// fill copies a frame into the chain m, which is as long.
func fill(m *mbuf.Mbuf, frame []byte) {
	for ; m != nil; m = m.Next() {
		frame = frame[copy(m.Bytes(), frame):]
	}
}

// fetch reads the frame that waits longest in the socket's queue into the chain m,
// which is as long, and its header.
func (q *Queue) fetch(m *mbuf.Mbuf) bool {
	q.rx.iov[0].Set(q.rx.hdr)
	k := vnet.Gather(q.rx.iov[1:], m)
	if k < 0 {
		return false
	}
	for range 3 {
		n, errno := readv(q.ring.fd, q.rx.iov[:1+k])
		runtime.KeepAlive(q)
		if errno == 0 {
			return n == vnet.Len+int(m.PktLen)
		}
		if errno == unix.EAGAIN {
			return false
		} // else an error that the link left behind: reading it has cleared it
	}
	return false
}

// skip throws away the frame that waits longest in the socket's queue.
func (q *Queue) skip() {
	q.rx.iov[0].Set(q.rx.hdr)
	_, _ = readv(q.ring.fd, q.rx.iov[:1])
	runtime.KeepAlive(q)
}

// describe notes what the header says about m, as far as the stack wants to know. It
// takes m where that is not enough, and returns nil.
func (q *Queue) describe(m *mbuf.Mbuf, hdr vnet.Header) *mbuf.Mbuf {
	hdr.Receive(m)
	if m.OlFlags&mbuf.RxLRO != 0 && !q.rx.merged {
		q.count.RxError(1)
		q.pool.Free(m)
		return nil
	}
	if !q.rx.checksum {
		m.OlFlags &^= mbuf.RxL4ChecksumGood
		if start, offset, ok := hdr.Partial(); ok {
			complete(m, start, offset)
		}
	}
	return m
}

// clearError clears what the link's going down left in the socket: until then its
// descriptor is readable. The link is down, so this costs nobody anything.
func (q *Queue) clearError() { _, _ = unix.GetsockoptInt(q.ring.fd, unix.SOL_SOCKET, unix.SO_ERROR) }

// readv reads one frame. The descriptor does not block, so the scheduler need not be
// told: an lcore polls here.
func readv(fd int, v []vnet.Vector) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READV, uintptr(fd), vnet.Address(v), uintptr(len(v)))
	return int(n), errno
}
