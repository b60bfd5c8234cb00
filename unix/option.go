package unix

import (
	"cmp"
	"os"
	"syscall"

	"dataplane/sock"
)

// Bounds of Linux: SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF.
const (
	minSndBuf = 2 * 2304
	minRcvBuf = 2304
)

var _ sock.CommonOps = ops{}

// TakeError is SO_ERROR.
func (ops) TakeError(s *sock.Socket) syscall.Errno {
	err, _ := of(s).takeError().(syscall.Errno)
	return err
}

// SetBuffer bounds what is on its way (SO_SNDBUF), or what waits to be read (SO_RCVBUF).
// As for Linux, a buffer is twice what was asked for.
func (ops) SetBuffer(s *sock.Socket, send bool, bytes int) error {
	e := of(s)
	if send {
		e.sndbuf.Store(int32(max(min(bytes, sock.MaxBuf)*2, minSndBuf)))
	} else {
		e.rcvbuf.Store(int32(max(min(bytes, sock.MaxBuf)*2, minRcvBuf)))
	}
	e.f.lock()
	defer e.f.mu.Unlock()
	e.bound()
	if p := e.peer.Load(); p != nil {
		p.bound()
	}
	s.Wr.Interrupt() // there may be room
	return nil
}

// Buffer is SO_SNDBUF or SO_RCVBUF.
func (ops) Buffer(s *sock.Socket, send bool) int {
	e := of(s)
	if send {
		return int(e.sndbuf.Load())
	}
	return int(cmp.Or(e.rcvbuf.Load(), defaultBuf))
}

// SetFilter is not offered: nothing is between who writes and who reads.
func (ops) SetFilter(*sock.Socket, *sock.Filter) error { return syscall.ENOPROTOOPT }

// SetOption sets SO_PASSCRED.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if level != syscall.SOL_SOCKET || name != syscall.SO_PASSCRED {
		return syscall.ENOPROTOOPT
	}
	of(s).passCred.Store(sock.IntOrByte(v) != 0)
	return nil
}

// GetOption reads SO_PASSCRED and SO_PEERCRED.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	e := of(s)
	if level == syscall.SOL_SOCKET {
		switch name {
		case syscall.SO_PASSCRED:
			n, _ := sock.PutBool(v, e.passCred.Load())
			return n, nil
		case syscall.SO_PEERCRED:
			b := e.peerCred().bytes()
			return copy(v, b[:]), nil
		}
	}
	return 0, syscall.ENOPROTOOPT
}

// peerCred returns who the peer is: this process, or nobody.
func (e *endpoint) peerCred() credentials {
	e.f.lock()
	defer e.f.mu.Unlock()
	if !e.known {
		return credentials{0, ^uint32(0), ^uint32(0)}
	}
	return credentials{int32(os.Getpid()), uint32(os.Geteuid()), uint32(os.Getegid())}
}
