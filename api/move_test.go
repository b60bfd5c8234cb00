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

	"dataplane/lcore"
	"dataplane/perf"
)

// mover lets random flow groups of some planes change their lcores until it is
// stopped.
func mover(planes ...*Net) (stop func() (moves int)) {
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-quit:
				done <- n
				return
			case <-time.After(time.Millisecond):
			}
			p := planes[rand.IntN(len(planes))]
			var set lcore.FlowSet
			for i := range set {
				set[i] = rand.IntN(2) == 0
			}
			k, _ := p.group.Move(set, rand.IntN(p.group.Len()), perf.Now()) // ErrBusy may be
			n += k
		}
	}()
	return func() int { close(quit); return <-done }
}

// talk sends and reads back messages of its own until it has done so many.
func talk(c net.Conn, rounds int) error {
	out, in := make([]byte, 3000), make([]byte, 3000)
	for i := range rounds {
		for k := range out {
			out[k] = byte(i * (k + 1))
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, in); err != nil {
			return fmt.Errorf("after %d rounds: %w", i, err)
		}
		if !bytes.Equal(in, out) {
			return fmt.Errorf("round %d: something else came back", i)
		}
	}
	return nil
}

// echoes answers every connection of l with what it says.
func echoes(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(c, c) //nolint:errcheck // the client judges
			c.Close()
		}()
	}
}

// TestMoveLive: connections that live on, and ones that come and go, while their
// flows change lcores under real threads.
func TestMoveLive(t *testing.T) {
	for _, mode := range []Mode{ModeShared, ModeLocked} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pipe(t, Config{Mode: mode, Lcores: []int{AnyCPU, AnyCPU}})
			l, err := b.Listen("tcp", ":7")
			if err != nil {
				t.Fatal(err)
			}
			go echoes(l)
			stop := mover(a, b)
			rounds := 60
			if testing.Short() {
				rounds = 15
			}
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					for k := range 1 + i%3*5 { // some stay, some come again
						c, err := a.Dial("tcp", "10.0.0.2:7")
						if err == nil {
							c.SetDeadline(time.Now().Add(2 * time.Minute)) //nolint:errcheck // a TCPConn
							err = talk(c, rounds/(1+i%3*5))
							c.Close()
						}
						if err != nil {
							t.Errorf("connection %d.%d: %v", i, k, err)
							return
						}
					}
				})
			}
			wg.Go(func() { countedDatagrams(t, a, b, rounds) })
			wg.Wait()
			if n := stop(); n == 0 {
				t.Error("nothing has moved")
			}
		})
	}
}

// countedDatagrams exchanges numbered datagrams over a connected socket.
func countedDatagrams(t *testing.T, a, b *Net, rounds int) {
	srv, err := b.ListenPacket("udp", ":9")
	if err != nil {
		t.Error(err)
		return
	}
	defer srv.Close()
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := srv.ReadFrom(buf)
			if err != nil {
				return
			}
			srv.WriteTo(buf[:n], from) //nolint:errcheck // the client asks again
		}
	}()
	c, err := a.Dial("udp", "10.0.0.2:9")
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	buf := make([]byte, 100)
	for i := range rounds * 5 {
		c.Write([]byte{byte(i), byte(i >> 8)})              //nolint:errcheck // judged by the answer
		c.SetReadDeadline(time.Now().Add(30 * time.Second)) //nolint:errcheck // a UDPConn
		if n, err := c.Read(buf); err != nil || n != 2 || buf[0] != byte(i) || buf[1] != byte(i>>8) {
			t.Errorf("datagram %d: %d bytes, %v", i, n, err)
			return
		}
	}
}

// TestCloseWhileMoving: a plane ends in the middle of moves.
func TestCloseWhileMoving(t *testing.T) {
	for i := range 10 {
		a, b := pipe(t, Config{Mode: []Mode{ModeShared, ModeLocked}[i%2], Lcores: []int{AnyCPU, AnyCPU}})
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		go echoes(l)
		stop := mover(a, b)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				c, err := a.Dial("tcp", "10.0.0.2:7")
				if err != nil {
					return // the plane was faster
				}
				talk(c, 1000) //nolint:errcheck // ends with the plane
			})
		}
		time.Sleep(time.Duration(5+i) * time.Millisecond)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		stop()
	}
}

// Connections that code on an lcore serves stay where they are.
func TestRootedFlowsStay(t *testing.T) {
	a, b := pipe(t, Config{Mode: ModeShared, Lcores: []int{AnyCPU, AnyCPU}})
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	go l.(*TCPListener).ServeResident(func(c net.Conn) { //nolint:errcheck // until the end
		io.Copy(c, struct{ io.Reader }{c}) //nolint:errcheck // the client judges
		c.Close()
	})
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	if err := talk(c, 5); err != nil {
		t.Fatal(err)
	}
	var all lcore.FlowSet
	for i := range all {
		all[i] = true
	}
	for to := range 2 {
		before := b.group.Owns(1 - to)
		n, err := b.group.Move(all, to, perf.Now())
		if err != nil || n < before-1 {
			t.Errorf("%d of %d groups moved to lcore %d: %v", n, before, to, err)
		}
	}
	if b.group.Owns(0)+b.group.Owns(1) != lcore.Flows || b.group.Owns(0) > 1 {
		t.Errorf("lcore 0 owns %d groups, lcore 1 %d", b.group.Owns(0), b.group.Owns(1))
	}
	if err := talk(c, 5); err != nil {
		t.Error(err)
	}
	c.Close()
}

// TestMoveBeforeServe: connections that wait to be accepted while their flows move are met
// on the lcore where they live, by handlers and by tasks.
func TestMoveBeforeServe(t *testing.T) {
	for _, serve := range []string{"handlers", "tasks"} {
		t.Run(serve, func(t *testing.T) {
			a, b := pipe(t, Config{Lcores: []int{AnyCPU, AnyCPU}})
			ln, err := b.Listen("tcp", ":7")
			if err != nil {
				t.Fatal(err)
			}
			l := ln.(*TCPListener)
			var conns []net.Conn
			for range 20 {
				conns = append(conns, call(t, a))
			}
			moved, all := 0, lcore.FlowSet{}
			for i := range all {
				all[i] = true
			}
			eventually(t, "the flows move", func() bool {
				k, err := b.group.Move(all, 1, perf.Now())
				moved += k
				return err == nil
			})
			if moved == 0 || b.group.Owns(0) != 0 {
				t.Fatalf("%d groups moved", moved)
			}
			var at [2]atomic.Int32
			done := make(chan error, 1)
			go func() {
				if serve == "tasks" {
					done <- l.ServeResident(func(c net.Conn) {
						defer c.Close()
						at[c.(*TCPConn).s.SK().Core().ID].Add(1)
						io.Copy(c, c) //nolint:errcheck // the client judges
					})
					return
				}
				done <- l.ServeHandler(func(c *Inside) Handler {
					at[c.Lcore()].Add(1)
					return &echoInside{ends: new(atomic.Int32)}
				})
			}()
			for i, c := range conns {
				c.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a TCPConn
				if err := talk(c, 3); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
				c.Close()
			}
			if at[0].Load() != 0 || at[1].Load() != 20 {
				t.Errorf("met on lcore 0: %d, on 1: %d", at[0].Load(), at[1].Load())
			}
			l.Close()
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
}
