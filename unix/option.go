package unix

import (
	"cmp"
	"encoding/binary"
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
		e.sndbuf.Store(int32(max(bytes*2, minSndBuf)))
	} else {
		e.rcvbuf.Store(int32(max(bytes*2, minRcvBuf)))
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

// SetFilter says which messages s takes; the bytes of a stream all come.
func (ops) SetFilter(s *sock.Socket, f *sock.Filter) error {
	of(s).filter.Store(f)
	return nil
}

// SetOption sets SO_PASSCRED.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if level != syscall.SOL_SOCKET || name != syscall.SO_PASSCRED {
		return syscall.ENOPROTOOPT
	}
	of(s).passCred.Store(sock.IntOrByte(v) != 0)
	return nil
}

// GetOption reads SO_PASSCRED, SO_PEERCRED and SO_PEERNAME.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	e := of(s)
	if level == syscall.SOL_SOCKET {
		switch name {
		case syscall.SO_PASSCRED:
			n, _ := sock.PutBool(v, e.passCred.Load())
			return n, nil
		case syscall.SO_PEERNAME:
			return e.peerName(v)
		case syscall.SO_PEERCRED:
			b := e.peerCred().bytes()
			return copy(v, b[:]), nil
		}
	}
	return 0, syscall.ENOPROTOOPT
}

// peerName is SO_PEERNAME, a struct sockaddr_un as long as the name.
func (e *endpoint) peerName(v []byte) (int, error) {
	name, err := e.s.Ops.GetName(e.s, true)
	if err != nil {
		return 0, err
	}
	b := binary.NativeEndian.AppendUint16(nil, syscall.AF_UNIX)
	if b = append(b, name.Path...); name.Path != "" && name.Path[0] != 0 {
		b = append(b, 0)
	}
	n, errno := sock.PutName(v, b)
	if errno != 0 {
		return 0, errno
	}
	return n, nil
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
