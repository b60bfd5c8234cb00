package inet

import (
	"os"
	"syscall"
	"testing"
	"time"

	"dataplane/ip"
	"dataplane/sock"
)

func TestStreamConnect(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(80)
		for range 20 {
			c := a.socket(sock.TypeStream)
			must(t, c.Ops.Connect(c, name, 0))
			s, err := l.Ops.Accept(l, 0)
			must(t, err)
			cl, cr := c.Names()
			sl, sr := s.Names()
			if cl != sr || cr != sl || cr != name || cl.Addr != a.at(0).Addr {
				t.Errorf("the ends disagree: %v %v, %v %v", cl, cr, sl, sr)
			}
			if peer, err := c.Ops.GetName(c, true); err != nil || peer != name {
				t.Errorf("peer %v, %v", peer, err)
			}
			if c.State() != sock.Connected || s.State() != sock.Connected || len(c.Group()) != 1 {
				t.Errorf("%v %v, %d Socks", c.State(), s.State(), len(c.Group()))
			}
			fails(t, "connect again", c.Ops.Connect(c, name, 0), syscall.EISCONN)
			fails(t, "connect a listener", l.Ops.Connect(l, name, 0), syscall.EISCONN)
			s.Close()
			c.Close()
		}
	})
}

func TestStreamConnectFails(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c := a.socket(sock.TypeStream)
		fails(t, "no route", c.Ops.Connect(c, nameAt("192.0.2.1:80"), 0), syscall.ENETUNREACH)
		fails(t, "port 0", c.Ops.Connect(c, b.at(0), 0), syscall.EADDRNOTAVAIL)
		fails(t, "a group", c.Ops.Connect(c, nameAt("224.0.0.9:80"), 0), syscall.ENETUNREACH)
		fails(t, "everybody", c.Ops.Connect(c, nameAt("10.0.0.255:80"), 0), syscall.ENETUNREACH)
		for range 3 {
			fails(t, "refused", c.Ops.Connect(c, b.at(81), 0), syscall.ECONNREFUSED)
		}
		if c.State() != sock.Unconnected || len(c.Group()) != len(a.Stacks()) {
			t.Errorf("state %v, %d Socks", c.State(), len(c.Group()))
		}
		l, name := b.listener(81)
		must(t, c.Ops.Connect(c, name, 0)) // the same Socket, at last
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		s.Close()

		d := a.socket(sock.TypeStream) // a port that was asked for stays
		must(t, d.Ops.Bind(d, a.at(5000)))
		fails(t, "refused", d.Ops.Connect(d, b.at(82), 0), syscall.ECONNREFUSED)
		if local, _ := d.Names(); d.State() != sock.Bound || local.Port != 5000 {
			t.Errorf("state %v, port %d", d.State(), local.Port)
		}
		must(t, d.Ops.Connect(d, name, 0))
		if local, _ := d.Names(); local != a.at(5000) {
			t.Errorf("connected from %v", local)
		}
		e := a.socket(sock.TypeStream)
		fails(t, "bind where somebody is", e.Ops.Bind(e, a.at(5000)), syscall.EADDRINUSE)
		d.Close()
		must(t, e.Ops.Bind(e, a.at(5000)))
	})
}

func TestStreamConnectDeadline(t *testing.T) {
	a, _ := beds(t, 1)
	c := a.socket(sock.TypeStream)
	c.Wr.SetDeadline(time.Now().Add(20 * time.Millisecond))
	fails(t, "nobody there", c.Ops.Connect(c, nameAt("10.0.0.77:80"), 0), os.ErrDeadlineExceeded)
	if c.State() != sock.Connecting {
		t.Errorf("state %v", c.State())
	}
	bound(c) // as connect(2): another call waits on
	go func() {
		time.Sleep(20 * time.Millisecond)
		c.Close()
	}()
	fails(t, "closed meanwhile", c.Ops.Connect(c, nameAt("10.0.0.77:80"), 0), sock.ErrClosed)
	eventually(t, "tcp has let go", func() bool { return conns(a) == 0 })
}

