package main

import (
	"io"

	"dataplane/sock"
)

// floorListener accepts connections to any port of its stack.
type floorListener struct {
	queue []*floorConn // guarded by the core
	stack *floorStack
	w     sock.Waiter // of the one who accepts
}

func (s *floorStack) listen() *floorListener {
	s.listener = &floorListener{stack: s}
	s.listener.w.Init()
	return s.listener
}

// Accept waits for a connection.
func (l *floorListener) Accept() (*floorConn, error) {
	k := l.stack.core
	for {
		k.enter()
		if len(l.queue) > 0 {
			c := l.queue[0]
			l.queue = l.queue[:copy(l.queue, l.queue[1:])]
			k.leave()
			return c, nil
		}
		closed := k.closed
		l.w.Arm()
		k.leave()
		if closed {
			l.w.Disarm()
			return nil, io.ErrClosedPipe
		}
		l.w.Wait()
	}
}

// conn returns a connection from the free list, or a new one, in the table.
func (s *floorStack) conn(peer uint32, from, to uint16) *floorConn {
	var c *floorConn
	if n := len(s.free); n > 0 {
		c = s.free[n-1]
		s.free = s.free[:n-1]
		c.state, c.fin, c.over, c.freed, c.owed = 0, false, false, 0, 0
		c.ended.Store(false)
	} else {
		c = &floorConn{stack: s}
		c.rd.Init()
		c.wr.Init()
	}
	c.sumIP, c.sumTCP = floorHead(c.hdr[:], s.addr, peer, [2]uint16{from, to}, protoT)
	var back [atTCP]byte
	be.PutUint32(back[atIP+12:], peer)
	be.PutUint16(back[atL4:], to)
	be.PutUint16(back[atL4+2:], from)
	c.key = flowOf(back[:])
	s.iss += 64021
	c.una, c.nxt, c.end = s.iss, s.iss, s.iss
	c.rcv = c.tail.Load()
	s.flows.insert(c.key, c)
	return c
}

// dial connects to a port of the peer.
func (s *floorStack) dial(peer uint32, port uint16) (*floorConn, error) {
	k := s.core
	k.enter()
	var key [atTCP]byte
	be.PutUint32(key[atIP+12:], peer)
	be.PutUint16(key[atL4:], port)
	for {
		if s.nextPort++; s.nextPort < 1024 {
			s.nextPort = 1024
		}
		be.PutUint16(key[atL4+2:], s.nextPort)
		if s.flows.find(flowOf(key[:])) == nil {
			break
		}
	}
	c := s.conn(peer, s.nextPort, port)
	c.segment(flagSYN, c.nxt, 0)
	c.nxt++
	c.end++
	for k.step(); c.state != floorOpen; k.step() {
		if k.closed {
			k.leave()
			return nil, io.ErrClosedPipe
		}
		c.wr.Arm()
		k.leave()
		c.wr.Wait()
		k.enter()
	}
	k.leave()
	return c, nil
}

// accept answers a SYN. f was verified.
func (s *floorStack) accept(key uint64, f []byte) bool {
	if s.listener == nil {
		return false
	}
	c := s.conn(be.Uint32(f[atIP+12:]), be.Uint16(f[atL4+2:]), be.Uint16(f[atL4:]))
	c.state = floorSynReceived
	c.begin(f)
	c.segment(flagSYN|flagACK, c.nxt, 0)
	c.nxt++
	c.end++
	return c.key == key
}

// begin takes the peer's sequence number and window from its SYN.
func (c *floorConn) begin(f []byte) {
	c.rcv = be.Uint32(f[atL4+4:]) + 1
	c.head.Store(c.rcv)
	c.tail.Store(c.rcv)
	c.edge = c.nxt + uint32(be.Uint16(f[atL4+14:]))<<floorScale
}

// control takes a segment without data that has SYN or FIN. f was verified.
func (c *floorConn) control(flags byte, f []byte) bool {
	switch {
	case flags == flagSYN|flagACK && c.state == floorSynSent && be.Uint32(f[atL4+8:]) == c.nxt:
		c.begin(f)
		c.acked(f)
		c.state = floorOpen
		c.segment(flagACK, c.nxt, 0)
		c.wr.WakeApp()
		return true
	case flags == flagFIN|flagACK && c.state >= floorOpen && !c.over && be.Uint32(f[atL4+4:]) == c.rcv:
		c.acked(f)
		c.rcv++
		c.over = true
		if c.fin {
			c.segment(flagACK, c.nxt, 0)
		}
		c.notice()
		c.finished()
		return true
	}
	return false
}

// established completes the handshake of a connection that was accepted.
func (c *floorConn) established() {
	c.state = floorOpen
	l := c.stack.listener
	l.queue = append(l.queue, c)
	l.w.WakeApp()
}

// Close sends FIN after what is in the ring.
func (c *floorConn) Close() error {
	k := c.stack.core
	k.enter()
	if !c.fin {
		c.fin = true
		c.pend()
		k.step()
	}
	k.leave()
	return nil
}

func (c *floorConn) sendFIN() {
	c.segment(flagFIN|flagACK, c.nxt, 0)
	c.nxt++
	c.end++
	c.state = floorDone
	c.first = !c.over
}

// remembered is how many connections are in TIME-WAIT.
const remembered = 1000

// finished looks whether both directions have ended. Whose FIN was the first stays in
// TIME-WAIT, and the oldest there goes for it; the other is free.
func (c *floorConn) finished() {
	if c.state != floorDone || !c.over || c.una != c.nxt {
		return
	}
	s, gone := c.stack, c
	if c.first {
		gone = s.waits[s.oldest]
		s.waits[s.oldest] = c
		s.oldest = (s.oldest + 1) % remembered
	}
	if gone != nil {
		s.flows.remove(gone.key)
		s.free = append(s.free, gone)
	}
}
