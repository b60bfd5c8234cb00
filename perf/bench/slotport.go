package main

import (
	"sync/atomic"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// slotPort is the plane's end of a wire of slots: a port with one queue and no
// offloads.
type slotPort struct {
	tx, rx *slots
	pool   *mbuf.Pool
	closed atomic.Bool // written by Close
	count  pmd.Counters
}

var (
	_ pmd.Port     = (*slotPort)(nil)
	_ pmd.Queue    = (*slotPort)(nil)
	_ pmd.Notifier = (*slotPort)(nil)
)

var (
	planeMAC = [6]byte{2, 0, 0, 0, 0, 2}
	ownMAC   = [6]byte{2, 0, 0, 0, 0, 1} // of the generator
)

// Info describes an ordinary Ethernet port.
func (p *slotPort) Info() pmd.Info {
	return pmd.Info{Driver: "slots", Device: "slots", MAC: planeMAC, MTU: 1500, Queues: 1}
}

// Start borrows the first pool.
func (p *slotPort) Start(pools []*mbuf.Pool) error { p.pool = pools[0]; return nil }

// Queue returns the only queue.
func (p *slotPort) Queue(int) pmd.Queue { return p }

// LinkUp is true: the other end is always there.
func (p *slotPort) LinkUp() bool { return !p.closed.Load() }

// FD returns -1: the port wakes by Notify.
func (p *slotPort) FD() int { return -1 }

// Notify registers what to call when frames arrive, or room.
func (p *slotPort) Notify(wake func()) { p.rx.arrived, p.tx.drained = wake, wake }

// Stats returns what passed.
func (p *slotPort) Stats() (s pmd.Stats) { p.count.AddTo(&s); return s }

// Close has nothing to give back: no buffer is ever kept.
func (p *slotPort) Close() error { p.closed.Store(true); return nil }

// RxBurst copies waiting frames out of the ring.
func (p *slotPort) RxBurst(b []*mbuf.Mbuf) int {
	n := min(p.rx.waiting(), len(b))
	if n == 0 || !p.pool.AllocBulk(b[:n]) {
		return 0
	}
	var bytes uint64
	for i, m := range b[:n] {
		m.DataLen = uint16(copy(m.Room(), p.rx.frame(i)))
		m.PktLen = uint32(m.DataLen)
		bytes += uint64(m.DataLen)
	}
	p.rx.done(n)
	p.count.Received(uint64(n), bytes)
	return n
}

// TxBurst copies frames into the ring and frees them.
func (p *slotPort) TxBurst(b []*mbuf.Mbuf) int {
	n := min(p.tx.room(), len(b))
	if n < len(b) {
		p.tx.starved.Store(true)
	}
	if n == 0 {
		return 0
	}
	var bytes uint64
	for i, m := range b[:n] {
		at, to := 0, p.tx.free(i)
		for s := m; s != nil; s = s.Next() {
			at += copy(to[at:], s.Bytes())
		}
		p.tx.filled(i, at)
		bytes += uint64(at)
	}
	p.tx.publish(n)
	p.pool.FreeBulk(b[:n])
	p.count.Sent(uint64(n), bytes)
	return n
}
