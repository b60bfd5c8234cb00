package sim

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelSockets are this machine's.
type kernelSockets struct {
	t      *testing.T
	ep     int
	fds    [32]int
	listen int
	to     unix.Sockaddr
	buf    [1 << 16]byte
	evs    [64]unix.EpollEvent
}

func newKernelSockets(t *testing.T) *kernelSockets {
	k := &kernelSockets{t: t}
	for i := range k.fds {
		k.fds[i] = -1
	}
	var err error
	k.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	k.must(err)
	k.listen, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	k.must(err)
	k.must(unix.SetsockoptInt(k.listen, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<16))
	k.must(unix.Bind(k.listen, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	k.must(unix.Listen(k.listen, 10))
	k.to, err = unix.Getsockname(k.listen)
	k.must(err)
	t.Cleanup(func() {
		for _, fd := range append(k.fds[:], k.ep, k.listen) {
			unix.Close(fd)
		}
	})
	return k
}

func (k *kernelSockets) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *kernelSockets) pair(stream bool, a, b int) {
	var x, y int
	var err error
	if stream {
		x, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		k.must(err)
		k.must(unix.SetsockoptInt(x, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<16))
		k.must(unix.Connect(x, k.to))
		y, _, err = unix.Accept4(k.listen, unix.SOCK_CLOEXEC)
		k.must(err)
		for _, fd := range []int{x, y} {
			k.must(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
			k.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<16))
		}
	} else {
		var names [2]unix.Sockaddr
		for i, fd := range []*int{&x, &y} {
			*fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			k.must(err)
			k.must(unix.Bind(*fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
			names[i], err = unix.Getsockname(*fd)
			k.must(err)
		}
		k.must(unix.Connect(x, names[1]))
		k.must(unix.Connect(y, names[0]))
	}
	k.fds[a], k.fds[b] = x, y
}

func (k *kernelSockets) write(i, n int) (int, error) {
	return unix.SendmsgN(k.fds[i], k.buf[:n], nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

func (k *kernelSockets) read(i, n int) (int, error) {
	n, _, err := unix.Recvfrom(k.fds[i], k.buf[:n], unix.MSG_DONTWAIT)
	return max(n, 0), err
}

func (k *kernelSockets) last(i, n int) error {
	if _, err := unix.SendmsgN(k.fds[i], k.buf[:n], nil, nil, unix.MSG_MORE); err != nil {
		return err
	}
	return unix.Shutdown(k.fds[i], unix.SHUT_WR)
}

func (k *kernelSockets) close(i int) { unix.Close(k.fds[i]) }

func (k *kernelSockets) ctl(op, i int, events uint32) error {
	err := unix.EpollCtl(k.ep, op, k.fds[i], &unix.EpollEvent{Events: events, Fd: int32(i)})
	if err != nil {
		return err
	}
	return nil
}

func (k *kernelSockets) wait(n int) (out []string) {
	n, err := unix.EpollWait(k.ep, k.evs[:n], 0)
	k.must(err)
	for _, e := range k.evs[:n] {
		out = append(out, report(int(e.Fd), e.Events))
	}
	return out
}

func (k *kernelSockets) settle() {}

func (k *kernelSockets) fill(i int) {
	for err := error(nil); err == nil; {
		_, err = k.write(i, 1<<15)
	}
}

func (k *kernelSockets) hasten() {}

func (k *kernelSockets) arrive(i, n int, stream bool) {
	if !stream {
		n = 1
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if has, err := unix.IoctlGetInt(k.fds[i], unix.TIOCINQ); err != nil || has >= n {
			k.must(err)
			return
		}
	}
	k.t.Errorf("%d bytes never arrived at %d", n, i)
}

func (k *kernelSockets) roomy(i int) {
	p := []unix.PollFd{{Fd: int32(k.fds[i]), Events: unix.POLLOUT}}
	if _, err := unix.Poll(p, 1000); err != nil && err != unix.EINTR {
		k.t.Error(err)
	}
}