// conns is how many connections a host's TCP knows.
func conns(h *bed) (n int) {
	for _, st := range h.Stacks() {
		st.Core.Call(func() {
			conns, requests, _, _ := st.TCP.Counts()
			n += conns + requests
		})
	}
	return n
}

// To itself: by its address, by loopback, and by the wildcard.
func TestStreamLoopback(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		l := a.socket(sock.TypeStream)
		must(t, l.Ops.Bind(l, sock.Name{Port: 80}))
		must(t, l.Ops.Listen(l, 5))
		for _, to := range []string{"10.0.0.1:80", "127.0.0.1:80", "127.1.2.3:80", "0.0.0.0:80"} {
			c := a.socket(sock.TypeStream)
			must(t, c.Ops.Connect(c, nameAt(to), 0))
			s, err := l.Ops.Accept(l, 0)
			must(t, err)
			if cl, cr := c.Names(); cl.Addr != ip.SelfOf(cr.Addr) || cr.IsWildcard() {
				t.Errorf("%s: from %v to %v", to, cl, cr)
			}
			s.Close()
			c.Close()
		}
	})
}

func TestStreamListen(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		s := b.socket(sock.TypeStream)
		_, err := s.Ops.Accept(s, 0)
		fails(t, "accept before listen", err, syscall.EINVAL)
		must(t, s.Ops.Listen(s, 3)) // binds
		local, _ := s.Names()
		if local.Port < FirstEphemeral {
			t.Errorf("port %d", local.Port)
		}
		must(t, s.Ops.Listen(s, 7))
		_, err = s.Ops.Accept(s, sock.MsgDontwait)
		fails(t, "nobody there", err, syscall.EAGAIN)
		s.Rd.SetDeadline(time.Now())
		_, err = s.Ops.Accept(s, 0)
		fails(t, "too late", err, os.ErrDeadlineExceeded)
		bound(s)
		done := make(chan error)
		for range 3 {
			go func() { _, err := s.Ops.Accept(s, 0); done <- err }()
		}
		time.Sleep(10 * time.Millisecond)
		must(t, s.Ops.Shutdown(s, syscall.SHUT_RD))
		for range 3 {
			fails(t, "accept after shutdown", <-done, syscall.EINVAL)
		}
		fails(t, "close", s.Close(), nil)
		_, err = s.Ops.Accept(s, 0)
		fails(t, "accept after close", err, sock.ErrClosed)
		c := a.socket(sock.TypeStream)
		fails(t, "connect", c.Ops.Connect(c, sock.Name{Addr: b.at(0).Addr, Port: local.Port}, 0), syscall.ECONNREFUSED)
	})
}

// A listener that is closed resets whom nobody accepted, and its port is free.
func TestStreamListenerClose(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		for range 5 {
			l, name := b.listener(80)
			var cs []*sock.Socket
			for range 8 {
				c := a.socket(sock.TypeStream)
				must(t, c.Ops.Connect(c, name, 0))
				cs = append(cs, c)
			}
			eventually(t, "all wait to be accepted", func() bool { return conns(b) >= 8 })
			must(t, l.Close())
			for _, c := range cs {
				_, err := c.Recv(make([]byte, 1), 0)
				fails(t, "receive", err, syscall.ECONNRESET)
				c.Close()
			}
			eventually(t, "nothing is left", func() bool { return conns(a)+conns(b) == 0 })
		}
	})
}

func TestStreamShutdown(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		u := a.socket(sock.TypeStream)
		fails(t, "unconnected", u.Ops.Shutdown(u, syscall.SHUT_WR), syscall.ENOTCONN)
		c, s := streams(a, b)
		fails(t, "how", c.Ops.Shutdown(c, 9), syscall.EINVAL)
		c.Send([]byte("abc"), 0)
		must(t, c.Ops.Shutdown(c, syscall.SHUT_WR))
		_, err := c.Send([]byte("d"), 0)
		fails(t, "send", err, syscall.EPIPE)
		buf := make([]byte, 10)
		if n, err := s.Recv(buf, sock.MsgWaitall); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := s.Recv(buf, 0); n != 0 || err != nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
		if n, err := s.Send([]byte("xyz"), 0); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := c.Recv(buf, 0); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		must(t, s.Ops.Shutdown(s, syscall.SHUT_RDWR))
		if n, err := c.Recv(buf, 0); n != 0 || err != nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
		eventually(t, "the connection is over", func() bool { return s.Ops.Shutdown(s, syscall.SHUT_WR) == syscall.ENOTCONN })
	})
}

