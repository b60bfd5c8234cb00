package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// eventually waits for what happens by itself.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not: ", what)
		}
	}
}

// sockets is how many sockets a plane keeps in mind.
func (n *Net) sockets() int { return n.open.Len() }

// connections is how many connections TCP knows, not those that rest.
func (n *Net) connections() int {
	sum := 0
	for _, st := range n.host.Stacks() {
		st.Core.Call(func() {
			conns, requests, _, _ := st.TCP.Counts()
			sum += conns + requests
		})
	}
	return sum
}

// A thousand connections, opened and closed one after the other: nothing grows.
func TestThousandConnections(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go echoes(l)
		before := count(t)
		socks := a.sockets() + b.sockets()
		ports := map[int]bool{}
		for i := range 1000 {
			c, err := a.Dial("tcp", "10.0.0.2:80")
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			soon(t, c)
			port := c.LocalAddr().(*net.TCPAddr).Port
			if port < 32768 || port > 60999 {
				t.Errorf("port %d is not ephemeral", port)
			}
			ports[port] = true
			want := fmt.Sprintf("connection %d", i)
			io.WriteString(c, want)
			if i%3 == 0 {
				c.(*TCPConn).SetLinger(0)
			}
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
				t.Fatalf("%q, %v", got, err)
			}
			c.Close()
		}
		if len(ports) < 900 {
			t.Errorf("only %d ports for 1000 connections: they are to be random", len(ports))
		}
		eventually(t, "the servers' connections are over", func() bool { return a.sockets()+b.sockets() == socks })
		eventually(t, "tcp has let go", func() bool { return a.connections()+b.connections() == 0 })
		nothingLeft(t, before)
		for _, n := range []*Net{a, b} {
			eventually(t, "buffers are back", func() bool { used, _ := n.Buffers(); return used == 0 })
		}
	})
}

// A port can be listened on again as soon as Close has returned.
func TestListenAgain(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		for i := range 100 {
			l, err := b.Listen("tcp", ":80")
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			c, err := a.Dial("tcp", "10.0.0.2:80")
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			l.Close()
			if i%2 == 0 {
				s.Close() // TIME-WAIT is on this side
			}
			c.Close()
			s.Close()
		}
	})
}

// Many goroutines read, write, set deadlines on and close one connection.
func TestManyUsersOfOneConnection(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			c, err := a.Dial("tcp", "10.0.0.2:80")
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for _, end := range []net.Conn{c, s} {
				tc := end.(*TCPConn)
				for range 4 {
					wg.Go(func() { buf := make([]byte, 1000); ignore(func() error { _, err := tc.Read(buf); return err }) })
					wg.Go(func() { buf := make([]byte, 3000); ignore(func() error { _, err := tc.Write(buf); return err }) })
				}
				wg.Go(func() { ignore(func() error { return tc.SetDeadline(time.Now().Add(time.Millisecond)) }) })
				wg.Go(func() { ignore(func() error { return tc.SetReadBuffer(8192 + rand.IntN(1<<16)) }) })
				wg.Go(func() { ignore(func() error { return tc.SetWriteBuffer(8192 + rand.IntN(1<<16)) }) })
				wg.Go(func() { ignore(func() error { return tc.SetNoDelay(rand.IntN(2) == 0) }) })
			}
			time.Sleep(20 * time.Millisecond)
			var closes atomic.Int32
			for range 4 {
				wg.Go(func() {
					if c.Close() == nil {
						closes.Add(1)
					}
				})
			}
			wg.Go(func() { s.Close() })
			wg.Wait()
			if closes.Load() != 1 {
				t.Errorf("Close succeeded %d times", closes.Load())
			}
		}
	})
}

// ignore calls f until the connection is closed.
func ignore(f func() error) {
	for {
		if err := f(); errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// What several writers write does not mix, as long as each writes in one call.
func TestWritesAreWhole(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Dial("tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		soon(t, s)
		const size, each, writers = 40_000, 20, 4
		for i := range writers {
			go func() {
				for range each {
					c.Write(bytes.Repeat([]byte{byte('a' + i)}, size))
				}
			}()
		}
		buf := make([]byte, size)
		for range writers * each {
			if _, err := io.ReadFull(s, buf); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(buf, buf[:1]); n != size {
				t.Fatalf("%d of %d bytes are of one writer", n, size)
			}
		}
	})
}

// Datagrams of many goroutines through one socket.
func TestManyUsersOfOneSocket(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		p, err := b.ListenPacket("udp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			go func() {
				buf := make([]byte, 100)
				for {
					n, from, err := p.ReadFrom(buf)
					if err != nil {
						return
					}
					p.WriteTo(buf[:n], from)
				}
			}()
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				c, err := a.Dial("udp", "10.0.0.2:7")
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				soon(t, c)
				buf := make([]byte, 100)
				for k := range 200 {
					want := fmt.Sprint(i, k)
					io.WriteString(c, want)
					n, err := c.Read(buf)
					if err != nil || string(buf[:n]) != want {
						t.Errorf("%q, %v; want %q", buf[:n], err, want)
						return
					}
				}
			})
		}
		wg.Wait()
		p.Close()
		eventually(t, "no socket is left", func() bool { return a.sockets()+b.sockets() == 0 })
	})
}
