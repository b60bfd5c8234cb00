package main

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"

	"dataplane/ip"
	"dataplane/sock"
)

// The floor is what the work costs when next to nothing but the work is done: the
// bare path that this hardware and Go's runtime permit, to judge everybody's ratios
// by. It is no stack, and none could be made of it.
//
// What it does: Ethernet, IPv4 and UDP or TCP headers on the same wire of slots as
// the others; checksums made and verified (the product's functions); a hash table of
// flows; copies into and out of rings; windows and acknowledgements, one for the
// segments of a burst; handshake, end of stream and TIME-WAIT of the last thousand; a
// blocking net.Conn, whose goroutines park as the product's do (sock.Waiter).
//
// What it leaves out: loss, and so timers and the clock; congestion control; options
// (the window's scale is agreed beforehand); fragments; ICMP; ARP; routes; counters;
// deadlines. Whatever is damaged or not in its turn is dropped, the load would hang,
// and the suite would say so.
//
// There is no poller. On one CPU whoever wrote, or has nothing to read, takes the
// core and steps both ends until nothing moves.

// floorCore is the CPU's: stacks that are stepped together.
type floorCore struct {
	busy   atomic.Bool // written by enter and leave
	closed bool        // guarded by busy, as is all that follows and the stacks
	stacks []*floorStack
	ring   int // bytes of a stream's ring; a power of two
}

func (c *floorCore) enter() {
	for !c.busy.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
}

func (c *floorCore) leave() { c.busy.Store(false) }

// step works until nothing moves.
func (c *floorCore) step() {
	for c.turn() {
	}
}

// turn lets each stack receive a burst and send what is pending.
func (c *floorCore) turn() (moved bool) {
	for _, s := range c.stacks {
		if s.turn() {
			moved = true
		}
	}
	return moved
}

// floorStack is one end of a wire. Whoever has the core runs it.
type floorStack struct {
	core     *floorCore
	addr     uint32
	tx, rx   *slots
	put      int // frames in tx that are not published
	sent     uint64
	dropped  uint64
	datagram floorFlows[floorUDP]
	udp      []*floorUDP
	flows    floorFlows[floorConn]
	ready    []*floorConn // got something in this burst
	pending  []*floorConn // have something to send
	listener *floorListener
	nextPort uint16
	iss      uint32
	waits    [remembered]*floorConn // in TIME-WAIT
	oldest   int
	free     []*floorConn
	poller   sock.Waiter
}

// newFloor returns a core with an end for each address; two are joined by a wire.
func newFloor(ring int, wires ...*slots) *floorCore {
	c := &floorCore{ring: ring}
	for i := 0; i < len(wires)/2; i++ {
		s := &floorStack{core: c, tx: wires[2*i], rx: wires[2*i+1], nextPort: 32768}
		s.poller.Init()
		s.addr = 10<<24 | uint32(1+i)
		s.flows.grow(256)
		s.datagram.grow(256)
		c.stacks = append(c.stacks, s)
	}
	return c
}

// close ends everything; whoever waits comes back.
func (c *floorCore) close() error {
	c.enter()
	defer c.leave()
	c.closed = true
	for _, s := range c.stacks {
		for _, x := range s.flows.slots {
			if x.flow != nil {
				x.flow.ended.Store(true)
				x.flow.rd.WakeApp()
				x.flow.wr.WakeApp()
			}
		}
		for _, u := range s.udp {
			u.rd.WakeApp()
		}
		if s.listener != nil {
			s.listener.w.WakeApp()
		}
		s.poller.WakeApp()
	}
	return nil
}

// packets returns how many frames the core has sent.
func (c *floorCore) packets() (n uint64) {
	c.enter()
	for _, s := range c.stacks {
		n += s.sent
	}
	c.leave()
	return n
}

func (s *floorStack) turn() bool {
	n := min(s.rx.waiting(), wireBurst)
	for i := range n {
		if !s.input(s.rx.frame(i)) {
			s.dropped++
		}
	}
	if n > 0 {
		s.rx.done(n)
	}
	if len(s.ready) > 0 {
		s.deliver()
	}
	if len(s.pending) > 0 {
		s.output()
	}
	for _, u := range s.udp {
		u.move()
	}
	if s.put > 0 {
		s.sent += uint64(s.put)
		s.tx.publish(s.put)
		s.put = 0
		return true
	}
	return n > 0
}

// Where things lie in a frame.
const (
	atIP  = ethLen
	atL4  = ethLen + ipLen
	atTCP = atL4 + tcpLen
	atUDP = atL4 + udpLen

	tcpLen = 20
	protoT = 6
	protoU = 17
)

var be = binary.BigEndian

// input verifies a frame's headers and hands it on.
func (s *floorStack) input(f []byte) bool {
	if len(f) < atUDP || be.Uint32(f[12:]) != 0x08004500 {
		return false
	}
	n := int(be.Uint16(f[atIP+2:]))
	if n+ethLen > len(f) || ip.Checksum(f[atIP:atL4], 0) != 0xffff || be.Uint32(f[atIP+16:]) != s.addr {
		return false
	}
	switch f[atIP+9] {
	case protoT:
		return n >= ipLen+tcpLen && s.inputTCP(f[:n+ethLen])
	case protoU:
		u := s.datagram.find(flowOf(f))
		return u != nil && u.input(f[:n+ethLen])
	}
	return false
}

// floorHead makes the headers that a flow's packets begin with, and the sums of what
// stays the same in them: of the IP header, and of the pseudo header with the ports.
func floorHead(f []byte, src, dst uint32, ports [2]uint16, proto byte) (sumIP, sumL4 uint32) {
	copy(f, planeMAC[:])
	copy(f[6:], ownMAC[:])
	copy(f[12:], []byte{8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto})
	be.PutUint32(f[atIP+12:], src)
	be.PutUint32(f[atIP+16:], dst)
	be.PutUint16(f[atL4:], ports[0])
	be.PutUint16(f[atL4+2:], ports[1])
	sumL4 = uint32(proto) + uint32(ip.Fold(ip.Sum(f[atIP+12:atL4+4], 0)))
	return ip.Sum(f[atIP:atL4], 0), sumL4
}

// finish writes what of the IP header is a packet's own. Its id is 0: RFC 6864 4.1.
func finish(f []byte, sumIP uint32, n int) {
	be.PutUint16(f[atIP+2:], uint16(n))
	be.PutUint16(f[atIP+10:], ^ip.Fold(sumIP+uint32(n)))
}
