package lcore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"dataplane/internal/ring"
	"dataplane/perf"

	"golang.org/x/sys/unix"
)

// newSleeper returns the way to sleep that fits mode. look is a turn of the core's.
func newSleeper(mode Mode, bell *ring.Doorbell, ports []int, look func() bool) (sleeper, error) {
	if mode == Locked {
		return newThreadSleeper(bell.FD(), ports), nil
	}
	return newNetSleeper(bell, ports, look)
}

// threadSleeper blocks the thread in ppoll. The thread is the core's own; its P
// goes to somebody else meanwhile.
type threadSleeper struct {
	fds []unix.PollFd // the bell first
	ts  unix.Timespec
}

func newThreadSleeper(bell int, ports []int) *threadSleeper {
	s := &threadSleeper{fds: []unix.PollFd{{Fd: int32(bell), Events: unix.POLLIN}}}
	for _, fd := range ports {
		s.fds = append(s.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return s
}

// near: each sleep is as long as it may be.
func (*threadSleeper) near(_, _ perf.Tick) bool { return false }

func (s *threadSleeper) wait(d perf.Tick, deaf bool) (port bool) {
	fds := s.fds
	if deaf {
		fds = fds[:1]
	}
	s.ts = unix.NsecToTimespec(int64(d))
	n, err := unix.Ppoll(fds, &s.ts, nil)
	if err != nil || n == 0 { // EINTR is Go's own signal: as good as a wake-up
		return false
	}
	for i := range fds[1:] {
		if fds[1+i].Revents != 0 {
			return true
		}
	}
	return false
}

// wake is not called: who rings writes to the bell's descriptor.
func (s *threadSleeper) wake() {}

func (s *threadSleeper) close() {}

// netSleeper parks the goroutine as package os parks those that wait for a file, so
// that it holds neither a thread nor a P. The ports' descriptors are in an epoll set,
// which is itself one descriptor that Go's netpoller can watch. The bell is not in it:
// while every P has goroutines to run, the netpoller is asked every 10 ms only, and who
// rings is on a P of his own already. He ends the wait by its deadline, which readies
// the goroutine there and then.
//
//	RawConn.Read resets the netpoller's readiness, then calls look, then parks:
//	what became ready before the reset is seen by look, what comes after it is a
//	new edge. look is called again after the edge.
//
//	sleeper                              who rings
//	Announce: word = asleep              publish work
//	look for work                        word = awake, if it is asleep
//	deadline = when to wake up           deadline = past
//	word is awake? then do not park
//
// If the word is asleep still, the past deadline comes after the sleeper's own. One
// that comes late ends the next sleep, for nothing.
//
// Where bursts come one after the other, a sleep is worth less than what leads to it. So
// the deadline of a core that a port wakes again and again is near, quickNap at most, and
// serves several sleeps. In those the runtime is not asked for a crowd, and its monitor,
// which a system call wakes, not woken: it looks by itself when the deadline passes. (It
// must look: it is who takes the P from a goroutine that computes.) And look, instead of
// asking the epoll set, is the turn that has to come between announcement and sleep.
type netSleeper struct {
	file   *os.File // the epoll set
	conn   syscall.RawConn
	look   func(fd uintptr) bool
	turn   func() bool // of the core; it found something
	bell   *ring.Doorbell
	crowd  perf.Crowd
	ports  bool      // there are descriptors to watch
	port   bool      // look saw one
	asked  bool      // look has been called in this sleep
	met    bool      // it found something before the sleep
	quick  bool      // this is a sleep whose deadline stands from an earlier one, and is near
	busy   bool      // the last sleep was short, and a port ended it
	until  perf.Tick // the deadline; 0: none, or it has passed
	events [8]unix.EpollEvent
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

func newNetSleeper(bell *ring.Doorbell, ports []int, turn func() bool) (*netSleeper, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("lcore: create an epoll set: %w", err)
	}
	s := &netSleeper{bell: bell, turn: turn, ports: len(ports) > 0}
	s.look = s.lookAt
	for _, fd := range ports {
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &ev)
		if err != nil && !errors.Is(err, unix.EEXIST) { // two queues may share one
			unix.Close(ep)
			return nil, fmt.Errorf("lcore: watch descriptor %d of a port: %w", fd, err)
		}
	}
	if err := unix.SetNonblock(ep, true); err != nil { // or os.NewFile does not watch it
		unix.Close(ep)
		return nil, fmt.Errorf("lcore: prepare an epoll set: %w", err)
	}
	s.file = os.NewFile(uintptr(ep), "lcore")
	if s.conn, err = s.file.SyscallConn(); err == nil {
		err = s.file.SetReadDeadline(time.Time{}) // fails if it is not watched
	}
	if err != nil {
		s.file.Close()
		return nil, fmt.Errorf("lcore: watch an epoll set: %w", err)
	}
	return s, nil
}

// near notes for wait whether the deadline that stands will do.
func (s *netSleeper) near(now, d perf.Tick) bool {
	s.quick = now+minNap < s.until && s.until <= now+min(d, quickNap)
	return s.quick
}

func (s *netSleeper) wait(d perf.Tick, deaf bool) (port bool) {
	if deaf {
		time.Sleep(d.Duration())
		return false
	}
	now := perf.Now()
	s.port, s.asked, s.met = false, false, false
	if !s.quick {
		s.arm(now, d)
	}
	// It fails when the deadline has passed, and once the file is closed: then the core
	// has stopped.
	if s.bell.Asleep() && s.conn.Read(s.look) != nil {
		s.until = 0
	}
	if !s.met {
		s.busy = s.port && (s.quick || perf.Now()-now < quickNap)
	}
	return s.port
}

// arm sets the deadline.
func (s *netSleeper) arm(now, d perf.Tick) {
	switch {
	case s.ports && d > perf.CrowdNap && s.crowd.Full():
		d = perf.CrowdNap
	case s.busy:
		d = min(d, quickNap)
	}
	s.until = now + d
	s.file.SetReadDeadline(time.Now().Add(d.Duration())) //nolint:errcheck // closed: the core has stopped
}

// lookAt reports whether anything in the epoll set is ready. It is called again after an
// edge, and then something is or was.
func (s *netSleeper) lookAt(fd uintptr) bool {
	switch {
	case !s.ports:
		return false
	case s.asked && s.quick:
		s.port = true
		return true
	}
	s.asked = true
	if s.quick {
		s.met = s.turn()
		return s.met
	}
	n, err := unix.EpollWait(int(fd), s.events[:], 0)
	if err != nil {
		return errors.Is(err, unix.EINTR) // a turn too many does no harm
	}
	s.port = n > 0
	return n > 0
}

// wake ends wait, or the next one.
func (s *netSleeper) wake() { s.file.SetReadDeadline(past) } //nolint:errcheck // closed: nobody sleeps

func (s *netSleeper) close() { s.file.Close() }
