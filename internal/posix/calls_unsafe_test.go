//go:build linux

package posix

import (
	"unsafe"

	"dataplane/api"

	"golang.org/x/sys/unix"
)

// calls is what the program is written against: some of what golang.org/x/sys/unix has,
// by the same names.
type calls interface {
	Socket(domain, typ, proto int) (int, error)
	Socketpair(domain, typ, proto int) ([2]int, error)
	Bind(fd int, sa unix.Sockaddr) error
	Connect(fd int, sa unix.Sockaddr) error
	Listen(fd, backlog int) error
	Accept(fd int) (int, unix.Sockaddr, error)
	Accept4(fd, flags int) (int, unix.Sockaddr, error)
	Shutdown(fd, how int) error
	Close(fd int) error
	Dup(fd int) (int, error)
	Getsockname(fd int) (unix.Sockaddr, error)
	Getpeername(fd int) (unix.Sockaddr, error)
	SetNonblock(fd int, on bool) error
	FcntlInt(fd uintptr, cmd, arg int) (int, error)
	transfers
	options
	readiness
	structs
}

type transfers interface {
	Read(fd int, b []byte) (int, error)
	Write(fd int, b []byte) (int, error)
	Readv(fd int, v [][]byte) (int, error)
	Writev(fd int, v [][]byte) (int, error)
	SendmsgN(fd int, b, oob []byte, to unix.Sockaddr, flags int) (int, error)
	SendmsgBuffers(fd int, v [][]byte, oob []byte, to unix.Sockaddr, flags int) (int, error)
	Recvfrom(fd int, b []byte, flags int) (int, unix.Sockaddr, error)
	Recvmsg(fd int, b, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error)
	RecvmsgBuffers(fd int, v [][]byte, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error)
	Splice(rfd int, roff *int64, wfd int, woff *int64, n int, flags int) (int64, error)
	Sendmmsg(fd int, msgs []api.Mmsghdr, flags int) (int, error)
	Recvmmsg(fd int, msgs []api.Mmsghdr, flags int, timeout *unix.Timespec) (int, error)
}

type options interface {
	SetsockoptInt(fd, level, opt, value int) error
	GetsockoptInt(fd, level, opt int) (int, error)
	SetsockoptTimeval(fd, level, opt int, tv *unix.Timeval) error
	SetsockoptLinger(fd, level, opt int, l *unix.Linger) error
	IoctlGetInt(fd int, req uint) (int, error)
	IoctlIfreq(fd int, req uint, ifr *unix.Ifreq) error
}

type readiness interface {
	Poll(fds []unix.PollFd, timeout int) (int, error)
	Select(nfd int, r, w, e *unix.FdSet, timeout *unix.Timeval) (int, error)
	EpollCreate1(flag int) (int, error)
	EpollCtl(epfd, op, fd int, event *unix.EpollEvent) error
	EpollWait(epfd int, events []unix.EpollEvent, msec int) (int, error)
}

var (
	_ calls = (*api.Posix)(nil)
	_ calls = kernel{}
)

// kernel is this machine's.
type kernel struct{}

func (kernel) Socket(d, t, p int) (int, error)          { return unix.Socket(d, t|unix.SOCK_CLOEXEC, p) }
func (kernel) Socketpair(d, t, p int) ([2]int, error)   { return unix.Socketpair(d, t, p) }
func (kernel) Bind(fd int, sa unix.Sockaddr) error      { return unix.Bind(fd, sa) }
func (kernel) Listen(fd, n int) error                   { return unix.Listen(fd, n) }
func (kernel) Shutdown(fd, how int) error               { return unix.Shutdown(fd, how) }
func (kernel) Close(fd int) error                       { return unix.Close(fd) }
func (kernel) Dup(fd int) (int, error)                  { return unix.Dup(fd) }
func (kernel) SetNonblock(fd int, on bool) error        { return unix.SetNonblock(fd, on) }
func (kernel) Read(fd int, b []byte) (int, error)       { return unix.Read(fd, b) }
func (kernel) Write(fd int, b []byte) (int, error)      { return unix.Write(fd, b) }
func (kernel) Readv(fd int, v [][]byte) (int, error)    { return unix.Readv(fd, v) }
func (kernel) Writev(fd int, v [][]byte) (int, error)   { return unix.Writev(fd, v) }
func (kernel) EpollCreate1(flag int) (int, error)       { return unix.EpollCreate1(flag) }
func (kernel) IoctlGetInt(fd int, r uint) (int, error)  { return unix.IoctlGetInt(fd, r) }
func (kernel) Poll(f []unix.PollFd, t int) (int, error) { return unix.Poll(f, t) }
func (kernel) Accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept(fd)
}
func (kernel) Accept4(fd, f int) (int, unix.Sockaddr, error)  { return unix.Accept4(fd, f) }
func (kernel) Getsockname(fd int) (unix.Sockaddr, error)      { return unix.Getsockname(fd) }
func (kernel) Getpeername(fd int) (unix.Sockaddr, error)      { return unix.Getpeername(fd) }
func (kernel) FcntlInt(fd uintptr, c, a int) (int, error)     { return unix.FcntlInt(fd, c, a) }
func (kernel) IoctlIfreq(fd int, r uint, i *unix.Ifreq) error { return unix.IoctlIfreq(fd, r, i) }

// Connect knows the address of AF_UNSPEC, which x/sys/unix lacks.
func (kernel) Connect(fd int, sa unix.Sockaddr) error {
	if (sa != api.SockaddrUnspec{}) {
		return unix.Connect(fd, sa)
	}
	var none unix.RawSockaddr
	if _, _, e := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unix.SizeofSockaddrInet4); e != 0 {
		return e
	}
	return nil
}

func (kernel) SendmsgN(fd int, b, oob []byte, to unix.Sockaddr, flags int) (int, error) {
	return unix.SendmsgN(fd, b, oob, to, flags)
}

func (kernel) SendmsgBuffers(fd int, v [][]byte, oob []byte, to unix.Sockaddr, flags int) (int, error) {
	return unix.SendmsgBuffers(fd, v, oob, to, flags)
}

func (kernel) Recvfrom(fd int, b []byte, flags int) (int, unix.Sockaddr, error) {
	return unix.Recvfrom(fd, b, flags)
}

func (kernel) Recvmsg(fd int, b, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	return unix.Recvmsg(fd, b, oob, flags)
}

func (kernel) RecvmsgBuffers(fd int, v [][]byte, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	return unix.RecvmsgBuffers(fd, v, oob, flags)
}

func (kernel) SetsockoptInt(fd, level, opt, v int) error {
	return unix.SetsockoptInt(fd, level, opt, v)
}
func (kernel) GetsockoptInt(fd, level, opt int) (int, error) {
	return unix.GetsockoptInt(fd, level, opt)
}
func (kernel) SetsockoptTimeval(fd, level, opt int, tv *unix.Timeval) error {
	return unix.SetsockoptTimeval(fd, level, opt, tv)
}
func (kernel) SetsockoptLinger(fd, level, opt int, l *unix.Linger) error {
	return unix.SetsockoptLinger(fd, level, opt, l)
}

func (kernel) Select(n int, r, w, e *unix.FdSet, t *unix.Timeval) (int, error) {
	return unix.Select(n, r, w, e, t)
}

func (kernel) EpollCtl(epfd, op, fd int, ev *unix.EpollEvent) error {
	return unix.EpollCtl(epfd, op, fd, ev)
}

func (kernel) EpollWait(epfd int, evs []unix.EpollEvent, msec int) (int, error) {
	return unix.EpollWait(epfd, evs, msec)
}
