package wire

import (
	"runtime"
	"sync/atomic"

	"dataplane/internal/ring"
	"dataplane/mbuf"
)

// link is one direction of one queue pair: a ring of descriptors.
//
//	clean <= done <= head <= clean+len(slots)
//	slots[clean:done)  copied by the receiver, not yet taken back by the sender
//	slots[done:head)   frames on their way; the receiver may read them
//	all others         empty, the sender's
//
// The sender writes a slot and then stores head, which lends the buffer to the
// receiver; the receiver copies and then stores done, which ends the loan. Each store
// publishes what came before.
//
// done carries a busy bit: it is set while the receiver may be reading lent
// buffers. Close marks the link dead and then waits for the bit to clear; the
// receiver sets the bit and then looks at dead. One of the two sees the other, so
// after Close nobody reads the sender's memory.
type link struct {
	slots []*mbuf.Mbuf
	mask  uint64

	_     [64]byte
	head  atomic.Uint64 // written by the sender
	next  uint64        // the sender's copy of head
	clean uint64        // the sender's own

	_    [64]byte
	done atomic.Uint64 // written by the receiver: position<<1 | busy
	tail uint64        // the receiver's copy of the position

	_       [64]byte
	dead    atomic.Bool            // written by either side's Close, once
	starved atomic.Bool            // set by the sender when it refused frames, cleared by the receiver
	arrived atomic.Pointer[func()] // written by the receiver's Notify
	drained atomic.Pointer[func()] // written by the sender's Notify
	_       [64]byte
}

func newLink(depth int) *link {
	return &link{slots: make([]*mbuf.Mbuf, depth), mask: uint64(depth - 1)}
}

// room is how many descriptors the sender may fill.
func (l *link) room() int { return len(l.slots) - int(l.next-l.clean) }

// put borrows m from the sender until done passes it. The caller knows of room.
func (l *link) put(m *mbuf.Mbuf) {
	l.slots[l.next&l.mask] = m
	l.next++
}

// publish hands what was put to the receiver, and returns what wakes it.
func (l *link) publish() (wake *func()) {
	l.head.Store(l.next)
	return l.arrived.Load()
}

// copied returns how many buffers the sender can take back.
func (l *link) copied() int { return int(l.done.Load()>>1 - l.clean) }

// finished returns the sender's buffers that the receiver has copied, in at most
// two runs, and forgets them.
func (l *link) finished() (x, y []*mbuf.Mbuf) {
	return l.takeBack(l.done.Load() >> 1)
}

// everything returns all of the sender's buffers in the ring of a dead link, and
// how many of them were never read.
func (l *link) everything() (x, y []*mbuf.Mbuf, lost int) {
	v := l.done.Load()
	for v&1 != 0 { // the receiver is copying its last burst
		runtime.Gosched()
		v = l.done.Load()
	}
	lost = int(l.next - max(v>>1, l.clean))
	x, y = l.takeBack(l.next)
	return x, y, lost
}

func (l *link) takeBack(end uint64) (x, y []*mbuf.Mbuf) {
	start := l.clean
	if start == end {
		return nil, nil
	}
	l.clean = end
	i, n := start&l.mask, end-start
	if i+n <= uint64(len(l.slots)) {
		return l.slots[i : i+n], nil
	}
	return l.slots[i:], l.slots[:i+n-uint64(len(l.slots))]
}

// waiting is how many frames the receiver may read.
func (l *link) waiting() int { return int(l.head.Load() - l.tail) }

// begin says that the receiver reads lent buffers; false: the link is dead.
func (l *link) begin() bool {
	l.done.Store(l.tail<<1 | 1)
	if l.dead.Load() {
		l.done.Store(l.tail << 1)
		return false
	}
	return true
}

// slot is the i-th waiting frame, borrowed between begin and end.
func (l *link) slot(i int) *mbuf.Mbuf { return l.slots[(l.tail+uint64(i))&l.mask] }

// end gives n buffers back, and wakes a sender that had been refused.
func (l *link) end(n int) {
	l.tail += uint64(n)
	ring.StoreRelease(&l.done, l.tail<<1)
	l.feed()
}

// feed wakes a sender that has been refused. Behind end it may not see him yet; a receiver
// polls once more before it sleeps, and then does.
func (l *link) feed() {
	if l.starved.Load() {
		l.starved.Store(false)
		call(&l.drained)
	}
}

// kill ends both directions' use of the link.
func (l *link) kill() {
	l.dead.Store(true)
	call(&l.arrived)
	call(&l.drained)
}

func call(p *atomic.Pointer[func()]) {
	if f := p.Load(); f != nil {
		(*f)()
	}
}
