package inet

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
)

// dgrams is a bound socket of b's on port 7, and an unbound one of a's.
func dgrams(a, b *bed) (c, s *sock.Socket) {
	a.t.Helper()
	c, s = a.socket(sock.TypeDgram), b.socket(sock.TypeDgram)
	must(a.t, s.Ops.Bind(s, sock.Name{Port: 7}))
	return c, s
}

// recv wants the next datagram to be want.
func recv(t *testing.T, s *sock.Socket, want string) sock.Msg {
	t.Helper()
	m := sock.Msg{Buf: make([]byte, 70000)}
	n, err := s.RecvMsg(&m)
	if err != nil || string(m.Buf[:n]) != want {
		t.Fatalf("%d bytes %.20q, %v; want %d %.20q", n, m.Buf[:n], err, len(want), want)
	}
	return m
}

func TestDgramExchange(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		if _, err := c.SendTo([]byte("ping"), 0, b.at(7)); err != nil {
			t.Fatal(err)
		}
		local, _ := c.Names()
		if c.State() != sock.Bound || local.Port < FirstEphemeral || !local.IsWildcard() {
			t.Errorf("after sending: %v, %v", c.State(), local)
		}
		m := recv(t, s, "ping")
		if from := (sock.Name{Addr: a.at(0).Addr, Port: local.Port}); m.Name != from || !m.Named || m.Local != b.at(7) || m.TTL != 64 || m.Iface != 0 {
			t.Errorf("from %v to %v, TTL %d, iface %d", m.Name, m.Local, m.TTL, m.Iface)
		}
		s.SendTo([]byte("pong"), 0, m.Name)
		recv(t, c, "pong")
		s.SendTo(nil, 0, m.Name)
		if m := recv(t, c, ""); !m.Named || m.Len != 0 {
			t.Errorf("an empty datagram: %+v", m)
		}
		big := string(bytes.Repeat([]byte("0123456789"), 7000)[:maxDatagram])
		if n, err := c.SendTo([]byte(big), 0, b.at(7)); n != maxDatagram || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		recv(t, s, big)
	})
}

func TestDgramErrors(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		send := func(what string, n int, to sock.Name, want error) {
			t.Helper()
			_, err := c.SendTo(make([]byte, n), 0, to)
			fails(t, what, err, want)
		}
		_, err := c.Send([]byte("x"), 0)
		fails(t, "nowhere", err, syscall.EDESTADDRREQ)
		send("port 0", 1, b.at(0), syscall.EINVAL)
		send("too long", maxDatagram+1, b.at(7), syscall.EMSGSIZE)
		send("no route", 1, nameAt("192.0.2.1:7"), syscall.ENETUNREACH)
		send("broadcast", 1, nameAt("10.0.0.255:7"), syscall.EACCES)
		send("everybody", 1, nameAt("255.255.255.255:7"), syscall.EACCES)
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1))
		send("broadcast allowed", 1, nameAt("10.0.0.255:7"), nil)
		recv(t, s, "\x00")
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 0))
		send("broadcast forbidden again", 1, nameAt("10.0.0.255:7"), syscall.EACCES)
		fails(t, "listen", c.Ops.Listen(c, 1), syscall.EOPNOTSUPP)
		_, err = c.Ops.Accept(c, 0)
		fails(t, "accept", err, syscall.EOPNOTSUPP)
		fails(t, "shutdown", c.Ops.Shutdown(c, syscall.SHUT_RD), syscall.ENOTCONN)
		_, err = c.Ops.GetName(c, true)
		fails(t, "peer", err, syscall.ENOTCONN)
		fails(t, "bind again", c.Ops.Bind(c, a.at(9)), syscall.EINVAL)
		d := b.socket(sock.TypeDgram)
		fails(t, "bind to a taken port", d.Ops.Bind(d, b.at(7)), syscall.EADDRINUSE)
		fails(t, "bind to a foreign address", d.Ops.Bind(d, a.at(8)), syscall.EADDRNOTAVAIL)
		must(t, s.Close())
		must(t, d.Ops.Bind(d, b.at(7)))
		_, err = s.Recv(make([]byte, 1), 0)
		fails(t, "receive after close", err, sock.ErrClosed)
		_, err = s.SendTo(nil, 0, a.at(7))
		fails(t, "send after close", err, sock.ErrClosed)
	})
}

