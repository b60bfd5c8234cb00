package main

import (
	"sync/atomic"

	"dataplane/ip"
	"dataplane/sock"
)

const (
	flagFIN = 1
	flagSYN = 2
	flagPSH = 8
	flagACK = 16

	floorMSS   = 1500 - ipLen - tcpLen
	floorScale = 7 // of windows; agreed beforehand
)

// floorConn is one end of a connection.
//
//	una <= nxt <= end <= una+ring: [una, nxt) is on its way, [nxt, end) is to be sent
//	tail <= head <= rcv: [tail, head) is the reader's, [head, rcv) came in this burst
type floorConn struct {
	floorAddr
	stack       *floorStack
	key         uint64
	hdr         [atTCP]byte // what all its frames begin with
	sumIP       uint32
	sumTCP      uint32
	una, nxt    uint32
	end, edge   uint32 // edge: of the peer's window
	rcv         uint32
	told        uint32 // the edge of its own window that the peer knows
	owed        int    // segments that are not acknowledged
	state       floorState
	queued      bool // in pending
	got         bool // in ready
	fin, over   bool // FIN is to be sent, or was; the peer's has come
	first       bool // its FIN was before the peer's
	wantsRoom   bool // a writer waits
	out, in     []byte
	outAt, inAt uint32 // what lies at the rings' first byte

	_     [64]byte
	head  atomic.Uint32 // written with the core
	tail  atomic.Uint32 // written by the reader
	ended atomic.Bool   // nothing comes after head; written with the core
	freed int           // the reader's: taken since it last told the peer
	rd    sock.Waiter
	wr    sock.Waiter

	onData func(c *floorConn) // instead of a reader; called with the core
}

type floorState uint8

const (
	floorSynSent floorState = iota
	floorSynReceived
	floorOpen
	floorDone
)

// segment makes a frame with n bytes from seq on in the wire.
func (c *floorConn) segment(flags byte, seq uint32, n int) {
	s := c.stack
	f := s.tx.free(s.put)[:atTCP+n]
	copy(f, c.hdr[:])
	finish(f, c.sumIP, ipLen+tcpLen+n)
	var ack uint32
	win := uint32(c.stack.core.ring) - (c.rcv - c.tail.Load())
	if flags&flagACK != 0 {
		ack = c.rcv
	}
	be.PutUint32(f[atL4+4:], seq)
	be.PutUint32(f[atL4+8:], ack)
	what := 5<<12 | uint32(flags)
	be.PutUint32(f[atL4+12:], what<<16|win>>floorScale)
	sum := c.sumTCP + uint32(tcpLen+n) + seq>>16 + seq&0xffff + ack>>16 + ack&0xffff + what + win>>floorScale
	if n > 0 {
		sum = c.copyOut(f[atTCP:], seq, sum)
	}
	be.PutUint16(f[atL4+16:], ^ip.Fold(sum))
	s.tx.filled(s.put, len(f))
	s.put++
	c.owed, c.told = 0, c.rcv+win
}

// copyOut copies from the ring and sums.
func (c *floorConn) copyOut(to []byte, seq, sum uint32) uint32 {
	at := int(seq-c.outAt) & (len(c.out) - 1)
	if at+len(to) <= len(c.out) {
		return ip.CopySum(to, c.out[at:at+len(to)], sum)
	}
	k := copy(to, c.out[at:])
	copy(to[k:], c.out)
	return ip.Sum(to, sum)
}

