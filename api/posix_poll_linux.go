package api

import (
	"math"
	"sync"
	"time"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// EpollCreate makes an epoll. EINVAL: size, which means nothing, is not positive.
func (u *Posix) EpollCreate(size int) (fd int, err error) {
	if size <= 0 {
		return -1, unix.EINVAL
	}
	return u.EpollCreate1(0)
}

// EpollCreate1 makes an epoll. The only flag is EPOLL_CLOEXEC.
func (u *Posix) EpollCreate1(flag int) (fd int, err error) {
	if flag&^unix.EPOLL_CLOEXEC != 0 {
		return -1, unix.EINVAL
	}
	return u.files.add(&file{n: u.n, ep: sock.NewEpoll(u.n.tasks)}, 0)
}

// EpollCtl lets the epoll epfd watch fd (EPOLL_CTL_ADD), watch it for something else
// (EPOLL_CTL_MOD), or watch it no more (EPOLL_CTL_DEL). It knows EPOLLET, EPOLLONESHOT and
// EPOLLEXCLUSIVE. fd may be another epoll; ELOOP: they would lie too deep in one another.
func (u *Posix) EpollCtl(epfd, op, fd int, event *unix.EpollEvent) error {
	if event == nil && op != unix.EPOLL_CTL_DEL {
		return unix.EFAULT
	}
	e, err := u.files.get(epfd)
	if err != nil {
		return err
	}
	f, err := u.files.get(fd)
	switch {
	case err != nil:
		return err
	case e.ep == nil || f == e:
		return unix.EINVAL
	}
	switch op {
	case unix.EPOLL_CTL_ADD:
		return e.ep.Add(f.watched(), fd, eventFrom(event))
	case unix.EPOLL_CTL_MOD:
		return e.ep.Modify(f.watched(), fd, eventFrom(event))
	case unix.EPOLL_CTL_DEL:
		return e.ep.Delete(f.watched(), fd)
	}
	return unix.EINVAL
}

// watched is what an epoll watches of f.
func (f *file) watched() *sock.Socket {
	if f.ep != nil {
		return f.ep.Socket()
	}
	return f.s
}

func eventFrom(e *unix.EpollEvent) sock.Event {
	return sock.Event{Events: e.Events, Data: uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32}
}

// mostEvents is how many one EpollWait returns.
const mostEvents = 1024

var eventRooms = sync.Pool{New: func() any { return new([mostEvents]sock.Event) }}

// EpollWait waits until a descriptor that epfd watches is ready, for msec milliseconds at
// the most; -1: without end. The Fd and Pad of an event are those of EpollCtl.
func (u *Posix) EpollWait(epfd int, events []unix.EpollEvent, msec int) (n int, err error) {
	f, err := u.files.get(epfd)
	if err != nil {
		return -1, err
	}
	if f.ep == nil || len(events) == 0 {
		return -1, unix.EINVAL
	}
	room, _ := eventRooms.Get().(*[mostEvents]sock.Event)
	defer eventRooms.Put(room)
	n, err = f.ep.Wait(room[:min(len(events), mostEvents)], bounded(msec))
	for i := range n {
		e := &room[i]
		events[i].Events, events[i].Fd, events[i].Pad = e.Events, int32(uint32(e.Data)), int32(e.Data>>32)
	}
	return result(n, err)
}

// bounded is a number of milliseconds as a bound; negative: none.
func bounded(msec int) time.Duration {
	if msec < 0 {
		return -1
	}
	return time.Duration(min(msec, math.MaxInt32)) * time.Millisecond
}

// polled is one descriptor of a Poll or Select.
type polled struct {
	f         *file // nil: it is left out
	want, got uint32
}

// look asks each for what it is ready, and returns how many are.
func look(ps []polled) (n int) {
	for i := range ps {
		p := &ps[i]
		if p.f == nil {
			continue
		}
		s := p.f.watched()
		if p.got = s.Ops.Poll(s) & p.want; p.got != 0 {
			n++
		}
	}
	return n
}

// await waits until one of ps is ready, and returns how many are.
func (u *Posix) await(ps []polled, wait time.Duration) (int, error) {
	n := look(ps)
	if n > 0 || wait == 0 {
		return n, nil
	}
	e := sock.NewPoll(u.n.tasks)
	defer e.Close()
	for i := range ps {
		if p := &ps[i]; p.f != nil {
			if err := e.Add(p.f.watched(), i, sock.Event{Events: p.want}); err != nil {
				return look(ps), nil // it was closed meanwhile
			}
		}
	}
	var one [1]sock.Event
	if _, err := e.Wait(one[:], wait); err != nil {
		return 0, err
	}
	return look(ps), nil
}

// Poll waits until one of fds is ready, for timeout milliseconds at the most; -1: without
// end. It returns how many are.
func (u *Posix) Poll(fds []unix.PollFd, timeout int) (n int, err error) {
	ps := make([]polled, len(fds))
	bad := 0
	for i := range fds {
		p := &fds[i]
		if p.Revents = 0; p.Fd < 0 {
			continue
		}
		f, err := u.files.get(int(p.Fd))
		if err != nil {
			p.Revents = unix.POLLNVAL
			bad++
			continue
		}
		ps[i] = polled{f: f, want: uint32(uint16(p.Events)) | sock.PollErr | sock.PollHup}
	}
	wait := bounded(timeout)
	if bad > 0 {
		wait = 0
	}
	if n, err = u.await(ps, wait); err != nil {
		return -1, err
	}
	for i := range ps {
		fds[i].Revents |= int16(uint16(ps[i].got))
	}
	return n + bad, nil
}

// For what the three sets of Select stand.
const (
	selectRead   = sock.PollReadable | sock.PollRdBand | sock.PollHup | sock.PollErr
	selectWrite  = sock.PollWritable | sock.PollWrBand | sock.PollErr
	selectExcept = sock.PollPri
)

// Select waits until a descriptor below nfd is ready to be read, written, or for what is
// exceptional, and leaves in the sets those that are. It returns how many bits that are,
// and timeout is what is left of it. EBADF: a set has what is no descriptor.
func (u *Posix) Select(nfd int, r, w, e *unix.FdSet, timeout *unix.Timeval) (n int, err error) {
	if nfd < 0 {
		return -1, unix.EINVAL
	}
	sets := [3]*unix.FdSet{r, w, e}
	wants := [3]uint32{selectRead, selectWrite, selectExcept}
	ps := make([]polled, min(nfd, unix.FD_SETSIZE, u.files.size())) // as Linux: what is beyond is not looked at
	for fd := range ps {
		for k, set := range sets {
			if set == nil || !set.IsSet(fd) {
				continue
			}
			if ps[fd].f, err = u.files.get(fd); err != nil {
				return -1, err
			}
			ps[fd].want |= wants[k]
		}
	}
	wait, begun := time.Duration(-1), time.Now()
	if timeout != nil {
		if wait = time.Duration(timeout.Nano()); wait < 0 {
			return -1, unix.EINVAL
		}
	}
	if _, err = u.await(ps, wait); err != nil {
		return -1, err
	}
	if timeout != nil {
		*timeout = unix.NsecToTimeval(int64(max(wait-time.Since(begun), 0)))
	}
	for fd := range ps {
		for k, set := range sets {
			if set == nil || !set.IsSet(fd) {
				continue
			}
			if ps[fd].got&wants[k] != 0 {
				n++
			} else {
				set.Clear(fd)
			}
		}
	}
	return n, nil
}
