package inet

import (
	"syscall"
	"testing"

	"dataplane/sock"
)

// TestDissolve lets a datagram socket go from peer to peer and to none, with one lcore
// and with two: it hears at all of them what it heard before, and keeps its options.
func TestDissolve(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		s := b.socket(sock.TypeDgram)
		must(t, s.Ops.Bind(s, sock.Name{Port: 7000}))
		must(t, s.SetInt(syscall.IPPROTO_IP, syscall.IP_RECVTTL, 1))
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1))
		for round := range 4 {
			for i := range 8 {
				c := a.socket(sock.TypeDgram)
				must(t, c.Ops.Bind(c, sock.Name{Port: uint16(8000 + 10*round + i)}))
				must(t, s.Ops.Connect(s, a.at(uint16(8000+10*round+i)), 0))
				_, err := s.Send([]byte("there"), 0)
				must(t, err)
				recv(t, c, "there")
				_, err = c.SendTo([]byte("back"), 0, b.at(7000))
				must(t, err)
				recv(t, s, "back")
				must(t, c.Close())
			}
			must(t, s.Ops.(sock.DissolveOps).Dissolve(s))
			if _, err := s.Send([]byte("x"), 0); err != syscall.EDESTADDRREQ {
				t.Fatal(err)
			}
			if n := len(s.Group()); n != len(b.Stacks()) {
				t.Fatal(n, "parts")
			}
			for range 8 {
				c := a.socket(sock.TypeDgram)
				_, err := c.SendTo([]byte("to all"), 0, b.at(7000))
				must(t, err)
				recv(t, s, "to all")
				must(t, c.Close())
			}
			if v, err := s.GetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST); err != nil || v != 1 {
				t.Error(v, err)
			}
		}
		must(t, s.Close())
		if b.udpPorts.InUse(7000) {
			t.Error("the port is taken still")
		}
	})
}

// TestDissolveStream connects one socket again and again.
func TestDissolveStream(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(0)
		c := a.socket(sock.TypeStream)
		must(t, c.SetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		for i := range 8 {
			must(t, c.Ops.Connect(c, name, 0))
			s, err := l.Ops.Accept(l, 0)
			must(t, err)
			bound(s)
			_, err = c.Send([]byte("hello"), 0)
			must(t, err)
			recvAll(t, s, "hello")
			_, err = s.Send([]byte("back"), 0)
			must(t, err)
			recvAll(t, c, "back")
			read := make(chan error)
			if i%2 == 0 {
				go func() {
					_, err := c.Recv(make([]byte, 9), 0)
					read <- err
				}()
			}
			must(t, c.Ops.(sock.DissolveOps).Dissolve(c))
			if i%2 == 0 {
				if err := <-read; err != nil && err != syscall.ENOTCONN && err != syscall.ECONNRESET {
					t.Error("who was reading: ", err)
				}
			}
			_, err = s.Recv(make([]byte, 9), 0)
			fails(t, "the peer reads", err, syscall.ECONNRESET)
			must(t, s.Close())
			if v, err := c.GetInt(syscall.IPPROTO_TCP, syscall.TCP_NODELAY); err != nil || v != 1 {
				t.Error(v, err)
			}
		}
		must(t, l.Ops.(sock.DissolveOps).Dissolve(l))
		fails(t, "connect to who listens no more", c.Ops.Connect(c, name, 0), syscall.ECONNREFUSED)
		must(t, l.Ops.Listen(l, 4))
		name, _ = l.Names()
		must(t, c.Ops.Connect(c, name, 0))
	})
}

func recvAll(t *testing.T, s *sock.Socket, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := s.Recv(b, sock.MsgWaitall); err != nil || string(b[:n]) != want {
		t.Fatalf("%q %v", b[:n], err)
	}
}
