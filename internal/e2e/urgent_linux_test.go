package e2e

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/api"
)

// end is one end of a connection, by the calls that both sides have.
type end struct {
	send func(b []byte, flags int) (int, error)
	recv func(b []byte, flags int) (int, error)
	poll func(fds []unix.PollFd, timeout int) (int, error)
	fd   int
}

// urgentEnds is a connection from the kernel to the plane.
func urgentEnds(t *testing.T, u *api.Posix) (kernel, plane *end) {
	t.Helper()
	l, err := u.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, err)
	must(t, u.Bind(l, &unix.SockaddrInet4{Port: 23}))
	must(t, u.Listen(l, 1))
	k, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(k) })
	must(t, unix.Connect(k, &unix.SockaddrInet4{Port: 23, Addr: netip.MustParseAddr(planeIP).As4()}))
	p, _, err := u.Accept(l)
	must(t, err)
	must(t, u.Close(l))
	tv := unix.Timeval{Sec: 10}
	must(t, unix.SetsockoptTimeval(k, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	must(t, u.SetsockoptTimeval(p, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	kernel = &end{fd: k, poll: unix.Poll,
		send: func(b []byte, flags int) (int, error) { return unix.SendmsgN(k, b, nil, nil, flags) },
		recv: func(b []byte, flags int) (n int, err error) { n, _, err = unix.Recvfrom(k, b, flags); return n, err },
	}
	plane = &end{fd: p, poll: u.Poll,
		send: func(b []byte, flags int) (int, error) { return u.SendmsgN(p, b, nil, nil, flags) },
		recv: func(b []byte, flags int) (n int, err error) { n, _, err = u.Recvfrom(p, b, flags); return n, err },
	}
	return kernel, plane
}

// TestUrgentApart sends urgent bytes amid much data between the kernel and the plane, both
// ways: each is told of, ends a read, and is read apart.
func TestUrgentApart(t *testing.T) {
	for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain, "two lcores": ways[2].set} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, set)
			k, p := urgentEnds(t, b.plane.Posix())
			urgentWay(t, "to the plane", k, p)
			urgentWay(t, "to the kernel", p, k)
			must(t, b.plane.Posix().Close(p.fd))
		})
	}
}

func urgentWay(t *testing.T, what string, from, to *end) {
	t.Helper()
	sent := make(chan error, 1)
	const rounds = 20
	for round := range rounds {
		data := block[:1+round*1500]
		go func() {
			_, err := from.send(data, 0)
			if err == nil {
				_, err = from.send([]byte{byte('A' + round)}, unix.MSG_OOB)
			}
			if err == nil {
				_, err = from.send([]byte("behind"), 0)
			}
			sent <- err
		}()
		pfd := []unix.PollFd{{Fd: int32(to.fd), Events: unix.POLLPRI}}
		for begun := time.Now(); pfd[0].Revents&unix.POLLPRI == 0; {
			if _, err := to.poll(pfd, 1000); err != nil && err != unix.EINTR || time.Since(begun) > 10*time.Second {
				t.Fatalf("%s, %d: nothing urgent: %v", what, round, err)
			}
		}
		var one [2]byte
		if n, err := to.recv(one[:], unix.MSG_OOB); n != 1 || err != nil || one[0] != byte('A'+round) {
			t.Fatalf("%s, %d: urgent %q, %d, %v", what, round, one, n, err)
		}
		got := make([]byte, len(data)+100)
		if n, err := to.recv(got, unix.MSG_WAITALL); err != nil || !bytes.Equal(got[:n], data) {
			t.Fatalf("%s, %d: %d of %d bytes, %v", what, round, n, len(data), err)
		}
		if n, err := to.recv(got[:6], unix.MSG_WAITALL); err != nil || string(got[:n]) != "behind" {
			t.Fatalf("%s, %d: %q, %v", what, round, got[:n], err)
		}
		must(t, <-sent)
	}
}
