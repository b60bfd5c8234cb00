package api

import (
	"dataplane/ip"
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// sendFlags are what the calls that send know. There are no signals, routes are
// confirmed by what comes, and a stream has no records.
const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL | unix.MSG_CONFIRM | unix.MSG_EOR | unix.MSG_MORE

// sendmsg sends b. EOPNOTSUPP: a flag that is not known.
func (f *file) sendmsg(b, oob []byte, to unix.Sockaddr, flags int) (n int, err error) {
	if flags&unix.MSG_OOB != 0 && f.udp6(to) {
		flags &^= unix.MSG_OOB // as Linux: not looked at
	}
	if ops, ok := f.s.Ops.(sock.UrgentOps); ok && flags&unix.MSG_OOB != 0 && flags&^sendFlags == unix.MSG_OOB {
		f.s.Wr.Lock()
		defer f.s.Wr.Unlock()
		if n, err = ops.SendUrgent(f.s, b, f.flags(flags)&unix.MSG_DONTWAIT); n > 0 {
			return n, nil
		}
		return 0, plainErrno(err)
	}
	if flags&^sendFlags != 0 {
		return 0, unix.EOPNOTSUPP
	}
	part := flags&unix.MSG_MORE != 0 && f.s.Type != unix.SOCK_STREAM
	if part && f.s.Family != unix.AF_INET && f.s.Family != unix.AF_INET6 { // as Linux: not looked at
		part, flags = false, flags&^unix.MSG_MORE
	}
	flags = f.flags(flags) & (unix.MSG_DONTWAIT | unix.MSG_MORE)
	if len(oob) > 0 && len(b) == 0 && f.s.Type != unix.SOCK_DGRAM { // as x/sys/unix: a byte that control can go with
		b = []byte{0}
		defer func() { n = 0 }()
	}
	switch {
	case !part && len(oob) == 0 && (to == nil || f.s.Type == unix.SOCK_STREAM && f.s.SK() != nil): // as Linux: TCP does not look at the name
		n, err = f.s.Send(b, flags)
	default:
		m := sock.Msg{Buf: b, Control: oob, Flags: flags, Named: to != nil}
		if to != nil {
			if m.Name, err = f.peer(to); err != nil {
				return 0, err
			}
		}
		if part {
			n, err = f.s.SendMore(&m)
		} else {
			n, err = f.s.SendMsg(&m)
		}
	}
	if n > 0 {
		return n, nil
	}
	return 0, plainErrno(err)
}

// udp6 reports whether f sends datagrams of UDP over IPv6.
func (f *file) udp6(to unix.Sockaddr) bool {
	_, peer := f.s.Names()
	dest := ip.Addr(peer.Addr)
	if a, ok := to.(*unix.SockaddrInet6); ok && a != nil {
		dest = a.Addr
	}
	return f.s.Family == unix.AF_INET6 && f.udp() && !dest.Is4()
}

// Write is Send that says how much it sent.
func (u *Posix) Write(fd int, b []byte) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, notRead(err)
	}
	return result(f.sendmsg(b, nil, nil, 0))
}

// notRead is for Read and Write, which an epoll does not have.
func notRead(err error) error {
	if err == unix.ENOTSOCK {
		return unix.EINVAL
	}
	return err
}

// result is what a call returns: -1 with an error.
func result(n int, err error) (int, error) {
	if err != nil {
		return -1, err
	}
	return n, nil
}

// Writev is Write of several pieces, which are one message.
func (u *Posix) Writev(fd int, iovs [][]byte) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, notRead(err)
	}
	return result(f.sendv(iovs, nil, nil, 0))
}

// Send sends b to the peer. Flags: MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE.
func (u *Posix) Send(fd int, b []byte, flags int) error {
	return u.Sendto(fd, b, flags, nil)
}

// Sendto sends b to the named peer, or to the one the socket is connected to where to
// is nil.
func (u *Posix) Sendto(fd int, b []byte, flags int, to unix.Sockaddr) error {
	_, err := u.SendmsgN(fd, b, nil, to, flags)
	return err
}

// Sendmsg is Sendto with control messages, in Linux's format.
func (u *Posix) Sendmsg(fd int, b, oob []byte, to unix.Sockaddr, flags int) error {
	_, err := u.SendmsgN(fd, b, oob, to, flags)
	return err
}

// SendmsgN is Sendmsg that says how much it sent.
func (u *Posix) SendmsgN(fd int, b, oob []byte, to unix.Sockaddr, flags int) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return 0, err
	}
	return f.sendmsg(b, oob, to, flags)
}

// SendmsgBuffers is SendmsgN of several pieces, which are one message.
func (u *Posix) SendmsgBuffers(fd int, buffers [][]byte, oob []byte, to unix.Sockaddr, flags int) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return 0, err
	}
	return f.sendv(buffers, oob, to, flags)
}

// sendv sends pieces: a stream's one after the other, a message's together.
func (f *file) sendv(pieces [][]byte, oob []byte, to unix.Sockaddr, flags int) (int, error) {
	if len(pieces) == 1 {
		return f.sendmsg(pieces[0], oob, to, flags)
	}
	n := total(pieces)
	if n > maxMessage {
		if f.s.Type != unix.SOCK_STREAM {
			return 0, unix.EMSGSIZE
		}
		return f.sendPieces(pieces, oob, to, flags)
	}
	s := getScratch(n)
	defer s.put()
	n = 0
	for _, b := range pieces {
		n += copy(s.b[n:], b)
	}
	return f.sendmsg(s.b, oob, to, flags)
}

// sendPieces sends pieces of a stream one by one.
func (f *file) sendPieces(pieces [][]byte, oob []byte, to unix.Sockaddr, flags int) (n int, err error) {
	for _, b := range pieces {
		k, err := f.sendmsg(b, oob, to, flags)
		n += k
		if err != nil && n == 0 {
			return 0, err
		}
		if k < len(b) {
			break
		}
		oob = nil
	}
	return n, nil
}
