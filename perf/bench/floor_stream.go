package main

import "io"

// take copies out of the ring, without waiting. Of the reader.
func (c *floorConn) take(b []byte) int {
	h, t := c.head.Load(), c.tail.Load()
	n := min(len(b), int(h-t))
	if n == 0 {
		return 0
	}
	at := int(t-c.inAt) & (len(c.in) - 1)
	if k := copy(b[:n], c.in[at:]); k < n {
		copy(b[k:n], c.in)
	}
	c.tail.Store(t + uint32(n))
	c.freed += n
	return n
}

// Read waits for bytes and returns them.
func (c *floorConn) Read(b []byte) (int, error) {
	for {
		if n := c.take(b); n > 0 {
			if c.freed >= len(c.in)/2 {
				c.tell()
			}
			return n, nil
		}
		if c.ended.Load() && c.head.Load() == c.tail.Load() {
			return 0, io.EOF
		}
		c.rd.Arm()
		if c.head.Load() != c.tail.Load() || c.ended.Load() {
			c.rd.Disarm()
			continue
		}
		c.rd.Wait()
	}
}

// tell lets the peer know of room, unless it knows of half a ring.
func (c *floorConn) tell() {
	c.freed = 0
	k := c.stack.core
	k.enter()
	if int(c.told-c.rcv) < len(c.in)/2 {
		c.segment(flagACK, c.nxt, 0)
		k.step()
	}
	k.leave()
}

// give copies into the ring, without waiting, and has it sent. With the core.
func (c *floorConn) give(b []byte) int {
	if c.out == nil {
		c.out = make([]byte, c.stack.core.ring)
	}
	if c.end == c.una {
		c.outAt = c.end // empty: the first bytes are in the cache
	}
	n := min(len(b), len(c.out)-int(c.end-c.una))
	at := int(c.end-c.outAt) & (len(c.out) - 1)
	if k := copy(c.out[at:], b[:n]); k < n {
		copy(c.out, b[k:n])
	}
	c.end += uint32(n)
	if n > 0 {
		c.pend()
	}
	return n
}

// Write returns when all of b is in the ring, and sent as far as the peer has room.
func (c *floorConn) Write(b []byte) (all int, err error) {
	k := c.stack.core
	for {
		k.enter()
		all += c.give(b[all:])
		k.step()
		closed := k.closed
		if all == len(b) || closed {
			k.leave()
			if closed {
				return all, io.ErrClosedPipe
			}
			return all, nil
		}
		if len(c.out) == int(c.end-c.una) {
			c.wantsRoom = true
			c.wr.Arm()
			k.leave()
			c.wr.Wait()
			continue
		}
		k.leave()
	}
}
