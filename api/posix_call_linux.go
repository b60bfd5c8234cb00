package api

import (
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// name reads sa as an address of the socket's family.
func (f *file) name(sa unix.Sockaddr) (sock.Name, error) { return nameOf(int(f.s.Family), sa) }

// peer is name for who is sent to: a datagram socket of AF_INET6 takes names of AF_INET, too.
func (f *file) peer(sa unix.Sockaddr) (sock.Name, error) {
	a, four := sa.(*unix.SockaddrInet4)
	udp := f.s.Protocol == unix.IPPROTO_UDP || f.s.Protocol == unix.IPPROTO_UDPLITE
	if !four || a == nil || f.s.Family != unix.AF_INET6 || !udp {
		return f.name(sa)
	}
	n, err := nameOf4(a)
	n.Addr[10], n.Addr[11] = 0xff, 0xff // also of 0.0.0.0, which is this host's of IPv4
	return n, err
}

func (f *file) sockaddr(n *sock.Name) unix.Sockaddr { return sockaddr(int(f.s.Family), n) }

// flags are those of a call, and MSG_DONTWAIT where the file wants it.
func (f *file) flags(flags int) int {
	if f.nonblock.Load() {
		flags |= unix.MSG_DONTWAIT
	}
	return flags
}

// open is socket for calls that do not look themselves whether it was closed.
func (u *Posix) open(fd int) (*file, error) {
	f, err := u.socket(fd)
	if err == nil && f.s.Closed() {
		err = unix.EBADF
	}
	return f, err
}

// Bind gives the socket its local address.
func (u *Posix) Bind(fd int, sa unix.Sockaddr) error {
	f, err := u.open(fd)
	if err != nil {
		return err
	}
	name, err := f.name(sa)
	if err != nil {
		return err
	}
	return plainErrno(f.s.Ops.Bind(f.s, name))
}

// Connect connects to sa and waits until that is done; without waiting it returns
// EINPROGRESS, and EALREADY if it is called again meanwhile. [SockaddrUnspec] dissolves
// what an earlier call did.
func (u *Posix) Connect(fd int, sa unix.Sockaddr) error {
	f, err := u.socket(fd)
	if err != nil {
		return err
	}
	if (sa == SockaddrUnspec{}) {
		if ops, ok := f.s.Ops.(sock.DissolveOps); ok {
			return plainErrno(ops.Dissolve(f.s))
		}
	}
	name, err := f.peer(sa)
	if err != nil {
		return err
	}
	err = plainErrno(f.s.Ops.Connect(f.s, name, f.flags(0)))
	if _, four := sa.(*unix.SockaddrInet4); four && err == unix.ENETUNREACH && f.s.Family == unix.AF_INET6 {
		if only, _ := u.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); only != 0 {
			return unix.EAFNOSUPPORT // as Linux
		}
	}
	return err
}

// Listen lets the socket accept connections.
func (u *Posix) Listen(fd, backlog int) error {
	f, err := u.open(fd)
	if err != nil {
		return err
	}
	return plainErrno(f.s.Ops.Listen(f.s, backlog))
}

// Accept waits for a connection.
func (u *Posix) Accept(fd int) (nfd int, sa unix.Sockaddr, err error) { return u.Accept4(fd, 0) }

// Accept4 is Accept with flags for the new descriptor: SOCK_NONBLOCK, SOCK_CLOEXEC.
func (u *Posix) Accept4(fd, flags int) (nfd int, sa unix.Sockaddr, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, nil, err
	}
	if flags&^sockFlags != 0 {
		return -1, nil, unix.EINVAL
	}
	s, err := f.s.Ops.Accept(f.s, f.flags(0)&unix.MSG_DONTWAIT)
	if err == nil && !u.n.track(s) {
		err = unix.EBADF
	}
	if err != nil {
		return -1, nil, plainErrno(err)
	}
	if nfd, err = u.newFile(s, flags); err != nil {
		return -1, nil, err
	}
	_, remote := s.Names()
	return nfd, f.sockaddr(&remote), nil
}

// Shutdown ends one direction or both: SHUT_RD, SHUT_WR, SHUT_RDWR.
func (u *Posix) Shutdown(fd, how int) error {
	f, err := u.open(fd)
	if err != nil {
		return err
	}
	return plainErrno(f.s.Ops.Shutdown(f.s, how))
}

// Getsockname returns the local address.
func (u *Posix) Getsockname(fd int) (unix.Sockaddr, error) { return u.end(fd, false) }

// Getpeername returns the peer's address.
func (u *Posix) Getpeername(fd int) (unix.Sockaddr, error) { return u.end(fd, true) }

func (u *Posix) end(fd int, peer bool) (unix.Sockaddr, error) {
	f, err := u.open(fd)
	if err != nil {
		return nil, err
	}
	n, err := f.s.Ops.GetName(f.s, peer)
	if err != nil {
		return nil, plainErrno(err)
	}
	return f.sockaddr(&n), nil
}
