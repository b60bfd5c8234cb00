package inet

import (
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// A socket that is bound to an interface hears nothing that comes by another one, and sends
// by it whatever the routes say.
func TestBindToDevice(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		lo := b.socket(sock.TypeDgram)
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
		bind := func(s *sock.Socket, name string) {
			t.Helper()
			must(t, s.SetOption(syscall.SOL_SOCKET, soBindToDevice, []byte(name)))
		}
		bind(s, "wire")
		c.SendTo([]byte("by the wire"), 0, b.at(7))
		recv(t, s, "by the wire")
		bind(s, "lo")
		c.SendTo([]byte("x"), 0, b.at(7))
		must(t, c.Ops.Connect(c, b.at(7), 0))
		c.Send([]byte("x"), 0)
		eventually(t, "nobody is there for the wire", func() bool {
			_, err := c.Send([]byte("x"), 0)
			return err == syscall.ECONNREFUSED
		})
		lo.SendTo([]byte("by the loopback"), 0, nameAt("127.0.0.1:7"))
		recv(t, s, "by the loopback")
		bind(s, "")
		c.Send([]byte("anyhow"), 0)
		c.Send([]byte("anyhow"), 0)
		b9 := make([]byte, 9)
		n, err := s.Recv(b9, 0)
		for n == 1 && err == nil { // of those above one may have been on its way
			n, err = s.Recv(b9, 0)
		}
		if string(b9[:n]) != "anyhow" || err != nil {
			t.Errorf("%q, %v", b9[:n], err)
		}

		// Where it sends to is on the link, even if the routes say something else.
		bind(lo, "lo")
		fails(t, "by the loopback", lo.Ops.Connect(lo, a.at(9), 0), nil)
		if local, _ := lo.Names(); local.AddrPort().Addr().String() != "127.0.0.1" {
			t.Errorf("it sends from %v", local)
		}

		fails(t, "no such interface", lo.SetOption(syscall.SOL_SOCKET, soBindToDevice, []byte("none")), syscall.ENODEV)
		fails(t, "another one", lo.SetOption(syscall.IPPROTO_IP, ipUnicastIf, []byte{0, 0, 0, 1}), syscall.EINVAL)
		v := make([]byte, 16)
		if n, err := lo.GetOption(syscall.SOL_SOCKET, soBindToDevice, v); n != 3 || err != nil || string(v[:3]) != "lo\x00" {
			t.Errorf("%q, %v", v[:n], err)
		}
	})
}

// The interface that a socket only sends by is none that it hears by, also after it was
// bound to it.
func TestUnicastIf(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		_, s := dgrams(a, b)
		must(t, s.SetOption(syscall.IPPROTO_IP, ipUnicastIf, []byte{0, 0, 0, 1}))
		for _, name := range []string{"wire", ""} {
			must(t, s.SetOption(syscall.SOL_SOCKET, soBindToDevice, []byte(name)))
		}
		s.Rd.SetDeadline(time.Now().Add(10 * time.Second))
		b.socket(sock.TypeDgram).SendTo([]byte("by the loopback"), 0, nameAt("127.0.0.1:7"))
		recv(t, s, "by the loopback")
	})
}

func TestBindToDeviceStream(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(0)
		must(t, l.SetInt(syscall.SOL_SOCKET, soBindToIndex, 2)) // lo
		c := a.socket(sock.TypeStream)
		fails(t, "by the wire", c.Ops.Connect(c, name, 0), syscall.ECONNREFUSED)
		must(t, l.SetInt(syscall.SOL_SOCKET, soBindToIndex, 1))
		c = a.socket(sock.TypeStream)
		must(t, c.SetOption(syscall.SOL_SOCKET, soBindToDevice, []byte("wire")))
		must(t, c.Ops.Connect(c, name, 0))
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		defer s.Close()
		if v, err := s.GetInt(syscall.SOL_SOCKET, soBindToIndex); v != 1 || err != nil {
			t.Errorf("the connection has interface %d, %v", v, err)
		}
		bound(s)
		c.Send([]byte("x"), 0)
		if n, err := s.Recv(make([]byte, 9), 0); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}
