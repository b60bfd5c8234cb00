package inet

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"dataplane/sock"
)

// program is the value of SO_ATTACH_FILTER.
func program(t *testing.T, prog ...bpf.Instruction) []byte {
	f, errno := sock.NewFilter(prog)
	if errno != 0 {
		t.Fatal(errno)
	}
	return f.Bytes()
}

// onlyX takes datagrams that begin with x, and of them so many bytes, header and all.
func onlyX(t *testing.T, n uint32) []byte {
	return program(t, bpf.LoadAbsolute{Off: 8, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 'x', SkipFalse: 1}, bpf.RetConstant{Val: n}, bpf.RetConstant{Val: 0})
}

const attach = syscall.SO_ATTACH_FILTER

// A filter of a datagram socket chooses, and cuts.
func TestFilterDatagrams(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		must(t, c.Ops.Connect(c, b.at(7), 0))
		must(t, s.SetOption(syscall.SOL_SOCKET, attach, onlyX(t, 8+3)))
		for _, x := range []string{"y1", "x1", "y2", "x2345"} {
			if _, err := c.Send([]byte(x), 0); err != nil {
				t.Fatal(err)
			}
		}
		recv(t, s, "x1")
		recv(t, s, "x23")
		fails(t, "no program", s.SetOption(syscall.SOL_SOCKET, attach, make([]byte, 7)), syscall.EINVAL)
		v := make([]byte, 100)
		if n, err := s.GetOption(syscall.SOL_SOCKET, attach, v); n != 4 || err != nil {
			t.Errorf("SO_GET_FILTER: %d, %v", n, err)
		}
		must(t, s.SetInt(syscall.SOL_SOCKET, soLockFilter, 1))
		fails(t, "locked", s.SetInt(syscall.SOL_SOCKET, syscall.SO_DETACH_FILTER, 0), syscall.EPERM)
		fails(t, "locked", s.SetInt(syscall.SOL_SOCKET, soLockFilter, 0), syscall.EPERM)
		fails(t, "locked", s.SetOption(syscall.SOL_SOCKET, attach, onlyX(t, 99)), syscall.EPERM)
		fails(t, "none", c.SetInt(syscall.SOL_SOCKET, syscall.SO_DETACH_FILTER, 0), syscall.ENOENT)
		must(t, c.SetOption(syscall.SOL_SOCKET, attach, program(t, bpf.RetConstant{Val: 0})))
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_DETACH_FILTER, 0))
		must(t, s.SetOption(syscall.IPPROTO_IP, syscall.IP_TTL, []byte{1}))
		_, err := s.SendTo([]byte("back"), 0, func() sock.Name { n, _ := c.Names(); return n }())
		must(t, err)
		recv(t, c, "back")
	})
}

// A listener's filter chooses among segments by their header, and its connections have
// it, too.
func TestFilterSegments(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(0)
		from := func(port uint32) []byte {
			return program(t, bpf.LoadAbsolute{Off: 0, Size: 2},
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipFalse: 1}, bpf.RetConstant{Val: 1 << 16}, bpf.RetConstant{Val: 0})
		}
		must(t, l.SetOption(syscall.SOL_SOCKET, attach, from(4444)))
		other := a.socket(sock.TypeStream)
		other.Wr.SetDeadline(time.Now().Add(50 * time.Millisecond))
		if err := other.Ops.Connect(other, name, 0); err == nil {
			t.Error("connected in spite of the filter")
		}
		c := a.socket(sock.TypeStream)
		must(t, c.Ops.Bind(c, a.at(4444)))
		must(t, c.Ops.Connect(c, name, 0))
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		defer s.Close()
		c.Send([]byte("hello"), 0)
		if n, err := s.Recv(make([]byte, 9), 0); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// IP_MINTTL keeps out what has come from farther.
func TestMinTTL(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		u, v := dgrams(a, b)
		must(t, v.SetInt(syscall.IPPROTO_IP, ipMinTTL, 64))
		for _, ttl := range []int{63, 64} {
			must(t, u.SetInt(syscall.IPPROTO_IP, syscall.IP_TTL, ttl))
			_, err := u.SendTo([]byte{byte(ttl)}, 0, b.at(7))
			must(t, err)
		}
		recv(t, v, "\x40")
		fails(t, "too great", v.SetInt(syscall.IPPROTO_IP, ipMinTTL, 256), syscall.EINVAL)
		c, s := streams(a, b)
		must(t, s.SetInt(syscall.IPPROTO_IP, ipMinTTL, 65))
		c.Send([]byte("hello"), 0)
		s.Rd.SetDeadline(time.Now().Add(20 * time.Millisecond))
		if n, _ := s.Recv(make([]byte, 9), 0); n != 0 {
			t.Error("a segment came in")
		}
		must(t, s.SetInt(syscall.IPPROTO_IP, ipMinTTL, 0))
		s.Rd.SetDeadline(time.Time{})
		if n, err := s.Recv(make([]byte, 9), 0); n != 5 || err != nil { // sent again
			t.Errorf("%d, %v", n, err)
		}
	})
}
