package e2e

import (
	"context"
	"io"
	"net"
	"time"
)

// halves is what *net.TCPConn offers beyond net.Conn.
type halves interface {
	CloseRead() error
	CloseWrite() error
	SetLinger(sec int) error
	SetReadBuffer(n int) error
}

type scenario struct {
	name string
	run  func(*report)
}

var scenarios = []scenario{
	{"refused", func(r *report) {
		l, err := r.w.listen("tcp", r.w.host+":0")
		must(r.TB, err)
		l.Close()
		_, err = r.w.dial(context.Background(), "tcp", l.Addr().String())
		r.note("dial", err)
	}},
	{"dial cancelled", func(r *report) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := r.w.dial(ctx, "tcp", r.w.host+":9")
		r.note("dial", err)
		ctx, cancel = context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		defer cancel()
		_, err = r.w.dial(ctx, "tcp", r.w.host+":9")
		r.note("dial too late", err)
	}},
	{"dial nonsense", func(r *report) {
		for _, a := range [][2]string{{"tcp", "1.2.3.4"}, {"tcp", "1.2.3.4:99999"}, {"nix", "1.2.3.4:5"}, {"tcp4", "[::1]:80"}} {
			_, err := r.w.dial(context.Background(), a[0], a[1])
			r.say("%s %s: failed %v", a[0], a[1], err != nil)
		}
	}},
	{"close and use", closeAndUse},
	{"orderly end", orderlyEnd},
	{"half close", halfClose},
	{"unread data", unreadData},
	{"reset by linger", resetByLinger},
	{"write to a closed peer", writeToClosed},
	{"deadlines", deadlines},
	{"write deadline", writeDeadline},
	{"close unblocks", closeUnblocks},
	{"listener", listenerLife},
	{"not accepted", notAccepted},
	{"empty reads and writes", func(r *report) {
		c, s, _ := r.tcpPair()
		n, err := c.Write(nil)
		r.io("write nothing", n, err)
		n, err = s.Read(nil)
		r.io("read nothing", n, err)
		c.Close()
		r.settle()
		n, err = s.Read(nil)
		r.io("read nothing at the end", n, err)
	}},
	{"addresses", func(r *report) {
		c, s, l := r.tcpPair()
		r.say("types %T %T %T", c.LocalAddr(), s.RemoteAddr(), l.Addr())
		r.say("agree %v %v", c.LocalAddr().String() == s.RemoteAddr().String(), c.RemoteAddr().String() == s.LocalAddr().String())
		r.say("port %v, network %s", l.Addr().(*net.TCPAddr).Port != 0, l.Addr().Network())
		c.Close()
		r.say("after close %v", c.LocalAddr() != nil && c.RemoteAddr() != nil)
	}},
	{"udp refused", udpRefused},
	{"udp sizes", udpSizes},
	{"udp life", udpLife},
	{"udp connected", udpConnected},
}

func closeAndUse(r *report) {
	c, s, _ := r.tcpPair()
	r.note("close", c.Close())
	r.note("close again", c.Close())
	n, err := c.Read(make([]byte, 1))
	r.io("read", n, err)
	n, err = c.Write([]byte("x"))
	r.io("write", n, err)
	r.note("deadline", c.SetDeadline(time.Now()))
	r.note("close write", c.(halves).CloseWrite())
	r.note("close read", c.(halves).CloseRead())
	r.note("linger", c.(halves).SetLinger(0))
	n, err = readAll(s)
	r.io("the peer reads", n, err)
}

func orderlyEnd(r *report) {
	c, s, _ := r.tcpPair()
	n, err := s.Write([]byte("last words"))
	r.io("write", n, err)
	s.Close()
	r.settle()
	n, err = readAll(c)
	r.io("read", n, err)
	n, err = c.Read(make([]byte, 10))
	r.io("read again", n, err)
}

func halfClose(r *report) {
	c, s, _ := r.tcpPair()
	n, err := c.Write([]byte("question"))
	r.io("write", n, err)
	r.note("close write", c.(halves).CloseWrite())
	n, err = c.Write([]byte("more"))
	r.io("write after it", n, err)
	n, err = readAll(s)
	r.io("the peer reads", n, err)
	n, err = s.Write([]byte("answer"))
	r.io("the peer writes", n, err)
	r.note("close write again", c.(halves).CloseWrite())
	s.Close()
	n, err = readAll(c)
	r.io("read", n, err)

	c, s, _ = r.tcpPair()
	r.note("close read", c.(halves).CloseRead())
	n, err = c.Read(make([]byte, 1))
	r.io("read after it", n, err)
	n, err = c.Write([]byte("still"))
	r.io("write after it", n, err)
	n, err = io.ReadFull(s, make([]byte, 5))
	r.io("the peer reads", n, err)
}

