package tap

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd/vnet"
)

// rxSlots is the row of buffers that the next frame is scattered over.
//
//	slots:        [ used, nil | ready ... ]
//	iov:  [ .     .      hdr  | ready ... ]   iov[i+1] is slots[i]
//	                     ^first
//
// A frame of k buffers takes slots[first:first+k] and moves first up; fill moves
// it down again. So a small frame costs one new buffer, and when the pool is low
// the row is merely shorter.
type rxSlots struct {
	pool  *mbuf.Pool
	slots []*mbuf.Mbuf
	iov   []vnet.Vector
	hdr   vnet.Header
	first int
	room  int // bytes in each slot
}

// init makes an empty row for frames of up to longest bytes. One slot more than
// they need: a frame that fills the whole row was cut off.
func (r *rxSlots) init(pool *mbuf.Pool, room, longest, hdrLen int) {
	n := longest/room + 1
	r.pool, r.room = pool, room
	r.slots = make([]*mbuf.Mbuf, n)
	r.iov = make([]vnet.Vector, n+1)
	r.hdr = make(vnet.Header, hdrLen)
	r.first = n
}

// fill replaces the buffers that were used. False: not one is ready.
func (r *rxSlots) fill() bool {
	for r.first > 0 {
		m := r.pool.Alloc()
		if m == nil {
			break
		}
		r.first--
		r.slots[r.first] = m
		r.iov[r.first+1].Set(m.Room()[:r.room])
	}
	r.iov[r.first].Set(r.hdr)
	return r.first < len(r.slots)
}

// take returns the chain that holds a frame of n bytes, headed by slots[first].
func (r *rxSlots) take(n int) *mbuf.Mbuf {
	i := r.first
	head := r.slots[i]
	head.PktLen = uint32(n)
	for last := head; ; {
		seg := min(n, r.room)
		last.DataLen = uint16(seg)
		r.slots[i] = nil
		i++
		if n -= seg; n == 0 {
			break
		}
		next := r.slots[i]
		last.SetNext(next)
		last = next
	}
	head.NbSegs = uint16(i - r.first)
	r.first = i
	return head
}

// RxBurst returns up to len(b) frames in b[:n]. The caller owns them.
func (q *Queue) RxBurst(b []*mbuf.Mbuf) int {
	if q.fd < 0 {
		return 0
	}
	r := &q.rx
	n := 0
	var bytes uint64
	for n < len(b) {
		if r.first > 0 && !r.fill() {
			q.count.NoMbuf(1) // the frames wait in the kernel
			break
		}
		got, errno := readv(q.fd, r.iov[r.first:])
		if errno != 0 {
			if errno == unix.EINTR {
				continue
			}
			q.rxError(errno)
			break
		}
		if got -= len(r.hdr); got <= 0 || got >= (len(r.slots)-r.first)*r.room {
			q.rxUnfit()
			continue
		}
		m := r.take(got)
		r.hdr.Receive(m)
		bytes += uint64(got)
		b[n] = m
		n++
	}
	runtime.KeepAlive(q)
	if n > 0 {
		q.count.Received(uint64(n), bytes)
	}
	return n
}

// rxUnfit counts a frame that did not fit the buffers that were ready.
func (q *Queue) rxUnfit() {
	if q.rx.first > 0 {
		q.count.NoMbuf(1)
		return
	}
	q.count.RxError(1)
}

// rxError counts what is worse than "nothing there": the device is gone.
func (q *Queue) rxError(errno syscall.Errno) {
	if errno != unix.EAGAIN {
		q.count.RxError(1)
	}
}

// readv reads one frame. The descriptor does not block, so the scheduler need
// not be told: an lcore polls here.
func readv(fd int, v []vnet.Vector) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READV, uintptr(fd), vnet.Address(v), uintptr(len(v)))
	return int(n), errno
}
