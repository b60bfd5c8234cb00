package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// Bytes of a stream's ring. Small, as they are to stay in the cache.
const (
	floorRing     = 4 << 10
	floorBulkRing = 128 << 10
)

// floorEnds joins two of its stacks by the wire that gVisor's have.
func floorEnds(ring int) *floorCore {
	there, back := newSlots(slotCount, slotSize), newSlots(slotCount, slotSize)
	return newFloor(ring, there, back, back, there)
}

// floor has the bare path at the other end of the generator's wire.
func (r rawUDP) floor(handler bool) (*subject, error) {
	there, back := newSlots(2*wireBurst, slotSize), newSlots(2*wireBurst, slotSize)
	c := newFloor(0, back, there)
	s := c.stacks[0]
	s.addr = 10<<24 | 2
	u := s.connectUDP(10<<24|1, gvisorPort, gvisorPort)
	if handler {
		u.handler = (*floorUDP).send
		there.arrived = s.poller.WakeApp
		go s.poll()
	} else {
		there.arrived = u.rd.WakeApp
		go serveEcho(u)
	}
	return &subject{load: newGenerator(there, back, ethLen, r.burst, r.size, gvisorPort), close: c.close}, nil
}

func (r rawUDP) floorGoroutine() (*subject, error) { return r.floor(false) }
func (r rawUDP) floorHandler() (*subject, error)   { return r.floor(true) }

// floorTCP opens n connections from one end to a server in the other.
func floorTCP(ring, n int, serve func(net.Conn), mk func([]net.Conn) load) (*subject, error) {
	c := floorEnds(ring)
	l := c.stacks[1].listen()
	go func() {
		for x, err := l.Accept(); err == nil; x, err = l.Accept() {
			go serve(x)
		}
	}()
	conns := make([]net.Conn, n)
	for i := range conns {
		x, err := c.stacks[0].dial(c.stacks[1].addr, gvisorPort)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		conns[i] = x
	}
	return &subject{load: mk(conns), packets: c.packets, close: c.close}, nil
}

// floorTasks has the exchange of floorTCP called from the stack at both ends.
func floorTasks(n int) (*subject, error) {
	c := floorEnds(floorRing)
	l := c.stacks[1].listen()
	t := &floorExchange{core: c}
	for range n {
		x, err := c.stacks[0].dial(c.stacks[1].addr, gvisorPort)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		y, err := l.Accept()
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		id := uint64(len(t.clients))
		k := &floorClient{all: t, conn: x, out: message(id), in: make([]byte, msgSize), want: message(id)}
		x.onData = k.answer
		buf := make([]byte, 2048)
		y.onData = func(c *floorConn) {
			n := c.take(buf)
			if c.give(buf[:n]) != n {
				k.err = errors.New("no room for an answer")
			}
		}
		t.clients = append(t.clients, k)
	}
	return &subject{load: t, packets: c.packets, close: c.close}, nil
}

// floorExchange is newEcho without goroutines.
type floorExchange struct {
	core    *floorCore
	clients []*floorClient
	stop    bool
}

type floorClient struct {
	all           *floorExchange
	conn          *floorConn
	out, in, want []byte
	have          int
	got           uint64
	err           error
}

func (t *floorExchange) run(d time.Duration) (n count, err error) {
	t.core.enter()
	defer t.core.leave()
	t.stop = false
	start := time.Now()
	for _, k := range t.clients {
		n.ops -= k.got
		k.send()
	}
	for i := 0; i%64 != 0 || time.Since(start) < d; i++ {
		t.core.turn()
	}
	t.stop = true
	t.core.step()
	for _, k := range t.clients {
		n.ops += k.got
		err = errors.Join(err, k.err)
	}
	n.bytes = n.ops * msgSize
	return n, err
}

func (k *floorClient) send() {
	binary.LittleEndian.PutUint64(k.out, k.got)
	if k.conn.give(k.out) != len(k.out) {
		k.err = errors.New("no room for a request")
	}
}

// answer verifies what has come and asks again.
func (k *floorClient) answer(c *floorConn) {
	if k.have += c.take(k.in[k.have:]); k.have < msgSize {
		return
	}
	k.have = 0
	binary.LittleEndian.PutUint64(k.want, k.got)
	if !bytes.Equal(k.in, k.want) {
		k.err = fmt.Errorf("message %d came back as %x, not %x", k.got, k.in, k.want)
		return
	}
	if k.got++; !k.all.stop {
		k.send()
	}
}

func floorChurn(workers int) (*subject, error) {
	c := floorEnds(floorRing)
	l := floorListening{c.stacks[1].listen()}
	load := newChurn(l, workers, func() (net.Conn, error) {
		return c.stacks[0].dial(c.stacks[1].addr, gvisorPort)
	})
	return &subject{load: load, packets: c.packets, close: c.close}, nil
}

// floorListening is a net.Listener.
type floorListening struct{ *floorListener }

func (l floorListening) Accept() (net.Conn, error) { return l.floorListener.Accept() }
func (l floorListening) Close() error              { return l.stack.core.close() }
func (l floorListening) Addr() net.Addr            { return nil }
