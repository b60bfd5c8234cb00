package inet

import (
	"syscall"
	"testing"

	"dataplane/sock"
)

func TestOptions(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		for _, typ := range []int{sock.TypeStream, sock.TypeDgram} {
			s := a.socket(typ)
			sndBuf := sock.DefaultSndBuf
			if typ == sock.TypeStream {
				sndBuf = sock.StreamSndBuf
			}
			for _, c := range []struct{ level, name, value, before, after int }{
				{syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 5, 0, 1},
				{syscall.SOL_SOCKET, soReusePort, 1, 0, 1},
				{syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1, 0, 1},
				{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1, 0, 1},
				{syscall.SOL_SOCKET, syscall.SO_RCVBUF, 100_000, 2 * sock.DefaultRcvBuf, 200_000},
				{syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1, 200_000, 2 * sock.MinBuf},
				{syscall.SOL_SOCKET, syscall.SO_SNDBUF, 100_000, 2 * sndBuf, 200_000},
				{syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1 << 30, 200_000, 2 * sock.MaxBuf},
				{syscall.SOL_SOCKET, soBusyPoll, 50, 0, 50},
				{syscall.SOL_SOCKET, soBusyPoll, 0, 50, 0},
				{syscall.IPPROTO_IP, syscall.IP_TTL, 9, 64, 9},
			} {
				get := func() int {
					v, err := s.GetInt(c.level, c.name)
					if err != nil {
						t.Errorf("%d/%d: %v", c.level, c.name, err)
					}
					return v
				}
				if v := get(); v != c.before {
					t.Errorf("%d/%d: %d, want %d before", c.level, c.name, v, c.before)
				}
				must(t, s.SetInt(c.level, c.name, c.value))
				if v := get(); v != c.after {
					t.Errorf("%d/%d: %d, want %d after", c.level, c.name, v, c.after)
				}
			}
			for name, want := range map[int]int{
				syscall.SO_TYPE: typ, soDomain: syscall.AF_INET, soProtocol: int(s.Protocol), syscall.SO_ACCEPTCONN: 0, syscall.SO_ERROR: 0,
			} {
				if v, err := s.GetInt(syscall.SOL_SOCKET, name); v != want || err != nil {
					t.Errorf("%d: %d, %v; want %d", name, v, err, want)
				}
			}
		}
	})
}

// An option that does nothing is refused, and so is one that can only be read.
func TestOptionsRefused(t *testing.T) {
	a, _ := beds(t, 1)
	for _, typ := range []int{sock.TypeStream, sock.TypeDgram} {
		s := a.socket(typ)
		for _, c := range [][2]int{
			{syscall.SOL_SOCKET, 9999},
			{syscall.SOL_SOCKET, syscall.SO_TYPE}, {syscall.SOL_SOCKET, syscall.SO_ERROR}, {syscall.SOL_SOCKET, soDomain},
			{syscall.IPPROTO_IP, 9999}, {syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY}, {12345, 1}, {-1, -1},
		} {
			fails(t, "set", s.SetInt(c[0], c[1], 1), syscall.ENOPROTOOPT)
		}
		_, err := s.GetInt(syscall.SOL_SOCKET, 9999)
		fails(t, "get", err, syscall.ENOPROTOOPT)
		_, err = s.GetInt(12345, 1)
		fails(t, "get", err, syscall.EOPNOTSUPP)
	}
	u := a.socket(sock.TypeDgram)
	fails(t, "TCP_NODELAY of UDP", u.SetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1), syscall.ENOPROTOOPT)
}

// Every lcore hears of an option.
func TestOptionOnAll(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		s := a.socket(sock.TypeStream)
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1))
		for _, sk := range s.Group() {
			var on bool
			sk.Call(func() { on = sk.Opt.KeepAlive })
			if !on {
				t.Error("one lcore does not know")
			}
		}
	})
}

// SO_LINGER is a struct.
func TestLingerOption(t *testing.T) {
	a, _ := beds(t, 1)
	s := a.socket(sock.TypeStream)
	for _, secs := range []int{7, lingerOff, 0} {
		must(t, s.SetLinger(secs))
		v := make([]byte, 16)
		n, err := s.GetOption(syscall.SOL_SOCKET, syscall.SO_LINGER, v)
		must(t, err)
		if got, _ := sock.LingerOf(v[:n]); got != secs || n != 8 {
			t.Errorf("%d in %d bytes, want %d", got, n, secs)
		}
	}
	fails(t, "an int", s.SetInt(syscall.SOL_SOCKET, syscall.SO_LINGER, 1), syscall.EINVAL)
}

// Linux's rules for lengths.
func TestOptionLengths(t *testing.T) {
	a, _ := beds(t, 1)
	s, u := a.socket(sock.TypeStream), a.socket(sock.TypeDgram)
	for _, o := range [][2]int{
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}, {syscall.SOL_SOCKET, syscall.SO_RCVBUF},
		{syscall.SOL_SOCKET, syscall.SO_TIMESTAMP}, {syscall.IPPROTO_TCP, syscall.TCP_NODELAY}, {syscall.IPPROTO_UDP, udpGRO},
	} {
		x := s
		if o[0] == syscall.IPPROTO_UDP || o[1] == syscall.SO_TIMESTAMP {
			x = u
		}
		fails(t, "short", x.SetOption(o[0], o[1], make([]byte, 3)), syscall.EINVAL)
	}
	for _, x := range []*sock.Socket{s, u} {
		must(t, x.SetOption(syscall.IPPROTO_IP, syscall.IP_TTL, []byte{77}))
		v := []byte{0, 0, 0}
		if n, err := x.GetOption(syscall.IPPROTO_IP, syscall.IP_TTL, v); n != 1 || v[0] != 77 || err != nil {
			t.Errorf("%d bytes, %d, %v", n, v[0], err)
		}
	}
}

// A connection inherits from its listener.
func TestOptionsAreInherited(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(0)
		must(t, l.SetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF, 50_000))
		must(t, l.SetInt(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1))
		must(t, l.SetLinger(0))
		c := a.socket(sock.TypeStream)
		must(t, c.Ops.Connect(c, name, 0))
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		for name, want := range map[int]int{syscall.SO_SNDBUF: 100_000, syscall.SO_KEEPALIVE: 1, syscall.SO_LINGER: 1} {
			if v, err := s.GetInt(syscall.SOL_SOCKET, name); v != want || err != nil {
				t.Errorf("%d: %d, %v; want %d", name, v, err, want)
			}
		}
		s.Close()
		_, err = c.Recv(make([]byte, 1), 0)
		fails(t, "linger 0", err, syscall.ECONNRESET)
	})
}

// SO_ERROR is what any lcore has reported, once.
func TestErrorOption(t *testing.T) {
	a, _ := beds(t, 2)
	s := a.socket(sock.TypeDgram)
	must(t, s.Ops.Bind(s, a.at(0)))
	sk := s.Group()[1]
	sk.Call(func() { sk.ErrorReport(syscall.EHOSTUNREACH) })
	for _, want := range []syscall.Errno{syscall.EHOSTUNREACH, 0} {
		if v, err := s.GetInt(syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil || v != int(want) {
			t.Errorf("%v, %v; want %v", syscall.Errno(v), err, want)
		}
	}
}
