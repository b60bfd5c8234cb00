package api

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// lots is more than any connection takes without a reader.
var lots = make([]byte, 64<<20)

func TestAsNetReadWrite(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.pair()
		n, err := c.Write([]byte("hello"))
		w.result("write", n, err)
		n, err = c.Write(nil)
		w.result("write nothing", n, err)
		b := make([]byte, 3)
		n, err = io.ReadFull(s, b)
		w.result("read "+string(b), n, err)
		n, err = s.Read(nil)
		w.result("read into nothing", n, err)
		n, err = s.Read(make([]byte, 10))
		w.result("read the rest", n, err)
		w.err("close", c.Close())
		for range 2 {
			n, err = s.Read(b)
			w.result("read at the end", n, err)
		}
		n, err = s.Read(nil)
		w.result("read into nothing at the end", n, err)
	})
}

func TestAsNetAfterClose(t *testing.T) {
	asNet(t, func(w *world) {
		for _, past := range []bool{false, true} { // closed goes before late
			nc, _ := w.pair()
			c := nc.(tcpConn)
			if past {
				c.SetDeadline(time.Unix(1, 0))
			}
			w.err("close", c.Close())
			w.err("close again", c.Close())
			n, err := c.Read(make([]byte, 1))
			w.result("read", n, err)
			n, err = c.Read(nil)
			w.result("read into nothing", n, err)
			n, err = c.Write([]byte("x"))
			w.result("write", n, err)
			n, err = c.Write(nil)
			w.result("write nothing", n, err)
			m, err := c.ReadFrom(strings.NewReader("x"))
			w.result("readfrom", int(m), err)
			m, err = c.WriteTo(io.Discard)
			w.result("writeto", int(m), err)
			w.err("closeread", c.CloseRead())
			w.err("closewrite", c.CloseWrite())
			w.err("deadline", c.SetDeadline(time.Now()))
			w.err("read deadline", c.SetReadDeadline(time.Now()))
			w.err("write deadline", c.SetWriteDeadline(time.Now()))
			w.err("linger", c.SetLinger(0))
			w.err("nodelay", c.SetNoDelay(true))
			w.err("keepalive", c.SetKeepAlive(true))
			w.err("keepalive period", c.SetKeepAlivePeriod(time.Second))
			w.err("keepalive config", c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}))
			w.err("read buffer", c.SetReadBuffer(1<<16))
			w.err("write buffer", c.SetWriteBuffer(1<<16))
			w.logf("addresses: %v %v", c.LocalAddr() != nil, c.RemoteAddr() != nil)
		}
	})
}

func TestAsNetCloseWakes(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.pair()
		w.blocked(func() {
			n, err := c.Read(make([]byte, 1))
			w.result("read", n, err)
		}, func() { c.Close() })
		n, err := s.Read(make([]byte, 1))
		w.result("the peer's read", n, err)

		c, _ = w.pair()
		w.blocked(func() {
			_, err := c.Write(lots)
			w.err("write", err)
		}, func() { c.Close() })

		c, _ = w.pair() // several at once, in both directions
		var mu sync.Mutex
		errs := map[string]int{}
		w.blocked(func() {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					_, err := c.Read(make([]byte, 1))
					mu.Lock()
					errs[describe(err)]++
					mu.Unlock()
				})
				wg.Go(func() {
					_, err := c.Write(lots)
					mu.Lock()
					errs[describe(err)]++
					mu.Unlock()
				})
			}
			wg.Wait()
		}, func() { c.Close() })
		w.logf("all: %v", errs)
	})
}