// unreadData: closing with data unread resets the peer.
func unreadData(r *report) {
	c, s, _ := r.tcpPair()
	n, err := c.Write([]byte("nobody reads this"))
	r.io("write", n, err)
	r.settle()
	s.Close()
	r.settle()
	n, err = c.Read(make([]byte, 10))
	r.io("read", n, err)
	n, err = c.Read(make([]byte, 10))
	r.io("read again", n, err)
	n, err = c.Write([]byte("x"))
	r.io("write", n, err)
}

func resetByLinger(r *report) {
	for _, first := range []string{"read", "write"} {
		c, s, _ := r.tcpPair()
		s.Write([]byte("unread"))
		r.settle()
		r.note("linger", s.(halves).SetLinger(0))
		s.Close()
		r.settle()
		if first == "write" {
			n, err := c.Write([]byte("x"))
			r.io("write", n, err)
		}
		for range 2 {
			n, err := c.Read(make([]byte, 10))
			r.io("read", n, err)
		}
		n, err := c.Write([]byte("x"))
		r.io("write", n, err)
	}
	// The reader waits already.
	c, s, _ := r.tcpPair()
	time.AfterFunc(10*time.Millisecond, func() { s.(halves).SetLinger(0); s.Close() })
	n, err := c.Read(make([]byte, 10))
	r.io("waiting read", n, err)
}

func writeToClosed(r *report) {
	c, s, _ := r.tcpPair()
	s.Close()
	r.settle()
	n, err := c.Write([]byte("x"))
	r.io("first write", n, err)
	r.settle()
	n, err = c.Write([]byte("x"))
	r.io("second write", n, err)
	n, err = c.Write([]byte("x"))
	r.io("third write", n, err)
	n, err = c.Read(make([]byte, 1))
	r.io("read", n, err)
}

func deadlines(r *report) {
	c, s, _ := r.tcpPair()
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	r.io("read", n, err)
	n, err = c.Read(make([]byte, 1))
	r.io("read again", n, err)
	n, err = c.Write([]byte("x"))
	r.io("write meanwhile", n, err)
	s.Write([]byte("abc"))
	r.settle()
	n, err = c.Read(make([]byte, 3))
	r.io("read with data there", n, err)
	c.SetReadDeadline(time.Time{})
	n, err = c.Read(make([]byte, 3))
	r.io("read without", n, err)
	c.SetDeadline(time.Now().Add(-time.Hour))
	n, err = c.Read(make([]byte, 3))
	r.io("read in the past", n, err)
	n, err = c.Write([]byte("x"))
	r.io("write in the past", n, err)
	c.SetDeadline(time.Now().Add(time.Hour))
	time.AfterFunc(10*time.Millisecond, func() { c.SetReadDeadline(time.Now()) })
	n, err = c.Read(make([]byte, 3))
	r.io("read cut short", n, err)
}

func writeDeadline(r *report) {
	c, _, _ := r.tcpPair()
	b := make([]byte, 64<<20)
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := c.Write(b)
	r.say("all written %v, some %v", n == 64<<20, n > 0)
	r.note("write", err)
	_, err = c.Write([]byte("x"))
	r.note("write again", err)
}

func closeUnblocks(r *report) {
	c, _, l := r.tcpPair()
	time.AfterFunc(10*time.Millisecond, func() { c.Close() })
	n, err := c.Read(make([]byte, 1))
	r.io("read", n, err)
	c, _, _ = r.tcpPair()
	time.AfterFunc(50*time.Millisecond, func() { c.Close() })
	_, err = c.Write(make([]byte, 64<<20))
	r.note("write", err)
	time.AfterFunc(10*time.Millisecond, func() { l.Close() })
	_, err = l.Accept()
	r.note("accept", err)
	c, _, _ = r.tcpPair()
	time.AfterFunc(10*time.Millisecond, func() { c.(halves).CloseRead() })
	n, err = c.Read(make([]byte, 1))
	r.io("read, close read", n, err)
}

func listenerLife(r *report) {
	l, err := r.w.listen("tcp", r.w.host+":0")
	r.note("listen", err)
	_, err = r.w.listen("tcp", l.Addr().String())
	r.note("the same again", err)
	_, err = r.w.listen("tcp", "192.0.2.7:0")
	r.note("not ours", err)
	must(r.TB, l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = l.Accept()
	r.note("accept", err)
	r.note("close", l.Close())
	r.note("close again", l.Close())
	_, err = l.Accept()
	r.note("accept after it", err)
	l, err = r.w.listen("tcp", l.Addr().String())
	r.note("listen there again", err)
	if err == nil {
		l.Close()
	}
}

// notAccepted: closing a listener resets who waited.
func notAccepted(r *report) {
	l, err := r.w.listen("tcp", r.w.host+":0")
	must(r.TB, err)
	c, err := r.w.dial(context.Background(), "tcp", l.Addr().String())
	must(r.TB, err)
	defer c.Close()
	soon(r.TB, c)
	r.settle()
	l.Close()
	n, err := c.Read(make([]byte, 1))
	r.io("read", n, err)
}
