package unix

import (
	"os"
	"syscall"

	"dataplane/sock"
)

// Options that package syscall does not name, and the bounds of Linux.
const (
	soProtocol = 38
	soDomain   = 39
	minSndBuf  = 2 * 2304 // SOCK_MIN_SNDBUF
	minRcvBuf  = 2304     // SOCK_MIN_RCVBUF
)

// SetOption sets an option of level SOL_SOCKET: SO_SNDBUF, which bounds what is on its
// way, SO_RCVBUF, which bounds what waits to be read, and SO_PASSCRED. As for Linux, a
// buffer is twice what was asked for.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	if level != syscall.SOL_SOCKET {
		return syscall.EOPNOTSUPP
	}
	e := of(s)
	x, errno := sock.Int(v)
	if errno != 0 {
		return errno
	}
	switch name {
	case syscall.SO_SNDBUF:
		e.sndbuf.Store(int32(max(min(x, sock.MaxBuf)*2, minSndBuf)))
	case syscall.SO_RCVBUF:
		e.rcvbuf.Store(int32(max(min(x, sock.MaxBuf)*2, minRcvBuf)))
	case syscall.SO_PASSCRED:
		e.passCred.Store(x != 0)
		return nil
	default:
		return syscall.ENOPROTOOPT
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

// GetOption reads an option.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	if level != syscall.SOL_SOCKET {
		return 0, syscall.EOPNOTSUPP
	}
	e := of(s)
	var x int
	switch name {
	case syscall.SO_TYPE:
		x = int(s.Type)
	case soDomain:
		x = int(s.Family)
	case soProtocol:
		x = int(s.Protocol)
	case syscall.SO_ACCEPTCONN:
		x = b2i(s.State() == sock.Listening)
	case syscall.SO_ERROR:
		if err, ok := e.takeError().(syscall.Errno); ok {
			x = int(err)
		}
	case syscall.SO_SNDBUF:
		x = int(e.sndbuf.Load())
	case syscall.SO_RCVBUF:
		if x = int(e.rcvbuf.Load()); x == 0 {
			x = defaultBuf
		}
	case syscall.SO_PASSCRED:
		x = b2i(e.passCred.Load())
	case syscall.SO_PEERCRED:
		b := e.peerCred().bytes()
		return copy(v, b[:]), nil
	default:
		return 0, syscall.ENOPROTOOPT
	}
	n, errno := sock.PutInt(v, x)
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

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
