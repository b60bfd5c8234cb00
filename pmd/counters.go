package pmd

import "sync/atomic"

// Counters is one queue's share of a port's Stats. The queue's lcore writes, once
// per burst; anybody loads. The halves lie on lines of their own so that queues
// side by side do not disturb each other.
//
// Where a burst costs no system call, the locked additions of single frames would be
// felt. Such a queue gathers, and shows what it has with a poll that finds
// nothing, after a good many frames, and when it is closed.
type Counters struct {
	_ [64]byte
	// Written by the lcore that polls the queue; imissed by whoever finds the loss.
	ipackets, ibytes, ierrors, imissed, noMbuf atomic.Uint64
	opackets, obytes, oerrors                  atomic.Uint64

	in, inBytes, out, outBytes uint64 // gathered and not shown; the lcore's own
	_                          [64]byte
}

// add is one writer's increment: a load and a store would do, but Add costs the
// same on amd64 and stays right where two threads take turns.
func add(c *atomic.Uint64, n uint64) {
	if n != 0 {
		c.Add(n)
	}
}

// Received counts frames handed to the core.
func (c *Counters) Received(frames, bytes uint64) { add(&c.ipackets, frames); add(&c.ibytes, bytes) }

// Sent counts frames taken by the link.
func (c *Counters) Sent(frames, bytes uint64) { add(&c.opackets, frames); add(&c.obytes, bytes) }

// gathered is how many frames a queue counts before it shows them.
const gathered = 64

// GatherReceived is Received for a queue that calls Show.
func (c *Counters) GatherReceived(frames, bytes uint64) {
	c.in += frames
	c.inBytes += bytes
	if c.in >= gathered {
		c.show()
	}
}

// GatherSent is Sent for a queue that calls Show.
func (c *Counters) GatherSent(frames, bytes uint64) {
	c.out += frames
	c.outBytes += bytes
	if c.out >= gathered {
		c.show()
	}
}

// Show adds what was gathered to what others see. The lcore calls it when it finds
// nothing to receive for a while, and whoever closes the queue.
func (c *Counters) Show() {
	if c.in|c.out != 0 {
		c.show()
	}
}

func (c *Counters) show() {
	c.Received(c.in, c.inBytes)
	c.Sent(c.out, c.outBytes)
	c.in, c.inBytes, c.out, c.outBytes = 0, 0, 0, 0
}

// RxError counts received frames that were not usable.
func (c *Counters) RxError(n uint64) { add(&c.ierrors, n) }

// Missed counts frames that came when there was no room.
func (c *Counters) Missed(n uint64) { add(&c.imissed, n) }

// NoMbuf counts received frames for which the pool had no buffer.
func (c *Counters) NoMbuf(n uint64) { add(&c.noMbuf, n) }

// TxError counts frames taken from the core and not sent.
func (c *Counters) TxError(n uint64) { add(&c.oerrors, n) }

// AddTo adds the counters to s. Any goroutine.
func (c *Counters) AddTo(s *Stats) {
	s.IPackets += c.ipackets.Load()
	s.IBytes += c.ibytes.Load()
	s.IErrors += c.ierrors.Load()
	s.IMissed += c.imissed.Load()
	s.RxNoMbuf += c.noMbuf.Load()
	s.OPackets += c.opackets.Load()
	s.OBytes += c.obytes.Load()
	s.OErrors += c.oerrors.Load()
}
