package api

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// The lowest free number is the next, and what was closed is not there any more.
func TestDescriptors(t *testing.T) {
	u := open(t, Config{Mode: lcore.Shared}).Posix()
	var fds [200]int
	for i := range fds {
		fd, err := u.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil || fd != firstFD+i {
			t.Fatalf("descriptor %d: %d, %v", i, fd, err)
		}
		fds[i] = fd
	}
	for _, i := range []int{150, 7, 80} {
		if err := u.Close(fds[i]); err != nil {
			t.Fatal(err)
		}
		if err := u.Close(fds[i]); err != unix.EBADF {
			t.Errorf("closed twice: %v", err)
		}
	}
	for _, want := range []int{7, 80, 150, 200} {
		if fd, err := u.Dup(fds[0]); err != nil || fd != firstFD+want {
			t.Errorf("the next is %d, %v, want %d", fd, err, firstFD+want)
		}
	}
	if fd, err := u.FcntlInt(uintptr(fds[0]), unix.F_DUPFD, 500); err != nil || fd != 500 {
		t.Errorf("from 500 on: %d, %v", fd, err)
	}
	if fd, err := u.Dup(fds[0]); err != nil || fd != firstFD+201 {
		t.Errorf("the next is %d, %v", fd, err)
	}
}

// dgramPair is two datagram sockets that know each other.
func dgramPair(t testing.TB, u *Posix) (a, b int) {
	t.Helper()
	var fds [2]int
	var names [2]unix.Sockaddr
	for i := range fds {
		var err error
		if fds[i], err = u.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
			t.Fatal(err)
		}
		if err = u.Bind(fds[i], local(0)); err != nil {
			t.Fatal(err)
		}
		if names[i], err = u.Getsockname(fds[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range fds {
		if err := u.Connect(fds[i], names[1-i]); err != nil {
			t.Fatal(err)
		}
	}
	return fds[0], fds[1]
}

// Sending, waiting in an epoll and receiving allocate nothing.
func TestPosixAllocs(t *testing.T) {
	u := open(t, Config{Mode: lcore.Shared}).Posix()
	a, b := dgramPair(t, u)
	ep, err := u.EpollCreate1(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.EpollCtl(ep, unix.EPOLL_CTL_ADD, b, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 7}); err != nil {
		t.Fatal(err)
	}
	msg, room := []byte("hello"), make([]byte, 100)
	events := make([]unix.EpollEvent, 8)
	in := []Mmsghdr{{Buffers: [][]byte{room}, Addr: new(unix.SockaddrInet4)}}
	i := 0
	n := testing.AllocsPerRun(500, func() {
		if err := u.Send(a, msg, 0); err != nil {
			t.Fatal(err)
		}
		if n, err := u.EpollWait(ep, events, -1); n != 1 || err != nil || events[0].Fd != 7 {
			t.Fatal(n, err)
		}
		i++
		var err error
		if i%2 == 0 {
			_, err = u.Read(b, room)
		} else {
			_, err = u.Recvmmsg(b, in, unix.MSG_WAITFORONE, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A resident task waits in an epoll without holding up its lcore.
func TestEpollInTask(t *testing.T) {
	n := open(t, Config{Mode: lcore.Shared})
	u := n.Posix()
	a, b := dgramPair(t, u)
	done := make(chan error, 1)
	err := n.GoResident(0, func() {
		ep, err := u.EpollCreate1(0)
		if err == nil {
			err = u.EpollCtl(ep, unix.EPOLL_CTL_ADD, b, &unix.EpollEvent{Events: unix.EPOLLIN})
		}
		room, events := make([]byte, 10), make([]unix.EpollEvent, 1)
		for i := 0; i < 100 && err == nil; i++ {
			if k, e := u.EpollWait(ep, events, 5000); k != 1 || e != nil {
				err = fmt.Errorf("%d events, %v", k, e)
				break
			}
			if _, err = u.Read(b, room); err == nil {
				_, err = u.Write(b, room)
			}
		}
		done <- err
	})
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 10)
	for range 100 {
		if err := u.Send(a, room, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Read(a, room); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err = <-done:
	case <-time.After(10 * time.Second):
		err = unix.ETIMEDOUT
	}
	if err != nil {
		t.Error(err)
	}
}

// BenchmarkEpoll is one event of one descriptor, of so many that are watched.
func BenchmarkEpoll(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plane, err := Open(Config{Mode: lcore.Shared})
			if err != nil {
				b.Fatal(err)
			}
			defer plane.Close()
			u := plane.Posix()
			ep, err := u.EpollCreate1(0)
			if err != nil {
				b.Fatal(err)
			}
			var from, to [64]int
			for i := range from {
				from[i], to[i] = dgramPair(b, u)
			}
			for i := range n {
				fd := to[i%len(to)]
				if i >= len(to) {
					if fd, err = u.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
						b.Fatal(err)
					}
				}
				if err := u.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
					b.Fatal(err)
				}
			}
			events, room := make([]unix.EpollEvent, 64), make([]byte, 100)
			runtime.GC() // of what the set-up left
			b.ResetTimer()
			b.ReportAllocs()
			for i := range b.N {
				if err := u.Send(from[i%len(from)], room[:10], 0); err != nil {
					b.Fatal(err)
				}
				k, err := u.EpollWait(ep, events, -1)
				if err != nil {
					b.Fatal(err)
				}
				for _, e := range events[:k] {
					if _, err := u.Read(int(e.Fd), room); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer() // closing takes its time
		})
	}
}
