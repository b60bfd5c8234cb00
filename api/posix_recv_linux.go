package api

import (
	"sync"

	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// recvFlags are what the calls that receive know.
const recvFlags = unix.MSG_PEEK | unix.MSG_DONTWAIT | unix.MSG_WAITALL | unix.MSG_TRUNC | unix.MSG_ERRQUEUE | unix.MSG_NOSIGNAL | unix.MSG_WAITFORONE

// recvmsg receives as m asks for and completes m. What comes back has MSG_TRUNC and
// MSG_CTRUNC in its flags.
func (f *file) recvmsg(m *sock.Msg) (int, error) {
	flags := m.Flags
	if flags&unix.MSG_OOB != 0 {
		if ops, ok := f.s.Ops.(sock.UrgentOps); ok {
			return f.recvUrgent(m, ops)
		}
		if err := f.urgent(); err != nil {
			return 0, err
		}
		flags &^= unix.MSG_OOB
	}
	if flags&^recvFlags != 0 {
		return 0, unix.EOPNOTSUPP
	}
	if flags&unix.MSG_TRUNC != 0 && f.s.Protocol == unix.IPPROTO_TCP { // throw away, or count
		s := getScratch(min(len(m.Buf), maxMessage))
		defer s.put()
		m.Buf = s.b
	}
	if len(m.Buf) == 0 && flags&unix.MSG_ERRQUEUE == 0 && f.s.Protocol == unix.IPPROTO_TCP {
		// As Linux: nothing is read when there is something.
		_, err := f.s.Recv(nil, f.flags(flags)&unix.MSG_DONTWAIT|unix.MSG_WAITALL)
		m.Flags = 0
		return 0, plainErrno(err)
	}
	if flags&unix.MSG_ERRQUEUE != 0 {
		n, err := f.s.RecvError(m)
		return n, plainErrno(err)
	}
	m.Flags = f.flags(flags) &^ (unix.MSG_NOSIGNAL | unix.MSG_WAITFORONE)
	n, err := f.s.RecvMsg(m)
	if f.s.Type == unix.SOCK_STREAM {
		if m.Flags &= unix.MSG_CTRUNC; n > 0 {
			return n, nil
		}
	}
	if err != nil {
		return 0, plainErrno(err)
	}
	if flags&unix.MSG_TRUNC != 0 && f.s.Type != unix.SOCK_STREAM {
		n = m.Len
	}
	return n, nil
}

// recvUrgent reads the urgent byte of a stream.
func (f *file) recvUrgent(m *sock.Msg, ops sock.UrgentOps) (int, error) {
	f.s.Rd.Lock()
	defer f.s.Rd.Unlock()
	n, err := ops.RecvUrgent(f.s, m.Buf, m.Flags)
	if m.Flags = 0; n > 0 {
		m.Flags = unix.MSG_OOB
		if len(m.Buf) == 0 {
			n, m.Flags = 0, unix.MSG_OOB|unix.MSG_TRUNC
		}
	}
	return n, plainErrno(err)
}

// urgent answers MSG_OOB where there never are any urgent data, as Linux does.
func (f *file) urgent() error {
	switch {
	case f.s.Type == unix.SOCK_STREAM, f.s.Family == unix.AF_PACKET:
		return unix.EINVAL
	case f.udp():
		return nil // not looked at
	}
	return unix.EOPNOTSUPP
}

// udp reports whether f has datagrams of UDP, or of UDP-Lite.
func (f *file) udp() bool {
	return f.s.Protocol == unix.IPPROTO_UDP || f.s.Protocol == unix.IPPROTO_UDPLITE
}

// from is the address of a message, nil where it has none.
func (f *file) from(m *sock.Msg) unix.Sockaddr {
	if !m.Named {
		return nil
	}
	return f.sockaddr(&m.Name)
}

// Read reads bytes of a stream, or one message, of which it loses what does not fit. 0
// bytes are the end of a stream.
func (u *Posix) Read(fd int, b []byte) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, notRead(err)
	}
	n, err = f.s.Recv(b, f.flags(0))
	if n > 0 {
		return n, nil
	}
	return result(0, plainErrno(err))
}

// Readv is Read into several pieces.
func (u *Posix) Readv(fd int, iovs [][]byte) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, notRead(err)
	}
	var m sock.Msg
	return result(f.recvv(iovs, &m))
}

// Recvfrom is Read with flags, and says who sent the message: MSG_PEEK, MSG_DONTWAIT,
// MSG_WAITALL, MSG_TRUNC (the whole length of a message), MSG_ERRQUEUE.
func (u *Posix) Recvfrom(fd int, b []byte, flags int) (n int, from unix.Sockaddr, err error) {
	n, _, _, from, err = u.Recvmsg(fd, b, nil, flags)
	return n, from, err
}

// Recvmsg is Recvfrom that also fills oob with control messages. recvflags has MSG_TRUNC
// and MSG_CTRUNC.
func (u *Posix) Recvmsg(fd int, b, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, 0, 0, nil, err
	}
	if len(oob) > 0 && len(b) == 0 && f.s.Type != unix.SOCK_DGRAM { // as x/sys/unix: a byte that control came with
		b = make([]byte, 1)
	}
	m := sock.Msg{Buf: b, Control: oob, Flags: flags}
	if n, err = result(f.recvmsg(&m)); err != nil {
		return n, 0, 0, nil, err
	}
	return n, m.NControl, m.Flags, f.from(&m), nil
}

// RecvmsgBuffers is Recvmsg into several pieces.
func (u *Posix) RecvmsgBuffers(fd int, buffers [][]byte, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, 0, 0, nil, err
	}
	m := sock.Msg{Control: oob, Flags: flags}
	if n, err = result(f.recvv(buffers, &m)); err != nil {
		return n, 0, 0, nil, err
	}
	return n, m.NControl, m.Flags, f.from(&m), nil
}

// recvv is recvmsg into pieces.
func (f *file) recvv(pieces [][]byte, m *sock.Msg) (int, error) {
	if len(pieces) == 1 {
		m.Buf = pieces[0]
		return f.recvmsg(m)
	}
	s := getScratch(min(total(pieces), maxMessage))
	defer s.put()
	m.Buf = s.b
	gone := m.Flags&unix.MSG_TRUNC != 0 && f.s.Protocol == unix.IPPROTO_TCP // what is read is thrown away
	n, err := f.recvmsg(m)
	rest := s.b[:min(max(n, 0), len(s.b))]
	if gone {
		rest = nil
	}
	for _, b := range pieces {
		rest = rest[copy(b, rest):]
	}
	m.Buf = nil
	return n, err
}

// maxMessage is more than any message is long; of a stream no call moves more in pieces.
const maxMessage = 1 << 20

// scratch is memory where a message lies in one piece.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch(n int) *scratch {
	s, _ := scratches.Get().(*scratch)
	if cap(s.b) < n {
		s.b = make([]byte, n)
	}
	s.b = s.b[:n]
	return s
}

func (s *scratch) put() { scratches.Put(s) }
