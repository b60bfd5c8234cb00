package api

import (
	"errors"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// Socket is a socket of BSD's shape: the calls, constants and errno of
// golang.org/x/sys/unix, with a Socket where the kernel has a descriptor. Calls
// block; MSG_DONTWAIT makes one return EAGAIN instead. What it does not know it
// refuses. Any number of goroutines may use it.
type Socket struct {
	n *Net
	s *sock.Socket
}

// Socket makes a socket: AF_INET, with SOCK_STREAM or SOCK_DGRAM. Families that
// were registered with the plane have theirs. SOCK_NONBLOCK is not offered.
func (n *Net) Socket(domain, typ, protocol int) (*Socket, error) {
	s, err := n.create(domain, typ&^unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, plainErrno(err)
	}
	return &Socket{n, s}, nil
}

// plainErrno is err as a system call returns it.
func plainErrno(err error) error {
	if errors.Is(err, sock.ErrClosed) {
		return unix.EBADF
	}
	return err
}

// name reads sa as an address of the socket's family.
func (k *Socket) name(sa unix.Sockaddr) (sock.Name, error) { return nameOf(int(k.s.Family), sa) }

func (k *Socket) sockaddr(n *sock.Name) unix.Sockaddr { return sockaddr(int(k.s.Family), n) }

// Bind gives the socket its local address.
func (k *Socket) Bind(sa unix.Sockaddr) error {
	name, err := k.name(sa)
	if err == nil && k.s.Closed() {
		err = unix.EBADF
	}
	if err != nil {
		return err
	}
	return plainErrno(k.s.Ops.Bind(k.s, name))
}

// Connect connects to sa and waits until that is done.
func (k *Socket) Connect(sa unix.Sockaddr) error {
	name, err := k.name(sa)
	if err != nil {
		return err
	}
	return plainErrno(k.s.Ops.Connect(k.s, name, 0))
}

// Listen lets the socket accept connections.
func (k *Socket) Listen(backlog int) error {
	if k.s.Closed() {
		return unix.EBADF
	}
	return plainErrno(k.s.Ops.Listen(k.s, backlog))
}

// Accept4 waits for a connection. The only flag is SOCK_CLOEXEC, which has no
// meaning here.
func (k *Socket) Accept4(flags int) (*Socket, unix.Sockaddr, error) {
	if flags&^unix.SOCK_CLOEXEC != 0 {
		return nil, nil, unix.EINVAL
	}
	s, err := k.s.Ops.Accept(k.s, 0)
	if err == nil && !k.n.track(s) {
		err = unix.EBADF
	}
	if err != nil {
		return nil, nil, plainErrno(err)
	}
	_, remote := s.Names()
	return &Socket{k.n, s}, k.sockaddr(&remote), nil
}

// Sendto sends p to the named peer, or to the one the socket is connected to
// when to is nil. Flags: MSG_DONTWAIT, MSG_NOSIGNAL (there are no signals).
func (k *Socket) Sendto(p []byte, flags int, to unix.Sockaddr) (n int, err error) {
	if flags&^(unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) != 0 {
		return 0, unix.EOPNOTSUPP
	}
	flags &= unix.MSG_DONTWAIT
	if to == nil || k.s.Type == unix.SOCK_STREAM { // as Linux: the name is not looked at
		n, err = k.s.Send(p, flags)
	} else {
		var name sock.Name
		if name, err = k.name(to); err != nil {
			return 0, err
		}
		n, err = k.s.SendTo(p, flags, name)
	}
	if n > 0 {
		return n, nil
	}
	return 0, plainErrno(err)
}

// Recvfrom reads into p; from is the sender of a datagram. Flags: MSG_PEEK,
// MSG_DONTWAIT, MSG_WAITALL, and MSG_TRUNC for the whole length of a datagram.
func (k *Socket) Recvfrom(p []byte, flags int) (n int, from unix.Sockaddr, err error) {
	if flags&^(unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_WAITALL|unix.MSG_TRUNC) != 0 {
		return 0, nil, unix.EOPNOTSUPP
	}
	dgram := k.s.Type != unix.SOCK_STREAM
	if flags&unix.MSG_TRUNC != 0 && !dgram { // would throw data away
		return 0, nil, unix.EOPNOTSUPP
	}
	m := sock.Msg{Buf: p, Flags: flags}
	n, err = k.s.RecvMsg(&m)
	if err != nil && n == 0 {
		return 0, nil, plainErrno(err)
	}
	if dgram && m.Named {
		from = k.sockaddr(&m.Name)
		if flags&unix.MSG_TRUNC != 0 {
			n = m.Len
		}
	}
	return n, from, nil
}

// Shutdown ends one direction or both: SHUT_RD, SHUT_WR, SHUT_RDWR.
func (k *Socket) Shutdown(how int) error {
	if k.s.Closed() {
		return unix.EBADF
	}
	return plainErrno(k.s.Ops.Shutdown(k.s, how))
}

// Getsockname returns the local address.
func (k *Socket) Getsockname() (unix.Sockaddr, error) { return k.end(false) }

// Getpeername returns the peer's address.
func (k *Socket) Getpeername() (unix.Sockaddr, error) { return k.end(true) }

func (k *Socket) end(peer bool) (unix.Sockaddr, error) {
	if k.s.Closed() {
		return nil, unix.EBADF
	}
	n, err := k.s.Ops.GetName(k.s, peer)
	if err != nil {
		return nil, plainErrno(err)
	}
	return k.sockaddr(&n), nil
}

// Close lets go of the socket. Calls that wait return EBADF.
func (k *Socket) Close() error { return plainErrno(k.n.close(k.s)) }
