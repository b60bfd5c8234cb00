package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// TestZeroWindow: 150 clients ask for much and read nothing (CVE-2008-4609). Others
// are served meanwhile, no buffers are held for the stuck ones, and when they go
// everything is free again.
func TestZeroWindow(t *testing.T) {
	b := newBed(t)
	addr := serveTCP(t, b.plane.Listen, planeIP+":19", supply(1<<30))
	echoAt := serveTCP(t, b.plane.Listen, planeIP+":7", echo)
	base, _ := b.plane.Buffers()
	var stuck []net.Conn
	for range 150 {
		c, err := net.Dial("tcp", addr)
		must(t, err)
		defer c.Close()
		must(t, c.(*net.TCPConn).SetReadBuffer(4096))
		stuck = append(stuck, c)
	}
	time.Sleep(500 * time.Millisecond)
	b.quiet(base + 64)
	must(t, short(net.Dial, echoAt, 50))
	for _, c := range stuck {
		c.Close()
	}
	b.quiet(base)
}

// TestSlowReader reads 3 MB in small bites with long pauses from a small window:
// no stall, nothing lost (window updates, silly window avoidance, probes).
func TestSlowReader(t *testing.T) {
	b := newBed(t)
	for _, d := range []struct {
		name string
		dial dialer
		addr string
	}{
		{"kernel reads", net.Dial, serveTCP(t, b.plane.Listen, planeIP+":19", supply(3<<20))},
		{"plane reads", b.plane.Dial, serveTCP(t, net.Listen, kernelIP+":19", supply(3<<20))},
	} {
		t.Run(d.name, func(t *testing.T) {
			c, err := d.dial("tcp", d.addr)
			must(t, err)
			defer c.Close()
			soon(t, c)
			must(t, c.(halves).SetReadBuffer(8192))
			must(t, fetch(&sipping{Conn: c}, 3<<20))
		})
	}
}

// sipping is a connection that is read 10 kB at a time, at first with pauses.
type sipping struct {
	net.Conn
	n int
}

func (s *sipping) Read(b []byte) (int, error) {
	if s.n++; s.n < 100 {
		time.Sleep(5 * time.Millisecond)
	}
	return s.Conn.Read(b[:min(len(b), 10000)])
}

// TestCloseUnderLoad closes the plane in the middle of everything: no error, every
// buffer home (which newBed checks), every goroutine of the program let go.
func TestCloseUnderLoad(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			up := serveTCP(t, b.plane.Listen, planeIP+":9", discard)
			down := serveTCP(t, b.plane.Listen, planeIP+":19", supply(1<<40))
			sink := serveTCP(t, net.Listen, kernelIP+":9", discard)
			b.plane.ListenPacket("udp", planeIP+":9") // full before long
			var wg sync.WaitGroup
			for _, addr := range []string{up, down} {
				for range 4 {
					c, err := net.Dial("tcp", addr)
					must(t, err)
					defer c.Close()
					wg.Go(func() { io.Copy(struct{ io.Writer }{c}, &pattern{}) })
					wg.Go(func() { io.Copy(io.Discard, c) })
				}
			}
			c, err := b.plane.Dial("tcp", sink)
			must(t, err)
			wg.Go(func() { io.Copy(struct{ io.Writer }{c}, &pattern{}) })
			u, err := net.Dial("udp", planeIP+":9")
			must(t, err)
			defer u.Close()
			for range 2000 {
				u.Write(block[:1000])
			}
			time.Sleep(200 * time.Millisecond)
			start := time.Now()
			must(t, b.plane.Close())
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("Close took %v", d)
			}
			waited := make(chan struct{})
			go func() { wg.Wait(); close(waited) }()
			select {
			case <-waited:
			case <-time.After(5 * time.Second):
				// The kernel's ends may still wait for a peer that is gone; ours may not.
				c.SetDeadline(time.Now())
			}
		})
	}
}