func TestAsNetDeadlines(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.pair()
		one := make([]byte, 1)
		s.Write([]byte("xyz"))
		w.settle()
		w.err("past", c.SetDeadline(time.Now().Add(-time.Second)))
		n, err := c.Read(one)
		w.result("read with data there", n, err)
		n, err = c.Read(nil)
		w.result("read into nothing", n, err)
		n, err = c.Write(one)
		w.result("write with room there", n, err)
		n, err = c.Write(nil)
		w.result("write nothing", n, err)
		w.err("lifted", c.SetDeadline(time.Time{}))
		n, err = c.Read(one)
		w.result("read", n, err)
		n, err = c.Write(one)
		w.result("write", n, err)

		w.err("read only", c.SetReadDeadline(time.Unix(1, 0)))
		n, err = c.Read(one)
		w.result("read", n, err)
		n, err = c.Write(one)
		w.result("write", n, err)
		soon(w, c)
		io.ReadFull(c, make([]byte, 2)) // the rest: nothing is there any more

		start := time.Now()
		w.err("near", c.SetReadDeadline(time.Now().Add(30*time.Millisecond)))
		n, err = c.Read(one)
		w.result("read", n, err)
		if d := time.Since(start); d < 30*time.Millisecond || d > 20*time.Second {
			w.Errorf("the deadline came after %v", d)
		}
		soon(w, c)
		w.blocked(func() {
			n, err := c.Read(one)
			w.result("moved nearer", n, err)
		}, func() { c.SetReadDeadline(time.Now().Add(time.Millisecond)) })
		w.err("near", c.SetReadDeadline(time.Now().Add(16*w.moment)))
		w.blocked(func() {
			n, err := c.Read(one)
			w.result("moved away, and data", n, err)
		}, func() {
			c.SetReadDeadline(time.Now().Add(time.Hour))
			time.Sleep(20 * w.moment)
			s.Write([]byte("y"))
		})
		w.blocked(func() {
			n, err := c.Write(lots)
			w.err("write, moved nearer", err)
			w.logf("a part was written: %v", n > 0 && n < len(lots))
		}, func() {
			s.Read(make([]byte, 1)) // a part was written, then
			c.SetWriteDeadline(time.Now())
		})
	})
}

func TestAsNetHalfClose(t *testing.T) {
	asNet(t, func(w *world) {
		nc, s := w.pair()
		c := nc.(tcpConn)
		b := make([]byte, 10)
		c.Write([]byte("last words"))
		w.err("closewrite", c.CloseWrite())
		n, err := c.Write(b)
		w.result("write after closewrite", n, err)
		w.err("closewrite again", c.CloseWrite())
		got, err := io.ReadAll(s)
		w.result("the peer reads to the end: "+string(got), len(got), err)
		n, err = s.Write([]byte("answer"))
		w.result("the peer writes", n, err)
		n, err = c.Read(b)
		w.result("read", n, err)
		w.err("the peer's close", s.Close())
		n, err = c.Read(b)
		w.result("read the end", n, err)
		w.err("close", c.Close())

		nc, s = w.pair()
		c = nc.(tcpConn)
		w.err("closeread", c.CloseRead())
		n, err = c.Read(b)
		w.result("read after closeread", n, err)
		n, err = c.Write([]byte("x"))
		w.result("write after closeread", n, err)
		n, err = s.Read(b)
		w.result("the peer reads", n, err)

		nc, _ = w.pair()
		c = nc.(tcpConn)
		w.blocked(func() {
			n, err := c.Read(b)
			w.result("read meanwhile", n, err)
		}, func() { c.CloseRead() })
		w.blocked(func() {
			_, err := c.Write(lots)
			w.err("write meanwhile", err)
		}, func() { c.CloseWrite() })
	})
}

