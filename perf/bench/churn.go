package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// churn opens connections one after the other, a few at a time. The server ends
// each at once, so it is the server's side that keeps TIME-WAIT; the client waits
// for the end of the stream and closes, too.
type churn struct {
	dial     func() (net.Conn, error)
	workers  int
	accepted *atomic.Uint64 // written by the server
	stop     atomic.Bool    // written by run
}

func (c *churn) run(d time.Duration) (count, error) {
	c.stop.Store(false)
	before := c.accepted.Load()
	ops := make([]uint64, c.workers)
	errs := make([]error, c.workers)
	var wg sync.WaitGroup
	for i := range c.workers {
		wg.Go(func() { ops[i], errs[i] = c.work(time.Now().Add(d + grace)) })
	}
	time.Sleep(d)
	c.stop.Store(true)
	wg.Wait()
	var n uint64
	for _, x := range ops {
		n += x
	}
	if got := c.accepted.Load() - before; got != n {
		errs = append(errs, fmt.Errorf("%d connections were made, %d accepted", n, got))
	}
	return count{ops: n}, errors.Join(errs...)
}

func (c *churn) work(late time.Time) (n uint64, err error) {
	buf := make([]byte, 1)
	for !c.stop.Load() {
		conn, err := c.dial()
		if err != nil {
			return n, err
		}
		if err := conn.SetReadDeadline(late); err != nil {
			return n, err
		}
		if k, err := conn.Read(buf); k != 0 || err != io.EOF {
			return n, fmt.Errorf("%d bytes and %w instead of the end", k, err)
		}
		if err := conn.Close(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// serveChurn accepts and closes until the listener is closed.
func serveChurn(l net.Listener, accepted *atomic.Uint64) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		accepted.Add(1)
		c.Close() //nolint:errcheck // the client finds out
	}
}

// newChurn starts the server on l.
func newChurn(l net.Listener, workers int, dial func() (net.Conn, error)) *churn {
	c := &churn{dial: dial, workers: workers, accepted: new(atomic.Uint64)}
	go serveChurn(l, c.accepted)
	return c
}

// planeChurn, gvisorChurn and churn on a network of the kernel's are the sides.
func planeChurn(workers int, at func(int) netip.Prefix) (*subject, error) {
	cfg := planeConfig()
	cfg.TCP.TimeWait = shortTimeWait
	p, err := overWireAt(cfg, 0, at)
	if err != nil {
		return nil, err
	}
	l, err := p[1].Listen("tcp", ":7")
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	to := p.server() // once: to ask for it allocates
	load := newChurn(l, workers, func() (net.Conn, error) { return p[0].Dial("tcp", to) })
	return &subject{load: load, packets: p.packets, close: p.close}, nil
}

func gvisorChurn(workers int) (*subject, error) {
	g, l, err := listenGvisor(byWire)
	if err != nil {
		return nil, err
	}
	load := newChurn(l, workers, g.dial)
	return &subject{load: load, packets: g.packets, close: func() error {
		l.Close()
		return g.close()
	}}, nil
}

func (k *kernelNet) churn(workers int) (*subject, error) {
	l, err := k.listen()
	if err != nil {
		return nil, err
	}
	load := newChurn(l, workers, func() (net.Conn, error) { return dialKernel(l.Addr().String()) })
	return &subject{load: load, packets: k.packets, kernel: true, close: l.Close}, nil
}
