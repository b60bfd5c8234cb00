package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

// tcpPair returns a connection of the kernel's to a server that runs serve.
func tcpPair(t *testing.T, serve func(net.Conn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go accept(l, serve)
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); l.Close() })
	return c
}

func TestPatternIsPeriodic(t *testing.T) {
	for off := range period {
		if a, b := pattern[off%period:][:chunk], pattern[(off+1)%period:][:chunk-1]; !bytes.Equal(a[1:], b) {
			t.Fatalf("the chunk at %d does not go on at %d", off, off+1)
		}
	}
}

// atWork runs a load until it has done something: on a machine that has other work a
// short window may have nothing.
func atWork(l load) (n count, err error) {
	for d := 10 * time.Millisecond; n.ops == 0 && err == nil && d < 10*time.Second; d *= 2 {
		n, err = l.run(d)
	}
	return n, err
}

func TestEcho(t *testing.T) {
	for _, window := range []int{1, 8} {
		e := newEcho([]net.Conn{tcpPair(t, serveEcho), tcpPair(t, serveEcho)}, window)
		n, err := atWork(e)
		if err != nil || n.ops == 0 || n.bytes != n.ops*msgSize {
			t.Errorf("window %d: %+v, %v", window, n, err)
		}
	}
}

func TestEchoNoticesDamage(t *testing.T) {
	e := newEcho([]net.Conn{tcpPair(t, func(c net.Conn) {
		buf := make([]byte, msgSize)
		for i := 0; ; i++ {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if i == 5 {
				buf[20]++
			}
			c.Write(buf[:n])
		}
	})}, 1)
	if _, err := e.run(time.Second); err == nil || !strings.Contains(err.Error(), "message 5 came back") {
		t.Errorf("%v", err)
	}
}

func TestBulk(t *testing.T) {
	c := tcpPair(t, serveBulk)
	for _, dir := range []byte{sendToServer, readFromIt, sendToServer} {
		b := &bulk{conn: c, dir: dir, write: chunk}
		for range 2 {
			n, err := atWork(b)
			if err != nil || n.bytes < 1<<20 || n.ops != n.bytes>>10 {
				t.Errorf("%c: %+v, %v", dir, n, err)
			}
		}
	}
}

func TestBulkNoticesDamage(t *testing.T) {
	send := func(c net.Conn) { // one byte too many in the middle
		c.Write(pattern[:1000])
		c.Write(pattern[999:2000])
	}
	a, b := net.Pipe()
	go send(a)
	if err := drain(b, 2000); err == nil || !strings.Contains(err.Error(), "not those that were sent") {
		t.Errorf("%v", err)
	}
}

func TestKernelDatagrams(t *testing.T) {
	for _, window := range []int{1, 8} {
		s, err := loopback.udp(window)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := atWork(s.load); err != nil || n.ops == 0 {
			t.Errorf("window %d: %+v, %v", window, n, err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}
