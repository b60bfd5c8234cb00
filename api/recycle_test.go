package api

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// TestClosedReachesNothing: the part of a connection that the lcore has serves another
// one after Close. Whoever still calls the closed one gets net.ErrClosed, and the new
// one notices nothing.
func TestClosedReachesNothing(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for i := range 40 {
			c, err := a.Dial("tcp", "10.0.0.2:80")
			if err != nil {
				t.Fatal(err)
			}
			d, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			name := c.LocalAddr().String()
			for _, x := range []net.Conn{c, d} {
				wg.Go(func() { pester(x.(*TCPConn), stop) })
			}
			first, second := c, d
			if i%2 == 0 {
				first, second = d, c
			}
			first.Close()  //nolint:errcheck // the test is of what comes after
			second.Close() //nolint:errcheck // as above
			if got := c.LocalAddr().String(); got != name {
				t.Fatalf("a closed connection from %s is now from %s", name, got)
			}
			exchangeOnce(t, a, l)
		}
		close(stop)
		wg.Wait()
	})
}

// pester calls whatever there is, and longer than the connection lives.
func pester(c *TCPConn, stop chan struct{}) {
	b := make([]byte, 8)
	for {
		c.SetReadDeadline(time.Now().Add(time.Millisecond)) //nolint:errcheck // here and below: it may be closed
		c.Read(b)                                           //nolint:errcheck
		c.Write([]byte("stray"))                            //nolint:errcheck
		c.SetNoDelay(true)                                  //nolint:errcheck
		c.SetWriteBuffer(1 << 16)                           //nolint:errcheck
		c.SetReadBuffer(1 << 16)                            //nolint:errcheck
		c.CloseWrite()                                      //nolint:errcheck
		if x, _, err := c.ReadBuffers(1); err == nil {
			c.Release(len(x)) //nolint:errcheck
		}
		if _, err := c.Read(b); errors.Is(err, net.ErrClosed) {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// exchangeOnce opens a connection and sends a message each way.
func exchangeOnce(t *testing.T, n *Net, l net.Listener) {
	t.Helper()
	c, err := n.Dial("tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range [2][2]net.Conn{{c, d}, {d, c}} {
		if _, err := p[0].Write([]byte("message")); err != nil {
			t.Fatal(err)
		}
		if err := p[0].(*TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(p[1]); string(got) != "message" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	c.Close() //nolint:errcheck // as above
	d.Close() //nolint:errcheck // as above
}
