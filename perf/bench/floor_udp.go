package main

import (
	"io"
	"net"
	"time"

	"dataplane/ip"
	"dataplane/sock"
)

// floorUDP is a connected UDP socket: of one reader that writes, too, or of a handler.
type floorUDP struct {
	floorAddr
	stack   *floorStack
	head    [atUDP]byte
	sumIP   uint32
	sumUDP  uint32
	in, out *slots // datagrams to and from the application
	got     int    // in in, not published
	rd      sock.Waiter
	handler func(u *floorUDP, b []byte) // gets datagrams where they lie; nil: a goroutine reads
}

// connectUDP makes the stack's only datagram socket.
func (s *floorStack) connectUDP(peer uint32, from, to uint16) *floorUDP {
	u := &floorUDP{stack: s, in: newSlots(2*wireBurst, slotSize), out: newSlots(2*wireBurst, slotSize)}
	u.rd.Init()
	u.sumIP, u.sumUDP = floorHead(u.head[:], s.addr, peer, [2]uint16{from, to}, protoU)
	var back [atUDP]byte
	floorHead(back[:], peer, s.addr, [2]uint16{to, from}, protoU)
	s.datagram.insert(flowOf(back[:]), u)
	s.udp = append(s.udp, u)
	return u
}

// input verifies a datagram and delivers it.
func (u *floorUDP) input(f []byte) bool {
	n := len(f) - atL4
	if n != int(be.Uint16(f[atL4+4:])) {
		return false
	}
	sum := uint32(n) + protoU + ip.Sum(f[atIP+12:atUDP], 0)
	if u.handler != nil {
		if ip.Fold(ip.Sum(f[atUDP:], sum)) != 0xffff {
			return false
		}
		u.handler(u, f[atUDP:])
		return true
	}
	if u.in.room() <= u.got || ip.Fold(ip.CopySum(u.in.free(u.got), f[atUDP:], sum)) != 0xffff {
		return false
	}
	u.in.filled(u.got, n-udpLen)
	u.got++
	return true
}

// move hands a burst to the application, and sends what that wrote.
func (u *floorUDP) move() {
	if u.got > 0 {
		u.in.publish(u.got)
		u.got = 0
		u.rd.WakeApp()
	}
	n := min(u.out.waiting(), u.stack.tx.room()-u.stack.put)
	for i := range n {
		u.send(u.out.frame(i))
	}
	if n > 0 {
		u.out.done(n)
	}
}

// send makes a frame of b in the wire.
func (u *floorUDP) send(b []byte) {
	s := u.stack
	f := s.tx.free(s.put)[:atUDP+len(b)]
	copy(f, u.head[:])
	n := udpLen + len(b)
	finish(f, u.sumIP, ipLen+n)
	be.PutUint16(f[atL4+4:], uint16(n))
	sum := ^ip.Fold(ip.CopySum(f[atUDP:], b, u.sumUDP+uint32(2*n)))
	if sum == 0 { // RFC 768: that would say that there is none
		sum = 0xffff
	}
	be.PutUint16(f[atL4+6:], sum)
	s.tx.filled(s.put, len(f))
	s.put++
}

// Read returns a datagram. Who finds none looks whether the wire has some.
func (u *floorUDP) Read(b []byte) (int, error) {
	for u.in.waiting() == 0 {
		c := u.stack.core
		c.enter()
		c.step()
		closed := c.closed
		c.leave()
		if closed {
			return 0, io.EOF
		}
		if u.in.waiting() > 0 {
			break
		}
		u.rd.Arm()
		if u.in.waiting() > 0 || u.stack.rx.waiting() > 0 {
			u.rd.Disarm()
			continue
		}
		u.rd.Wait()
	}
	n := copy(b, u.in.frame(0))
	u.in.done(1)
	return n, nil
}

// Write queues a datagram. Who has read all that came sends what it wrote.
func (u *floorUDP) Write(b []byte) (int, error) {
	c := u.stack.core
	for u.out.room() == 0 {
		c.enter()
		c.step()
		c.leave()
	}
	u.out.filled(0, copy(u.out.free(0), b))
	u.out.publish(1)
	if u.in.waiting() == 0 {
		c.enter()
		c.step()
		c.leave()
	}
	return len(b), nil
}

// floorAddr is what a net.Conn must have and no load of ours needs.
type floorAddr struct{}

func (floorAddr) LocalAddr() net.Addr              { return nil }
func (floorAddr) RemoteAddr() net.Addr             { return nil }
func (floorAddr) SetDeadline(time.Time) error      { return nil }
func (floorAddr) SetReadDeadline(time.Time) error  { return nil }
func (floorAddr) SetWriteDeadline(time.Time) error { return nil }

// Close does nothing: the core closes.
func (u *floorUDP) Close() error { return nil }

// poll is the goroutine of a stack with a handler.
func (s *floorStack) poll() {
	for c := s.core; ; {
		c.enter()
		c.step()
		closed := c.closed
		c.leave()
		if closed {
			return
		}
		s.poller.Arm()
		if s.rx.waiting() > 0 {
			s.poller.Disarm()
			continue
		}
		s.poller.Wait()
	}
}
