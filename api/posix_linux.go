package api

import (
	"errors"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// Posix is the calls of golang.org/x/sys/unix on descriptors of the plane: the same
// names, arguments, constants and errno. A program moves over by calling them on
//
//	u := plane.Posix()
//	fd, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
//
// instead of on the package. Calls block, a resident task's without holding up its
// lcore, unless the descriptor is O_NONBLOCK or the call has MSG_DONTWAIT. Any number of
// goroutines may use them. There are no signals, so no SIGPIPE and no EINTR, and no exec,
// so SOCK_CLOEXEC and its like are taken and mean nothing.
//
// Unlike the kernel's, closing the last descriptor of a socket ends the calls that wait
// in it, with EBADF.
type Posix struct {
	n     *Net
	files fileTable
}

// Posix returns the calls on descriptors. Descriptors of one plane mean nothing to
// another, nor to the kernel.
func (n *Net) Posix() *Posix { return &n.posix }

// plainErrno is err as a system call returns it.
func plainErrno(err error) error {
	if errors.Is(err, sock.ErrClosed) {
		return unix.EBADF
	}
	return err
}

// socket returns the socket of fd. ENOTSOCK: it is an epoll.
func (u *Posix) socket(fd int) (*file, error) {
	f, err := u.files.get(fd)
	if err != nil {
		return nil, err
	}
	if f.s == nil {
		return nil, unix.ENOTSOCK
	}
	return f, nil
}

// newFile gives s, which is open, a descriptor; on an error it is closed.
func (u *Posix) newFile(s *sock.Socket, flags int) (int, error) {
	f := &file{n: u.n, s: s}
	f.nonblock.Store(flags&unix.SOCK_NONBLOCK != 0)
	fd, err := u.files.add(f, 0)
	if err != nil {
		u.n.close(s) //nolint:errcheck // the reason is err
	}
	return fd, err
}

const sockFlags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC

// create makes the socket of a call whose type may come with flags.
func (u *Posix) create(domain, typ, proto int) (*sock.Socket, error) {
	if typ&^0xf&^sockFlags != 0 {
		return nil, unix.EINVAL
	}
	s, err := u.n.create(domain, typ&0xf, proto)
	return s, plainErrno(err)
}

// Socket makes a socket of a family that the plane has, with SOCK_NONBLOCK if wanted.
func (u *Posix) Socket(domain, typ, proto int) (fd int, err error) {
	s, err := u.create(domain, typ, proto)
	if err != nil {
		return -1, err
	}
	return u.newFile(s, typ)
}

// Socketpair makes two sockets that are connected to each other. EOPNOTSUPP: the family
// has no pairs.
func (u *Posix) Socketpair(domain, typ, proto int) (fd [2]int, err error) {
	fd = [2]int{-1, -1}
	a, err := u.create(domain, typ, proto)
	if err != nil {
		return fd, err
	}
	b, err := u.create(domain, typ, proto)
	if err == nil {
		err = unix.EOPNOTSUPP
		if ops, ok := a.Ops.(sock.PairOps); ok {
			err = ops.Pair(a, b)
		}
		if err != nil {
			u.n.close(b) //nolint:errcheck // the reason is err
		}
	}
	if err != nil {
		u.n.close(a) //nolint:errcheck // the reason is err
		return fd, plainErrno(err)
	}
	x, err := u.newFile(a, typ)
	if err != nil {
		u.n.close(b) //nolint:errcheck // the reason is err
		return fd, err
	}
	y, err := u.newFile(b, typ)
	if err != nil {
		u.Close(x) //nolint:errcheck // the reason is err
		return fd, err
	}
	return [2]int{x, y}, nil
}

// Close frees fd. With the last descriptor of a socket the socket goes, and leaves every
// epoll; calls that wait in it return EBADF.
func (u *Posix) Close(fd int) error {
	f, last, err := u.files.remove(fd)
	if err != nil || !last {
		return err
	}
	return f.end()
}

// Dup returns another descriptor of the same file, the lowest that is free.
func (u *Posix) Dup(oldfd int) (fd int, err error) { return u.dup(oldfd, 0) }

func (u *Posix) dup(oldfd, least int) (int, error) {
	f, err := u.files.get(oldfd)
	if err != nil {
		return -1, err
	}
	return u.files.add(f, least)
}

// SetNonblock sets or clears O_NONBLOCK.
func (u *Posix) SetNonblock(fd int, nonblocking bool) error {
	f, err := u.files.get(fd)
	if err == nil {
		f.nonblock.Store(nonblocking)
	}
	return err
}

// FcntlInt knows F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL and F_SETFL, of
// which O_NONBLOCK is the only flag that can be changed. EINVAL for anything else.
func (u *Posix) FcntlInt(fd uintptr, cmd, arg int) (int, error) {
	f, err := u.files.get(int(fd))
	if err != nil {
		return -1, err
	}
	switch cmd {
	case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC:
		if arg < 0 || arg >= mostFD {
			return -1, unix.EINVAL
		}
		return u.dup(int(fd), arg)
	case unix.F_GETFD, unix.F_SETFD:
		return 0, nil
	case unix.F_GETFL:
		if f.nonblock.Load() {
			return unix.O_RDWR | unix.O_NONBLOCK, nil
		}
		return unix.O_RDWR, nil
	case unix.F_SETFL:
		f.nonblock.Store(arg&unix.O_NONBLOCK != 0)
		return 0, nil
	}
	return -1, unix.EINVAL
}
