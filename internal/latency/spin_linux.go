package latency

import (
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spinning returns c, a connection of package net, with a Read that asks the kernel
// again and again instead of waiting to be woken. One goroutine may read.
func Spinning(c net.Conn) (net.Conn, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil, errors.New("latency: this connection has no descriptor to poll")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	_, stream := c.(*net.TCPConn)
	s := &spinning{Conn: c, raw: raw, stream: stream}
	s.ask = func(fd uintptr) bool {
		s.n, s.err = unix.Read(int(fd), s.b)
		return true // never park
	}
	return s, nil
}

type spinning struct {
	net.Conn
	raw    syscall.RawConn
	stream bool
	ask    func(fd uintptr) bool
	b      []byte // of the call in progress
	n      int
	err    error
}

// Read returns what has come. It yields after every look.
func (s *spinning) Read(b []byte) (int, error) {
	for s.b = b; ; runtime.Gosched() {
		if err := s.raw.Read(s.ask); err != nil { // closed, or past its deadline
			return 0, err
		}
		switch {
		case errors.Is(s.err, unix.EAGAIN), errors.Is(s.err, unix.EINTR):
		case s.err != nil:
			return 0, s.err
		case s.n == 0 && s.stream && len(b) > 0:
			return 0, io.EOF
		default:
			return s.n, nil
		}
	}
}
