package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// held measures the memory of connections that nobody uses: it opens them when it
// is run, once, and keeps them. Both ends are in the process, and no goroutine
// waits at either.
type held struct {
	n      int
	listen func(i int) (net.Listener, error)
	dial   func(i int) (net.Conn, error)
	conns  []net.Conn
}

// perPort is how many connections go to one port of the server: a client has some
// 28,000 ports of its own for each.
const perPort = 25000

func (h *held) run(time.Duration) (count, error) {
	h.conns = make([]net.Conn, 0, 2*h.n)
	rss, heap := memory()
	start := time.Now()
	for at := 0; at < h.n; at += perPort {
		if err := h.open(at/perPort, min(perPort, h.n-at)); err != nil {
			return count{}, fmt.Errorf("after %d connections: %w", len(h.conns)/2, err)
		}
	}
	took := time.Since(start)
	if err := h.try(); err != nil {
		return count{}, err
	}
	rss2, heap2 := memory()
	ends := float64(2 * h.n)
	return count{ops: uint64(h.n), values: map[string]float64{
		"bytes":       float64(rss2-rss) / ends,
		"bytes-heap":  float64(heap2-heap) / ends,
		"connections": float64(h.n),
		"open-us":     float64(took.Microseconds()) / float64(h.n),
	}}, nil
}

// open makes n connections to one port.
func (h *held) open(port, n int) error {
	l, err := h.listen(port)
	if err != nil {
		return err
	}
	defer l.Close()
	for range n {
		c, err := h.dial(port)
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		h.conns = append(h.conns, c, s)
	}
	return nil
}

// try sends a message over some of the connections, to see that they live. It is
// done before the memory is looked at.
func (h *held) try() error {
	out, in := message(1), make([]byte, msgSize)
	for i := 0; i < len(h.conns); i += 2 * (h.n/10 + 1) {
		if err := h.conns[i+1].SetDeadline(time.Now().Add(grace)); err != nil {
			return err
		}
		if _, err := h.conns[i].Write(out); err != nil {
			return err
		}
		if n, err := h.conns[i+1].Read(in); err != nil || !bytes.Equal(in[:n], out) {
			return fmt.Errorf("connection %d: %x, %w", i/2, in[:n], err)
		}
	}
	return nil
}

// memory returns what the process has of the machine's memory, after all that is
// free was given back, and the Go heap's part. The first has everything in it: the
// heap, what was mapped, stacks, and what the kernel holds for us is not.
func memory() (rss, heap int64) {
	debug.FreeOSMemory()
	runtime.GC()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if f := bytes.Fields(b); err == nil && len(f) > 1 {
		pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
		rss = pages * int64(os.Getpagesize())
	}
	m := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(m)
	return rss, int64(m[0].Value.Uint64())
}

func planeHeld(n int) (*subject, error) {
	p, err := openPlanes()
	if err != nil {
		return nil, err
	}
	at := func(i int) string { return fmt.Sprintf("10.0.0.2:%d", 7+i) }
	h := &held{
		n:      n,
		listen: func(i int) (net.Listener, error) { return p[1].Listen("tcp", at(i)) },
		dial:   func(i int) (net.Conn, error) { return p[0].Dial("tcp", at(i)) },
	}
	return &subject{load: h, packets: p.packets, close: p.close}, nil
}

func gvisorHeld(n int) (*subject, error) {
	if n > perPort {
		return nil, errors.New("gVisor's side listens on one port")
	}
	g, l, err := listenGvisor(byWire)
	if err != nil {
		return nil, err
	}
	h := &held{
		n:      n,
		listen: func(int) (net.Listener, error) { return l, nil },
		dial:   func(int) (net.Conn, error) { return g.dial() },
	}
	return &subject{load: h, packets: g.packets, close: func() error {
		for _, c := range h.conns {
			c.Close()
		}
		return g.close()
	}}, nil
}
