package afxdp

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
)

const (
	// The kernel's own room before a received frame, XDP_PACKET_HEADROOM.
	kernelHeadroom = unix.XDP_PACKET_HEADROOM
	minChunk       = 2048 // XDP_UMEM_MIN_CHUNK_SIZE
	releaseWait    = 2 * time.Second
)

// socket is an AF_XDP socket with its UMEM and its four rings.
type socket struct {
	fd             int
	rx, tx         ring
	fill, complete ring
	sg             bool // frames may consist of several descriptors
}

// socketConfig says what a socket shall be.
type socketConfig struct {
	ifindex, queue int
	area           mbuf.Area
	ring           int
	zeroCopy       bool
	sg             bool
	busyPoll       int
}

// openSocket makes a socket and binds it to its queue.
func openSocket(c *socketConfig) (*socket, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, explain("open an AF_XDP socket", err)
	}
	s := &socket{fd: fd, sg: c.sg}
	for _, step := range []func(*socketConfig) error{s.register, s.makeRings, s.bind} {
		if err := step(c); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// register makes the area the socket's UMEM.
func (s *socket) register(c *socketConfig) error {
	reg := unix.XDPUmemReg{Addr: uint64(c.area.Address()), Len: uint64(len(c.area.Mem)), Size: uint32(c.area.Stride)}
	err := unix.SetsockoptString(s.fd, unix.SOL_XDP, unix.XDP_UMEM_REG, string(bytesOf(&reg)))
	if errors.Is(err, unix.ENOBUFS) {
		return fmt.Errorf("RLIMIT_MEMLOCK is too small for %d KiB of packet buffers: `ulimit -l unlimited`, LimitMEMLOCK=infinity, or CAP_IPC_LOCK: %w", len(c.area.Mem)>>10, err)
	}
	if err != nil {
		return explain("share the packet buffers with the kernel", err)
	}
	return nil
}

// makeRings has the kernel make the rings and maps them.
func (s *socket) makeRings(c *socketConfig) error {
	for _, option := range []int{unix.XDP_UMEM_FILL_RING, unix.XDP_UMEM_COMPLETION_RING, unix.XDP_RX_RING, unix.XDP_TX_RING} {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_XDP, option, c.ring); err != nil {
			return fmt.Errorf("make a ring of %d slots: %w", c.ring, err)
		}
	}
	var off struct{ rx, tx, fill, complete offsets }
	if n, err := getsockopt(s.fd, unix.XDP_MMAP_OFFSETS, &off); err != nil || n != len(bytesOf(&off)) {
		return fmt.Errorf("this kernel is too old for AF_XDP with wake-ups: Linux 5.4 is needed (%d, %v)", n, err)
	}
	for _, m := range []struct {
		r    *ring
		o    offsets
		slot int
		at   int64
	}{
		{&s.rx, off.rx, 16, unix.XDP_PGOFF_RX_RING}, {&s.tx, off.tx, 16, unix.XDP_PGOFF_TX_RING},
		{&s.fill, off.fill, 8, unix.XDP_UMEM_PGOFF_FILL_RING}, {&s.complete, off.complete, 8, unix.XDP_UMEM_PGOFF_COMPLETION_RING},
	} {
		mem, err := unix.Mmap(s.fd, m.at, int(m.o.desc)+c.ring*m.slot, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return fmt.Errorf("map a ring: %w", err)
		}
		m.r.init(mem, c.ring, m.o)
	}
	return nil
}

// bind ties the socket to the interface's queue. The kernel lets go of an earlier
// socket's queue some time after its close, so "busy" is asked again for a while.
func (s *socket) bind(c *socketConfig) error {
	flags := uint16(unix.XDP_USE_NEED_WAKEUP | unix.XDP_COPY)
	if c.zeroCopy {
		flags = unix.XDP_USE_NEED_WAKEUP | unix.XDP_ZEROCOPY
	}
	if s.sg {
		flags |= unix.XDP_USE_SG
	}
	// In the copy modes a frame counts against the socket's buffer until the card has
	// sent it. Best effort: with less, frames wait in the ring.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, c.ring*c.area.Stride)
	if err := s.setBusyPoll(c.busyPoll); err != nil {
		return err
	}
	sa := &unix.SockaddrXDP{Flags: flags, Ifindex: uint32(c.ifindex), QueueID: uint32(c.queue)}
	for end := time.Now().Add(releaseWait); ; time.Sleep(2 * time.Millisecond) {
		err := unix.Bind(s.fd, sa)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EBUSY) && time.Now().Before(end):
			continue
		case errors.Is(err, unix.EBUSY):
			return fmt.Errorf("queue %d is in use by another AF_XDP socket: end the program that has it: %w", c.queue, err)
		}
		return fmt.Errorf("bind to queue %d: %w", c.queue, err)
	}
}

// setBusyPoll has the calls of this socket drive the card's receive path, instead
// of its interrupts.
func (s *socket) setBusyPoll(usec int) error {
	if usec == 0 {
		return nil
	}
	for _, o := range []struct{ option, value int }{
		{unix.SO_PREFER_BUSY_POLL, 1}, {unix.SO_BUSY_POLL, usec}, {unix.SO_BUSY_POLL_BUDGET, 64},
	} {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, o.option, o.value); err != nil {
			return explain("poll busily (busy-poll needs Linux 5.11)", err)
		}
	}
	return nil
}

// statistics reads the kernel's counters. Any goroutine.
func (s *socket) statistics() (st unix.XDPStatistics) {
	_, _ = getsockopt(s.fd, unix.XDP_STATISTICS, &st) // what it does not write is 0
	return st
}

// close closes the socket. The rings stay readable until unmap.
func (s *socket) close() error {
	var err error
	if s.fd >= 0 {
		err = unix.Close(s.fd)
		s.fd = -1
	}
	for _, r := range []*ring{&s.rx, &s.tx, &s.fill, &s.complete} {
		if r.mem != nil {
			err = errors.Join(err, unix.Munmap(r.mem))
			*r = ring{}
		}
	}
	return err
}

// kick has the kernel send what is in the TX ring; in the copy modes it does so
// before the call returns. The scheduler is not told, as an lcore polls here.
func (s *socket) kick() unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
	return errno
}

// pull has the kernel look at the fill ring, and, with busy-poll, at the card.
func (s *socket) pull() {
	unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
}
