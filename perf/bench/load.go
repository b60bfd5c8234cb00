package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// count is what a load has done and verified.
type count struct {
	ops   uint64
	bytes uint64

	// What only some loads know; zero: the framework's own measure counts.
	packets uint64
	wall    time.Duration
	cpu     time.Duration           // where the work was done by another process
	values  map[string]float64      // figures of the load's own
	hist    *hdrhistogram.Histogram // latencies of this run in ns (newHist)
}

// load is work that can be repeated for about a given time.
type load interface {
	run(d time.Duration) (count, error)
}

// warmer is a load that must do something before a window to be in its steady state.
type warmer interface{ warm() error }

const (
	msgSize = 64
	grace   = 10 * time.Second // a load that is so late hangs
)

// clients runs a client for each connection until stop.
type clients struct {
	conns []net.Conn
	bytes uint64                                   // of an operation
	spawn func(f func())                           // runs a client; nil: on a goroutine
	work  func(c net.Conn, id int) (uint64, error) // until stop; returns its operations
	stop  atomic.Bool                              // written by run
}

func (e *clients) run(d time.Duration) (count, error) {
	e.stop.Store(false)
	var wg sync.WaitGroup
	ops := make([]uint64, len(e.conns))
	errs := make([]error, len(e.conns))
	for i, c := range e.conns {
		if err := c.SetDeadline(time.Now().Add(d + grace)); err != nil {
			return count{}, err
		}
		wg.Add(1)
		client := func() {
			defer wg.Done()
			ops[i], errs[i] = e.work(c, i)
		}
		if e.spawn != nil {
			e.spawn(client)
		} else {
			go client()
		}
	}
	time.Sleep(d)
	e.stop.Store(true)
	wg.Wait()
	var n count
	for i := range ops {
		if errs[i] != nil {
			return n, errs[i]
		}
		n.ops += ops[i]
		n.bytes += ops[i] * e.bytes
	}
	return n, nil
}

// newEcho sends messages and waits for them to come back, window messages on the
// way over each connection.
func newEcho(conns []net.Conn, window int) *clients {
	e := &clients{conns: conns, bytes: msgSize}
	e.work = func(c net.Conn, id int) (uint64, error) { return e.echo(c, uint64(id), uint64(window)) }
	return e
}

// echo keeps window messages on the way until stop, then waits for the last.
func (e *clients) echo(c net.Conn, id, window uint64) (uint64, error) {
	out, in, want := message(id), make([]byte, msgSize), message(id)
	var sent, got uint64
	for {
		for sent < got+window && !e.stop.Load() {
			binary.LittleEndian.PutUint64(out, sent)
			if _, err := c.Write(out); err != nil {
				return got, err
			}
			sent++
		}
		if got == sent {
			return got, nil
		}
		if _, err := io.ReadFull(c, in); err != nil {
			return got, fmt.Errorf("after %d messages: %w", got, err)
		}
		binary.LittleEndian.PutUint64(want, got)
		if !bytes.Equal(in, want) {
			return got, fmt.Errorf("message %d came back as %x, not %x", got, in, want)
		}
		got++
	}
}

// turns exchanges a message over each connection in turn.
type turns struct {
	conns []net.Conn
	next  int
	sent  uint64

	out, in []byte // of the exchange under way
}

func (t *turns) run(d time.Duration) (count, error) {
	start, before := time.Now(), t.sent
	for t.sent == before || t.sent%16 != 0 || time.Since(start) < d {
		if err := t.exchange(start.Add(d + grace)); err != nil {
			return count{}, err
		}
	}
	n := t.sent - before
	return count{ops: n, bytes: n * msgSize}, nil
}

// warm goes once round: a plane's connections that were quiet for seconds, while other
// sides were measured, have given their rings' memory back.
func (t *turns) warm() error {
	late := time.Now().Add(grace)
	for range t.conns {
		if err := t.exchange(late); err != nil {
			return err
		}
	}
	return nil
}

// exchange is a message and its answer over the connection whose turn it is.
func (t *turns) exchange(late time.Time) error {
	c := t.conns[t.next]
	if err := c.SetDeadline(late); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(t.out, t.sent)
	if _, err := c.Write(t.out); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, t.in); err != nil {
		return err
	}
	if !bytes.Equal(t.in, t.out) {
		return fmt.Errorf("message %d came back as %x, not %x", t.sent, t.in, t.out)
	}
	t.sent++
	t.next = (t.next + 1) % len(t.conns)
	return nil
}

func message(id uint64) []byte {
	m := make([]byte, msgSize)
	for i := range m {
		m[i] = byte(uint64(i)*7 + id*13)
	}
	return m
}

// serveEcho returns what it reads, until the connection ends.
func serveEcho(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 2048)
	for {
		n, err := c.Read(buf)
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}