// inputTCP verifies a segment, which begins at the frame's start, and takes it.
func (s *floorStack) inputTCP(f []byte) bool {
	key := flowOf(f)
	c := s.flows.find(key)
	flags := f[atL4+13] &^ flagPSH
	sum := uint32(len(f)-atL4) + protoT + ip.Sum(f[atIP+12:atTCP], 0)
	switch {
	case c == nil:
		return flags == flagSYN && ip.Fold(ip.Sum(f[atTCP:], sum)) == 0xffff && s.accept(key, f)
	case flags != flagACK:
		return ip.Fold(sum) == 0xffff && len(f) == atTCP && c.control(flags, f)
	}
	seq, n := be.Uint32(f[atL4+4:]), len(f)-atTCP
	if n > 0 && seq == c.rcv && c.room() >= n {
		sum = c.copyIn(f[atTCP:], sum)
	} else {
		sum = ip.Sum(f[atTCP:], sum)
	}
	if ip.Fold(sum) != 0xffff || seq != c.rcv || c.room() < n {
		return false
	}
	c.acked(f)
	switch c.state {
	case floorSynReceived:
		c.established()
	case floorDone:
		c.finished()
	}
	if n > 0 {
		c.rcv += uint32(n)
		c.owed++
		c.notice()
	}
	return true
}

func (c *floorConn) room() int { return c.stack.core.ring - int(c.rcv-c.tail.Load()) }

// copyIn copies into the ring, behind what is the reader's, and sums.
func (c *floorConn) copyIn(b []byte, sum uint32) uint32 {
	if c.in == nil {
		c.in = make([]byte, c.stack.core.ring)
	}
	if c.rcv == c.tail.Load() {
		c.inAt = c.rcv // empty: the first bytes are in the cache
	}
	at := int(c.rcv-c.inAt) & (len(c.in) - 1)
	if at+len(b) <= len(c.in) {
		return ip.CopySum(c.in[at:], b, sum)
	}
	k := copy(c.in[at:], b)
	copy(c.in, b[k:])
	return ip.Sum(b, sum)
}

// acked looks at a segment's acknowledgement and window.
func (c *floorConn) acked(f []byte) {
	ack := be.Uint32(f[atL4+8:])
	if ack-c.una > c.nxt-c.una {
		return
	}
	c.una = ack
	c.edge = ack + uint32(be.Uint16(f[atL4+14:]))<<floorScale
	if c.nxt != c.end {
		c.pend()
	}
	if c.wantsRoom && int(c.end-c.una) <= len(c.out)/2 {
		c.wantsRoom = false
		c.wr.WakeApp()
	}
}

// notice has the reader told at the end of the burst.
func (c *floorConn) notice() {
	if !c.got {
		c.got = true
		c.stack.ready = append(c.stack.ready, c)
	}
}

// pend has the connection send.
func (c *floorConn) pend() {
	if !c.queued {
		c.queued = true
		c.stack.pending = append(c.stack.pending, c)
	}
}

// deliver hands over what a burst brought, wakes readers, and acknowledges for all of
// it where it was more than a segment.
func (s *floorStack) deliver() {
	for _, c := range s.ready {
		c.got = false
		if c.owed > 1 {
			c.segment(flagACK, c.nxt, 0)
		}
		if c.over {
			c.head.Store(c.rcv - 1) // FIN has a number of its own
			c.ended.Store(true)
		} else {
			c.head.Store(c.rcv)
		}
		if c.onData != nil {
			c.onData(c)
		} else {
			c.rd.WakeApp()
		}
	}
	s.ready = s.ready[:0]
}

// spared are the slots that data leaves to acknowledgements, of which there are at
// most as many as frames in a burst.
const spared = 2 * wireBurst

// output sends what is pending as far as the wire and the windows have room.
func (s *floorStack) output() {
	rest := s.pending[:0]
	for _, c := range s.pending {
		if c.queued = c.send(); c.queued {
			rest = append(rest, c)
		}
	}
	s.pending = rest
}

// send returns whether more is to be sent, and only the wire has no room.
func (c *floorConn) send() bool {
	s := c.stack
	for c.nxt != c.end {
		left, open := int(c.end-c.nxt), int(int32(c.edge-c.nxt))
		n := min(left, floorMSS)
		if open < n {
			return false // RFC 9293 3.8.6.2.1: rather wait than send little
		}
		if s.tx.room()-s.put <= spared {
			return true
		}
		c.segment(flagACK|flagPSH, c.nxt, n)
		c.nxt += uint32(n)
	}
	if c.fin && c.state == floorOpen {
		c.sendFIN()
	}
	return false
}
