package api

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	lo4 = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	lo6 = &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
)

// exchangeIn lets a socket of each row of README's table talk over the loopback, by calls
// that wait.
var exchangeIn = map[string]func(u *Posix) error{
	"inet stream": func(u *Posix) error {
		return streamIn(u, unix.AF_INET, lo4)
	},
	"inet6 stream": func(u *Posix) error { return streamIn(u, unix.AF_INET6, lo6) },
	"unix stream":  func(u *Posix) error { return streamIn(u, unix.AF_UNIX, &unix.SockaddrUnix{Name: "@task"}) },
	"inet datagram": func(u *Posix) error {
		return dgramIn(u, unix.AF_INET, unix.SOCK_DGRAM, 0, lo4)
	},
	"inet6 datagram": func(u *Posix) error {
		return dgramIn(u, unix.AF_INET6, unix.SOCK_DGRAM, 0, lo6)
	},
	"udplite": func(u *Posix) error {
		return dgramIn(u, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, lo4)
	},
	"inet raw": func(u *Posix) error {
		return dgramIn(u, unix.AF_INET, unix.SOCK_RAW, 200, lo4)
	},
	"inet6 raw": func(u *Posix) error {
		return dgramIn(u, unix.AF_INET6, unix.SOCK_RAW, 200, lo6)
	},
	"unix datagram": func(u *Posix) error {
		return dgramIn(u, unix.AF_UNIX, unix.SOCK_DGRAM, 0, &unix.SockaddrUnix{Name: "@tasks"})
	},
	"unix pair": func(u *Posix) error {
		fds, err := u.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
		if err != nil {
			return err
		}
		defer u.Close(fds[1]) //nolint:errcheck // the exchange counts
		defer u.Close(fds[0]) //nolint:errcheck // as above
		return sayAndHear(u, fds[0], fds[1], 0)
	},
	"packet": func(u *Posix) error {
		fd, err := u.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(htons(unix.ETH_P_ALL)))
		if err != nil {
			return err
		}
		defer u.Close(fd) //nolint:errcheck // the exchange counts
		if err := dgramIn(u, unix.AF_INET, unix.SOCK_DGRAM, 0, lo4); err != nil {
			return err
		}
		_, err = u.Read(fd, make([]byte, 100))
		return err
	},
	"netlink": func(u *Posix) error {
		fd, err := u.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer u.Close(fd) //nolint:errcheck // the exchange counts
		ask := make([]byte, unix.NLMSG_HDRLEN+unix.SizeofIfInfomsg)
		ask[0], ask[4], ask[6], ask[7] = byte(len(ask)), unix.RTM_GETLINK, unix.NLM_F_REQUEST, unix.NLM_F_DUMP>>8
		if err := u.Sendto(fd, ask, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		_, err = u.Read(fd, make([]byte, 1<<16))
		return err
	},
}

// sayAndHear writes to a and reads from b; a raw socket of IPv4 has head bytes before.
func sayAndHear(u *Posix, a, b, head int) error {
	if _, err := u.Write(a, []byte("hello")); err != nil {
		return err
	}
	room := make([]byte, 100)
	if n, err := u.Read(b, room); err != nil || n < head || string(room[head:n]) != "hello" {
		return fmt.Errorf("%q, %w", room[:max(n, 0)], err)
	}
	return nil
}

func streamIn(u *Posix, family int, at unix.Sockaddr) error {
	l, err := u.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer u.Close(l) //nolint:errcheck // the exchange counts
	if err := u.Bind(l, at); err != nil {
		return err
	}
	if err := u.Listen(l, 1); err != nil {
		return err
	}
	if at, err = u.Getsockname(l); err != nil {
		return err
	}
	a, err := u.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer u.Close(a) //nolint:errcheck // as above
	if err := u.Connect(a, at); err != nil {
		return err
	}
	b, _, err := u.Accept(l)
	if err != nil {
		return err
	}
	defer u.Close(b) //nolint:errcheck // as above
	return sayAndHear(u, a, b, 0)
}

func dgramIn(u *Posix, family, typ, proto int, at unix.Sockaddr) error {
	b, err := u.Socket(family, typ, proto)
	if err != nil {
		return err
	}
	defer u.Close(b) //nolint:errcheck // the exchange counts
	if err := u.Bind(b, at); err != nil {
		return err
	}
	if at, err = u.Getsockname(b); err != nil {
		return err
	}
	a, err := u.Socket(family, typ, proto)
	if err != nil {
		return err
	}
	defer u.Close(a) //nolint:errcheck // as above
	if err := u.Connect(a, at); err != nil {
		return err
	}
	head := 0
	if family == unix.AF_INET && typ == unix.SOCK_RAW {
		head = 20
	}
	return sayAndHear(u, a, b, head)
}

// TestFamiliesInTask: resident tasks use the same families as goroutines do.
func TestFamiliesInTask(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		for name, f := range exchangeIn {
			done := make(chan error, 1)
			if err := n.GoResident(0, func() { done <- f(n.Posix()) }); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(20 * time.Second):
				t.Errorf("%s: the task waits still", name)
			}
		}
	})
}

// TestInqInTask: a task that has waited in a socket keeps its lock, and may still be told
// how much has come.
func TestInqInTask(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		done := make(chan error, 1)
		if err := n.GoResident(0, func() { done <- inqIn(n.Posix()) }); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the task waits still")
		}
	})
}

func inqIn(u *Posix) error {
	fd, err := u.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer u.Close(fd) //nolint:errcheck // what it says counts
	if err := u.Bind(fd, lo4); err != nil {
		return err
	}
	self, err := u.Getsockname(fd)
	if err != nil {
		return err
	}
	for range 2 {
		if err := u.Sendto(fd, []byte("four"), 0, self); err != nil {
			return err
		}
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := u.Poll(p, -1); err != nil {
			return err
		}
		if n, err := u.IoctlGetInt(fd, unix.TIOCINQ); n != 4 || err != nil {
			return fmt.Errorf("FIONREAD: %d, %v", n, err)
		}
		if _, err := u.Read(fd, make([]byte, 10)); err != nil {
			return err
		}
		u.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 1000}) //nolint:errcheck // Read says
		if _, err := u.Read(fd, make([]byte, 10)); err != unix.EAGAIN {
			return fmt.Errorf("nothing is there: %v", err)
		}
	}
	return nil
}
