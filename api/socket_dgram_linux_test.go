package api

import (
	"errors"
	"testing"
	"time"

	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

// dgrams returns two UDP sockets, the first bound, and its address.
func (w *bsdWorld) dgrams() (s, c bsd, sa unix.Sockaddr) {
	w.Helper()
	s, c = w.socket(unix.SOCK_DGRAM), w.socket(unix.SOCK_DGRAM)
	if err := s.Bind(local(0)); err != nil {
		w.Fatal(err)
	}
	sa, err := s.Getsockname()
	if err != nil {
		w.Fatal(err)
	}
	return s, c, sa
}

func TestAsBSDDgram(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		s, c, sa := w.dgrams()
		b := make([]byte, 100)
		n, _, err := s.Recvfrom(b, unix.MSG_DONTWAIT)
		w.io("nothing there", n, err)
		n, err = c.Sendto([]byte("x"), 0, nil)
		w.io("send nowhere", n, err)
		n, err = c.Sendto([]byte("datagram"), 0, sa)
		w.io("sendto, unbound", n, err)
		ca, err := c.Getsockname()
		w.call("name", err)
		w.logf("bound now: %v", ca.(*unix.SockaddrInet4).Port != 0)
		w.call("bind again", c.Bind(local(0)))
		n, from, err := s.Recvfrom(b[:4], unix.MSG_PEEK)
		w.io("peek a part "+string(b[:4]), n, err)
		w.logf("from the sender: %v", from.(*unix.SockaddrInet4).Port == ca.(*unix.SockaddrInet4).Port)
		n, _, err = s.Recvfrom(b[:4], unix.MSG_PEEK|unix.MSG_TRUNC)
		w.io("peek its length", n, err)
		n, _, err = s.Recvfrom(b[:4], unix.MSG_WAITALL)
		w.io("a part", n, err)
		n, _, err = s.Recvfrom(b, unix.MSG_DONTWAIT)
		w.io("the rest is lost", n, err)
		n, err = c.Sendto(nil, 0, sa)
		w.io("an empty one", n, err)
		n, _, err = s.Recvfrom(b, 0)
		w.io("it comes", n, err)
		_, _, err = s.Accept()
		w.call("accept", err)
		w.call("listen", s.Listen(1))
		w.call("shutdown", s.Shutdown(unix.SHUT_WR))
		n, err = c.Sendto(make([]byte, 65508), 0, sa)
		w.io("too long", n, err)
		n, err = c.Sendto(b, 0, &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}, Port: 9})
		w.logf("broadcast: %d, EACCES or no net: %v", n, errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENETUNREACH))
		n, err = c.Sendto(b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
		w.io("port 0", n, err)
	})
}

func TestAsBSDDgramConnected(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		s, c, sa := w.dgrams()
		b := make([]byte, 100)
		w.call("connect", c.Connect(sa))
		pa, err := c.Getpeername()
		w.call("peer", err)
		w.logf("%v", same(pa, sa))
		n, err := c.Sendto([]byte("one"), 0, nil)
		w.io("send", n, err)
		n, err = c.Sendto([]byte("two"), 0, sa)
		w.io("sendto the same", n, err)
		for range 2 {
			n, _, err = s.Recvfrom(b, 0)
			w.io("receive "+string(b[:n]), n, err)
		}
		w.call("close", s.Close())
		n, err = c.Sendto(b, 0, nil)
		w.io("send to nobody", n, err)
		time.Sleep(w.moment)
		e, err := c.GetsockoptInt(unix.SOL_SOCKET, unix.SO_ERROR)
		w.call("SO_ERROR", err)
		w.call("pending", unix.Errno(e))
		n, _, err = c.Recvfrom(b, unix.MSG_DONTWAIT)
		w.io("receive", n, err)
		w.call("shutdown", c.Shutdown(unix.SHUT_RDWR))
		n, _, err = c.Recvfrom(b, 0)
		w.io("receive after shutdown", n, err)
		n, err = c.Sendto(b, unix.MSG_NOSIGNAL, nil)
		w.io("send after shutdown", n, err)
	})
}

func TestAsBSDOptions(t *testing.T) {
	type opt struct {
		name             string
		level, opt, want int
	}
	common := []opt{
		{"SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {"SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{"SO_BROADCAST", unix.SOL_SOCKET, unix.SO_BROADCAST, 1}, {"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, 7}, {"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 16},
	}
	streams := []opt{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1}, {"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 33},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 44}, {"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 5},
		{"TCP_CORK", unix.IPPROTO_TCP, unix.TCP_CORK, 1}, {"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 5000},
	}
	asBSD(t, func(w *bsdWorld) {
		for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			s := w.socket(typ)
			all := common
			if typ == unix.SOCK_STREAM {
				all = append(all, streams...)
			}
			for _, o := range all {
				before, err := s.GetsockoptInt(o.level, o.opt)
				w.call(o.name+" before", err)
				w.call(o.name, s.SetsockoptInt(o.level, o.opt, o.want))
				after, err := s.GetsockoptInt(o.level, o.opt)
				w.call(o.name+" after", err)
				w.logf("%d %d", before, after)
			}
			w.call("TTL 256", s.SetsockoptInt(unix.IPPROTO_IP, unix.IP_TTL, 256))
			w.call("TTL 0", s.SetsockoptInt(unix.IPPROTO_IP, unix.IP_TTL, 0))
			w.call("SO_LINGER as a number", s.SetsockoptInt(unix.SOL_SOCKET, unix.SO_LINGER, 1))
			w.call("SO_LINGER", s.SetsockoptLinger(unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 2}))
			for _, o := range []opt{
				{"SO_TYPE", unix.SOL_SOCKET, unix.SO_TYPE, 0}, {"SO_DOMAIN", unix.SOL_SOCKET, unix.SO_DOMAIN, 0},
				{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL, 0}, {"SO_ACCEPTCONN", unix.SOL_SOCKET, unix.SO_ACCEPTCONN, 0},
				{"SO_ERROR", unix.SOL_SOCKET, unix.SO_ERROR, 0},
			} {
				v, err := s.GetsockoptInt(o.level, o.opt)
				w.call(o.name, err)
				w.logf("%d", v)
				w.call("set "+o.name, s.SetsockoptInt(o.level, o.opt, 1))
			}
			w.call("unknown option", s.SetsockoptInt(unix.SOL_SOCKET, 9999, 1))
			_, err := s.GetsockoptInt(unix.SOL_SOCKET, 9999)
			w.call("unknown option", err)
			w.call("unknown option of IP", s.SetsockoptInt(unix.IPPROTO_IP, 9999, 1))
			for _, size := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF} {
				w.call("buffer", s.SetsockoptInt(unix.SOL_SOCKET, size, 1<<16))
				v, err := s.GetsockoptInt(unix.SOL_SOCKET, size)
				w.call("buffer", err)
				w.logf("at least what was asked for: %v", v >= 1<<16)
			}
		}
		l, _ := w.listening()
		v, err := l.GetsockoptInt(unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		w.call("SO_ACCEPTCONN", err)
		w.logf("%d", v)
	})
}