func TestStreamLinger(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := streams(a, b)
		must(t, c.SetLinger(0))
		must(t, c.Close())
		_, err := s.Recv(make([]byte, 1), 0)
		fails(t, "linger 0", err, syscall.ECONNRESET)

		// Close waits until the peer has taken everything.
		lingers(t, a, b, 60, 40*time.Millisecond, func(s *sock.Socket) {
			time.Sleep(50 * time.Millisecond)
			for n, err := 1, error(nil); n > 0 && err == nil; {
				n, err = s.Recv(make([]byte, 1<<20), 0)
			}
		})
		// ... but no longer than that, and not when the plane ends.
		lingers(t, a, b, 1, 900*time.Millisecond, func(*sock.Socket) {})
		c, _ = streams(a, b)
		must(t, c.SetLinger(3600))
		clog(c, 150*time.Millisecond)
		a.End()
		must(t, c.Close())
	})
}

// clog fills a stream: no room is made for so long.
func clog(c *sock.Socket, patience time.Duration) {
	c.Wr.SetTimeout(patience)
	for err := error(nil); err == nil; {
		_, err = c.Send(make([]byte, 1<<20), 0)
	}
}

// lingers closes a stream that is full and lingers for some seconds, and wants that to take
// a while. A busy lcore may make room late: then it was not full, and is tried again.
func lingers(t *testing.T, a, b *bed, seconds int, least time.Duration, peer func(s *sock.Socket)) {
	t.Helper()
	for patience := 50 * time.Millisecond; ; patience *= 4 {
		c, s := streams(a, b)
		must(t, c.SetLinger(seconds))
		clog(c, patience)
		start := time.Now()
		go peer(s)
		must(t, c.Close())
		d := time.Since(start)
		switch {
		case d > 30*time.Second:
			t.Errorf("linger %d: Close took %v", seconds, d)
			return
		case d >= least:
			return
		case patience > 5*time.Second:
			t.Errorf("linger %d: Close took %v only", seconds, d)
			return
		}
	}
}

func TestStreamBind(t *testing.T) {
	a, _ := beds(t, 1)
	s := a.socket(sock.TypeStream)
	fails(t, "foreign", s.Ops.Bind(s, nameAt("10.0.0.2:80")), syscall.EADDRNOTAVAIL)
	must(t, s.Ops.Bind(s, a.at(80)))
	fails(t, "again", s.Ops.Bind(s, a.at(81)), syscall.EINVAL)
	other := a.socket(sock.TypeStream)
	fails(t, "taken", other.Ops.Bind(other, sock.Name{Port: 80}), syscall.EADDRINUSE)
	must(t, other.Ops.Bind(other, nameAt("127.0.0.1:80")))
	must(t, s.Close())
	again := a.socket(sock.TypeStream)
	must(t, again.Ops.Bind(again, a.at(80)))
	u := a.socket(sock.TypeDgram) // UDP has ports of its own
	must(t, u.Ops.Bind(u, a.at(80)))
}

// TestStreamBoundPortComesBack: a port that was bound on every address is free
// again after a connection from it.
func TestStreamBoundPortComesBack(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l := b.socket(sock.TypeStream)
		must(t, l.Ops.Bind(l, sock.Name{Port: 80}))
		must(t, l.Ops.Listen(l, 8))
		s := a.socket(sock.TypeStream)
		must(t, s.Ops.Bind(s, sock.Name{Port: 4000}))
		must(t, s.Ops.Connect(s, sock.Name{Addr: b.addr.As16(), Port: 80}, 0))
		must(t, s.Close())
		if a.tcpPorts.InUse(4000) {
			t.Error("the port is lost")
		}
	})
}
