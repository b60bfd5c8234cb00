package api

import (
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// Recvmsg is Recvfrom that also fills oob with the control messages that
// SetsockoptInt asked for. recvflags has MSG_TRUNC and MSG_CTRUNC.
func (k *Socket) Recvmsg(p, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	if k.s.Type == unix.SOCK_STREAM {
		n, from, err = k.Recvfrom(p, flags)
		return n, 0, 0, from, err
	}
	if flags&^(unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_WAITALL|unix.MSG_TRUNC) != 0 {
		return 0, 0, 0, nil, unix.EOPNOTSUPP
	}
	m := sock.Msg{Buf: p, Control: oob, Flags: flags}
	if n, err = k.s.RecvMsg(&m); err != nil {
		return 0, 0, 0, nil, plainErrno(err)
	}
	if !m.Named { // reading was shut down
		return 0, 0, 0, nil, nil
	}
	if flags&unix.MSG_TRUNC != 0 {
		n = m.Len
	}
	return n, m.NControl, m.Flags, k.sockaddr(&m.Name), nil
}

// SendmsgN is Sendto with control messages for a datagram, in Linux's format.
func (k *Socket) SendmsgN(p, oob []byte, to unix.Sockaddr, flags int) (n int, err error) {
	if len(oob) == 0 {
		return k.Sendto(p, flags, to)
	}
	if k.s.Type != unix.SOCK_DGRAM || flags&^(unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) != 0 {
		return 0, unix.EOPNOTSUPP
	}
	m := sock.Msg{Buf: p, Control: oob, Flags: flags & unix.MSG_DONTWAIT, Named: to != nil}
	if to != nil {
		if m.Name, err = k.name(to); err != nil {
			return 0, err
		}
	}
	n, err = k.s.SendMsg(&m)
	return n, plainErrno(err)
}