// Shared ports: SO_REUSEPORT for both kinds, SO_REUSEADDR for datagrams.
func TestAsBSDReuse(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			for _, opt := range []int{0, unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
				a, b := w.socket(typ), w.socket(typ)
				if opt != 0 {
					a.SetsockoptInt(unix.SOL_SOCKET, opt, 1)
					b.SetsockoptInt(unix.SOL_SOCKET, opt, 1)
				}
				a.Bind(local(0))
				if typ == unix.SOCK_STREAM {
					a.Listen(1)
				}
				sa, _ := a.Getsockname()
				w.call("bind", b.Bind(sa))
				sa.(*unix.SockaddrInet4).Addr = [4]byte{}
				w.call("bind the wildcard", w.socket(typ).Bind(sa))
			}
		}
	})
}

// What only the plane's has: its way to say no.
func TestSocketRefuses(t *testing.T) {
	n := open(t, Config{Mode: lcore.Shared})
	for _, c := range []struct {
		domain, typ, proto int
		want               error
	}{
		{unix.AF_INET, unix.SOCK_STREAM, 0, nil},
		{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, unix.IPPROTO_TCP, nil},
		{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP, nil},
		{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP, unix.EPROTONOSUPPORT},
		{unix.AF_INET, unix.SOCK_SEQPACKET, 0, unix.ESOCKTNOSUPPORT},
		{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, 0, nil},
		{unix.AF_INET, unix.SOCK_STREAM | 0x10, 0, unix.EINVAL},
		{unix.AF_INET6, unix.SOCK_STREAM, 0, nil},
		{unix.AF_INET6, unix.SOCK_SEQPACKET, 0, unix.ESOCKTNOSUPPORT},
		{unix.AF_UNIX, unix.SOCK_STREAM, unix.IPPROTO_TCP, unix.EPROTONOSUPPORT},
		{-1, unix.SOCK_STREAM, 0, unix.EAFNOSUPPORT},
		{unix.AF_INET, 99, 0, unix.EINVAL},
	} {
		if s, err := n.testSocket(c.domain, c.typ, c.proto); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c, err)
		} else if err == nil {
			s.Close()
		}
	}
	s, _ := n.testSocket(unix.AF_INET, unix.SOCK_STREAM, 0)
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("IPv6", s.Connect(&unix.SockaddrInet6{}), unix.EAFNOSUPPORT)
	check("no address", s.Bind(nil), unix.EAFNOSUPPORT)
	check("port", s.Bind(&unix.SockaddrInet4{Port: 70000}), unix.EINVAL)
	_, err := s.Sendto(nil, unix.MSG_OOB, nil)
	check("MSG_OOB", err, unix.EPIPE)
	_, err = s.Sendto(nil, unix.MSG_ERRQUEUE, nil)
	check("MSG_ERRQUEUE", err, unix.EOPNOTSUPP)
	_, _, err = s.Recvfrom(nil, unix.MSG_ERRQUEUE)
	check("MSG_ERRQUEUE", err, unix.EAGAIN)
	_, _, err = s.Accept4(1)
	check("accept4 with a flag", err, unix.EINVAL)
	check("close", s.Close(), nil)
	check("close", s.Close(), unix.EBADF)
	check("bind", s.Bind(local(0)), unix.EBADF)
	check("connect", s.Connect(local(1)), unix.EBADF)
	check("listen", s.Listen(1), unix.EBADF)
	check("shutdown", s.Shutdown(unix.SHUT_RD), unix.EBADF)
	check("setsockopt", s.SetsockoptInt(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1), unix.EBADF)
	check("linger", s.SetsockoptLinger(unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{}), unix.EBADF)
	_, err = s.GetsockoptInt(unix.SOL_SOCKET, unix.SO_TYPE)
	check("getsockopt", err, unix.EBADF)
	_, err = s.Getsockname()
	check("getsockname", err, unix.EBADF)
	_, err = s.Sendto(nil, 0, nil)
	check("sendto", err, unix.EBADF)
	_, _, err = s.Recvfrom(make([]byte, 1), 0)
	check("recvfrom", err, unix.EBADF)
	_, _, err = s.Accept4(0)
	check("accept4", err, unix.EBADF)
}