func TestAsNetReset(t *testing.T) {
	asNet(t, func(w *world) {
		b := make([]byte, 10)
		reset := func() tcpConn {
			c, s := w.pair()
			w.err("linger", s.(tcpConn).SetLinger(0))
			w.err("close", s.Close())
			w.settle()
			return c.(tcpConn)
		}
		c := reset()
		for range 2 {
			n, err := c.Read(b)
			w.result("read", n, err)
		}
		n, err := c.Write(b)
		w.result("write", n, err)
		w.err("closewrite", c.CloseWrite())
		w.err("closeread", c.CloseRead())
		w.err("close", c.Close())

		c = reset()
		for range 2 {
			n, err := c.Write(b)
			w.result("write", n, err)
		}
		n, err = c.Read(b)
		w.result("read", n, err)

		x, s := w.pair()
		w.blocked(func() {
			n, err := x.Read(b)
			w.result("read while it is reset", n, err)
		}, func() { s.(tcpConn).SetLinger(0); s.Close() })

		x, s = w.pair() // a close that throws away data is a reset
		x.Write(b)
		w.settle()
		s.Close()
		n, err = x.Read(b)
		w.result("read from one that did not read", n, err)

		x, s = w.pair() // data for one that is gone
		s.Close()
		n, err = x.Read(b)
		w.result("read the end", n, err)
		n, err = x.Write(b)
		w.result("write to nobody", n, err)
		w.settle()
		n, err = x.Write(b)
		w.result("write again", n, err)
		n, err = x.Read(b)
		w.result("read again", n, err)

		x, s = w.pair() // data that came before the reset is read before it
		s.Write(b)
		w.settle()
		s.(tcpConn).SetLinger(0)
		s.Close()
		w.settle()
		for range 3 {
			n, err := x.Read(b)
			w.result("read what came before", n, err)
		}
	})
}

func TestAsNetCopy(t *testing.T) {
	asNet(t, func(w *world) {
		w.copyBothWays()
		c, s := w.pair() // errors on the way
		n, err := c.(tcpConn).ReadFrom(io.MultiReader(strings.NewReader("abc"), failing{}))
		w.result("readfrom a reader that fails", int(n), err)
		n, err = io.Copy(c, io.LimitReader(zeros{}, 10))
		w.result("copy", int(n), err)
		s.(tcpConn).SetLinger(0)
		s.Close()
		_, err = c.(tcpConn).ReadFrom(zeros{})
		w.err("readfrom into a reset", err)
		c.SetReadDeadline(time.Unix(1, 0))
		n, err = c.(tcpConn).WriteTo(io.Discard)
		w.result("writeto too late", int(n), err)
	})
}

func (w *world) copyBothWays() {
	data := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	c, s := w.pair()
	go func() {
		io.Copy(s, s) // both ways through one connection
		s.(tcpConn).CloseWrite()
	}()
	go func() {
		c.(tcpConn).ReadFrom(bytes.NewReader(data))
		c.(tcpConn).CloseWrite()
	}()
	var back bytes.Buffer
	n, err := c.(tcpConn).WriteTo(&back)
	w.result("writeto", int(n), err)
	w.logf("equal: %v", bytes.Equal(back.Bytes(), data))
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("no more") }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestAsNetOptions(t *testing.T) {
	asNet(t, func(w *world) {
		nc, _ := w.pair()
		c := nc.(tcpConn)
		for _, on := range []bool{true, false} {
			w.err("nodelay", c.SetNoDelay(on))
			w.err("keepalive", c.SetKeepAlive(on))
		}
		for _, d := range []time.Duration{time.Minute, time.Millisecond, 0, -1} {
			w.err("keepalive period", c.SetKeepAlivePeriod(d))
			w.err("keepalive config", c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: d, Interval: d, Count: int(d / time.Minute)}))
		}
		w.err("keepalive off", c.SetKeepAliveConfig(net.KeepAliveConfig{}))
		w.err("keepalive too often", c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Count: 1000}))
		w.err("keepalive too late", c.SetKeepAlivePeriod(1e6*time.Second))
		for _, sec := range []int{-1, 0, 1, 0, -5} {
			w.err("linger", c.SetLinger(sec))
		}
		for _, n := range []int{1, 1 << 16, 1 << 30} {
			w.err("read buffer", c.SetReadBuffer(n))
			w.err("write buffer", c.SetWriteBuffer(n))
		}
		w.blocked(func() { c.Write(lots) }, func() {
			w.err("write buffer during a write", c.SetWriteBuffer(1<<16))
			w.err("read buffer during a write", c.SetReadBuffer(1<<16))
			w.err("close", c.Close())
		})
	})
}
