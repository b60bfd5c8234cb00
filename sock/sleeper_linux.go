package sock

import (
	"os"
	"syscall"
	"time"

	"dataplane/internal/ring"
	"dataplane/perf"

	"golang.org/x/sys/unix"
)

// sleeper parks a goroutine on a doorbell's eventfd through Go's netpoller,
// so that no thread and no P is held meanwhile. It is an lcore's own thread that rings,
// and that must not ready a goroutine itself.
type sleeper struct {
	f     *os.File
	rc    syscall.RawConn
	crowd perf.Crowd
	brief bool // the deadline is set
}

// newSleeper returns a sleeper on b. Without a descriptor to spare, it naps.
func newSleeper(b *ring.Doorbell) *sleeper {
	fd, err := unix.FcntlInt(uintptr(b.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return &sleeper{}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return &sleeper{}
	}
	f := os.NewFile(uintptr(fd), "dispatcher")
	rc, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return &sleeper{}
	}
	return &sleeper{f: f, rc: rc}
}

// sleep returns when the doorbell was rung, or somewhat earlier. What was written stays
// for the doorbell to read.
func (s *sleeper) sleep() {
	if s.f == nil {
		time.Sleep(perf.CrowdNap.Duration())
		return
	}
	full := s.crowd.Full()
	switch {
	case full:
		s.f.SetReadDeadline(time.Now().Add(perf.CrowdNap.Duration())) //nolint:errcheck // it can be set, as it was watched
	case s.brief:
		s.f.SetReadDeadline(time.Time{}) //nolint:errcheck // the same
	}
	s.brief = full
	s.rc.Read(func(fd uintptr) bool { //nolint:errcheck // only the wake-up counts
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p[:], 0)
		return n > 0 || err != nil
	})
}

func (s *sleeper) close() {
	if s.f != nil {
		s.f.Close()
	}
}