func TestDgramTruncation(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		c.SendTo([]byte("truncated"), 0, b.at(7))
		c.SendTo([]byte("whole"), 0, b.at(7))
		for _, flags := range []int{sock.MsgPeek, 0} {
			m := sock.Msg{Buf: make([]byte, 5), Flags: flags}
			n, err := s.RecvMsg(&m)
			if n != 5 || err != nil || m.Flags != sock.MsgTrunc || m.Len != 9 || string(m.Buf) != "trunc" {
				t.Errorf("%d, %v, %+v", n, err, m)
			}
		}
		if m := recv(t, s, "whole"); m.Flags != 0 || m.Len != 5 {
			t.Errorf("%+v", m)
		}
		_, err := s.Recv(make([]byte, 1), sock.MsgDontwait)
		fails(t, "nothing is left", err, syscall.EAGAIN)
		s.Rd.SetDeadline(time.Now().Add(10 * time.Millisecond))
		_, err = s.Recv(make([]byte, 1), 0)
		fails(t, "too late", err, os.ErrDeadlineExceeded)
	})
}

func TestDgramConnected(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		must(t, c.Ops.Connect(c, b.at(7), 0))
		local, remote := c.Names()
		if c.State() != sock.Connected || local.Addr != a.at(0).Addr || remote != b.at(7) || len(c.Group()) != 1 {
			t.Errorf("%v, %v %v, %d Socks", c.State(), local, remote, len(c.Group()))
		}
		c.Send([]byte("one"), 0)
		m := recv(t, s, "one")
		stranger := b.socket(sock.TypeDgram)
		stranger.SendTo([]byte("stranger"), 0, m.Name)
		s.SendTo([]byte("friend"), 0, m.Name)
		recv(t, c, "friend")
		if _, err := c.Recv(make([]byte, 9), sock.MsgDontwait); err != syscall.EAGAIN {
			t.Errorf("the stranger was heard: %v", err)
		}
		s.Close()
		if _, err := c.Send([]byte("two"), 0); err != nil {
			t.Error(err)
		}
		_, err := c.Recv(make([]byte, 9), 0)
		fails(t, "nobody there", err, syscall.ECONNREFUSED)
		c.Send([]byte("three"), 0)
		eventually(t, "the answer is here", func() bool { return c.SK().PeekError() != 0 })
		_, err = c.Send([]byte("four"), 0)
		fails(t, "the next send", err, syscall.ECONNREFUSED)

		done := make(chan error)
		go func() {
			n, err := c.Recv(make([]byte, 9), 0)
			if n != 0 {
				t.Errorf("%d bytes", n)
			}
			done <- err
		}()
		time.Sleep(10 * time.Millisecond)
		fails(t, "how", c.Ops.Shutdown(c, 7), syscall.EINVAL)
		must(t, c.Ops.Shutdown(c, syscall.SHUT_RD))
		fails(t, "receive meanwhile", <-done, nil)
		must(t, c.Ops.Shutdown(c, syscall.SHUT_WR))
		_, err = c.Send([]byte("five"), 0)
		fails(t, "send after shutdown", err, syscall.EPIPE)
	})
}

// Every lcore hears for an unconnected socket, and a name is enough to leave.
func TestDgramManyPeers(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		_, s := dgrams(a, b)
		peers := map[sock.Name]bool{}
		for range 32 {
			c := a.socket(sock.TypeDgram)
			must(t, c.Ops.Connect(c, b.at(7), 0))
			c.Send([]byte("hello"), 0)
			m := recv(t, s, "hello")
			peers[m.Name] = true
			s.SendTo([]byte("hello you"), 0, m.Name)
			recv(t, c, "hello you")
		}
		if len(peers) != 32 {
			t.Errorf("%d peers", len(peers))
		}
	})
}

func TestDgramLoopback(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		s := a.socket(sock.TypeDgram)
		must(t, s.Ops.Bind(s, sock.Name{Port: 7}))
		c := a.socket(sock.TypeDgram)
		for _, to := range []string{"10.0.0.1:7", "127.0.0.1:7", "0.0.0.0:7"} {
			if _, err := c.SendTo([]byte(to), 0, nameAt(to)); err != nil {
				t.Fatal(err)
			}
			m := recv(t, s, to)
			s.SendTo([]byte("back"), 0, m.Name)
			recv(t, c, "back")
		}
	})
}

// A full send ring makes the sender wait, and a full receive ring loses.
func TestDgramFull(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		must(t, c.Ops.Connect(c, b.at(7), 0))
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1))
		must(t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8192))
		buf := make([]byte, 1000)
		for range 500 {
			if n, err := c.Send(buf, 0); n != len(buf) || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if n, err := c.Send(make([]byte, 20000), 0); n != 20000 || err != nil { // bigger than the buffer
			t.Fatalf("%d, %v", n, err)
		}
		quiet(t, a, b)
		got := 0
		for {
			if _, err := s.Recv(buf, sock.MsgDontwait); err != nil {
				break
			}
			got++
		}
		if got < 7 || got > 20 {
			t.Errorf("%d datagrams of 1000 bytes were in a buffer of 8192", got)
		}
	})
}
